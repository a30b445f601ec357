/** The steps of a plan, numbered depth first: what a block holds right behind it, what undoes a step right behind that. */
import { assert } from '../../base/assert.ts'
import { defaults } from '../limits.ts'
import type { Meaning } from '../meaning/check.ts'
import type { CompensateFile } from '../model/calling.ts'
import type {
  BranchFile,
  CallFile,
  ForEachFile,
  InvokeFile,
  ParallelFile,
  SleepFile,
  StepFile,
  SwitchFile,
  WaitFile,
} from '../model/step.ts'
import type {
  CallStep,
  ForEachStep,
  InvokeStep,
  ParallelStep,
  SleepStep,
  Step,
  StepBase,
  SwitchStep,
  UndoStep,
  WaitStep,
} from '../plan.ts'
import { expressionAt, joinOf, ms, publications, retryPolicy, templateAt } from './fields.ts'

/** `body`: those at the top; `steps`: all, by number. */
export function assembleSteps(files: readonly StepFile[], meaning: Meaning): { body: Step[]; steps: Step[] } {
  const steps: Step[] = []
  const body = list(files, 'steps', { meaning, steps, within: [], blocks: [] })
  return { body, steps }
}

interface Assembling {
  readonly meaning: Meaning
  readonly steps: Step[]
  /** Numbers of the `forEach` steps around. */
  readonly within: readonly number[]
  /** Numbers of the other blocks around, inside of the same item, the innermost first. */
  readonly blocks: readonly number[]
}

/** `path`: where the list stands in the file, as `labelOf` writes it. */
function list(files: readonly StepFile[], path: string, to: Assembling): Step[] {
  return files.map((file, place) => step(file, `${path}[${place}]`, to))
}

function step(file: StepFile, path: string, to: Assembling): Step {
  const base = baseOf(file, path, to)
  // Its number is taken before those of what it holds.
  to.steps.length += 1
  const made = madeOf(file, base, path, to)
  to.steps[made.no] = made
  return made
}

function baseOf(file: StepFile, path: string, { meaning, steps, within, blocks }: Assembling): StepBase {
  return {
    no: steps.length,
    id: file.id,
    when: meaning.expressions.get(`${path}.when`) ?? null,
    require: meaning.expressions.get(`${path}.require`) ?? null,
    optional: file.optional,
    publish: publications(file.publish, `${path}.publish`, meaning),
    within,
    blocks,
  }
}

function madeOf(file: StepFile, base: StepBase, path: string, to: Assembling): Step {
  if ('uses' in file) return invoke(file, base, path, to)
  if ('parallel' in file) return parallel(file, base, path, to)
  if ('forEach' in file) return forEach(file, base, path, to)
  if ('switch' in file) return switchOf(file, base, path, to)
  if ('sleep' in file) return sleep(file, base, path, to)
  if ('wait' in file) return wait(file, base, path, to)
  return call(file, base, path, to)
}

function invoke(file: InvokeFile, base: StepBase, path: string, to: Assembling): InvokeStep {
  return {
    ...base,
    kind: 'invoke',
    uses: file.uses,
    with: templateAt(`${path}.with`, to.meaning),
    retry: retryPolicy(file.retry),
    timeoutMs: ms(file.timeout),
    compensate: file.compensate === undefined ? null : undo(file.compensate, base, `${path}.compensate`, to),
  }
}

function undo(file: CompensateFile, of: StepBase, path: string, { meaning, steps }: Assembling): UndoStep {
  const said = typeof file === 'string' ? { uses: file, timeout: defaults.timeout, postings: defaults.postings } : file
  const made: UndoStep = {
    no: steps.length,
    id: of.id,
    when: null,
    require: null,
    optional: false,
    publish: [],
    within: of.within,
    blocks: of.blocks,
    kind: 'undo',
    uses: said.uses,
    with: templateAt(`${path}.with`, meaning),
    retry: retryPolicy('retry' in said ? said.retry : undefined),
    timeoutMs: ms(said.timeout),
    of: of.no,
    postings: said.postings,
    net: 'net' in said && said.net !== undefined ? templateAt(`${path}.net`, meaning) : null,
  }
  steps.push(made)
  return made
}

function parallel(file: ParallelFile, base: StepBase, path: string, to: Assembling): ParallelStep {
  const inside = insideOf(base, to)
  const branches = Object.entries(file.parallel).map(([id, branch]) => ({
    id,
    steps: branchSteps(branch, `${path}.parallel.${id}`, inside),
  }))
  return { ...base, kind: 'parallel', branches, join: joinOf(file), others: file.others }
}

function insideOf({ no }: StepBase, to: Assembling): Assembling {
  return { ...to, blocks: [no, ...to.blocks] }
}

function branchSteps(file: BranchFile, path: string, to: Assembling): Step[] {
  return Array.isArray(file) ? list(file, path, to) : list(file.steps, `${path}.steps`, to)
}

function forEach(file: ForEachFile, base: StepBase, path: string, to: Assembling): ForEachStep {
  const steps = list(file.steps, `${path}.steps`, { ...to, within: [...to.within, base.no], blocks: [] })
  return {
    ...base,
    kind: 'forEach',
    in: expressionAt(`${path}.forEach`, to.meaning),
    as: file.as,
    steps,
    size: to.steps.length - base.no - 1,
    atOnce: file.atOnce,
    join: joinOf(file),
    others: file.others,
  }
}

function switchOf(file: SwitchFile, base: StepBase, path: string, to: Assembling): SwitchStep {
  const inside = insideOf(base, to)
  const cases = file.switch.map((each, place) => {
    const at = `${path}.switch[${place}]`
    const when = to.meaning.expressions.get(`${at}.when`) ?? null
    return { when, steps: list(each.steps, `${at}.steps`, inside) }
  })
  return { ...base, kind: 'switch', cases }
}

function sleep({ sleep }: SleepFile, base: StepBase, path: string, { meaning }: Assembling): SleepStep {
  const until = typeof sleep === 'string' ? { forMs: ms(sleep) } : { at: expressionAt(`${path}.sleep.until`, meaning) }
  return { ...base, kind: 'sleep', until }
}

function wait({ wait }: WaitFile, base: StepBase, path: string, { meaning }: Assembling): WaitStep {
  return {
    ...base,
    kind: 'wait',
    topic: wait.topic,
    key: expressionAt(`${path}.wait.key`, meaning),
    match: meaning.expressions.get(`${path}.wait.match`) ?? null,
    timeoutMs: wait.timeout === undefined ? null : ms(wait.timeout),
    onTimeout: wait.onTimeout,
  }
}

function call(file: CallFile, base: StepBase, path: string, { meaning }: Assembling): CallStep {
  assert('call' in file, `${path} is of a known kind`)
  return { ...base, kind: 'call', workflow: file.call, with: templateAt(`${path}.with`, meaning) }
}
