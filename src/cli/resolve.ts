/** `millrace resolve ID --step S --outcome ok|fail`: a person's word on a step in doubt. */
import { EngineError, messageOf } from '../base/error.ts'
import { isStorable, type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { Story } from '../ledger/read/story.ts'
import { didYouMean } from '../workflow/nearest.ts'
import { type Answered, type AskOptions, askAndWait, close } from './commands.ts'
import { usage } from './fail.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { checked, theOne } from './the-one.ts'

export interface ResolveOptions extends AskOptions {
  readonly step: string
  readonly outcome: 'ok' | 'fail'
  /** JSON text. */
  readonly output?: string
  readonly json?: boolean
}

export async function resolve(id: string, options: ResolveOptions): Promise<void> {
  checked(id)
  const args = argsOf(options)
  const answered = await query(async (db) => {
    const story = await theOne(db, id)
    checkStep(story, options.step)
    return askAndWait(db, [{ kind: 'resolve', target: story.id, args }], options)
  })
  const [answer] = answered as [Answered]
  if (options.json) printJson(answer)
  else tell(answer, options)
  close(answered, options)
}

function argsOf({ step, outcome, output }: ResolveOptions): string {
  if (output === undefined) return stringifyJson({ step, outcome })
  if (outcome === 'fail') throw usage('--output goes with --outcome ok: a step that failed has none')
  return stringifyJson({ step, outcome, output: parsed(output) })
}

function parsed(text: string): Json {
  try {
    const value = parseJson(text)
    if (isStorable(stringifyJson(value))) return value
  } catch (cause) {
    throw usage(`--output is no JSON: ${messageOf(cause)}; a text needs its quotes, as in --output '"done"'`)
  }
  throw usage('--output holds a NUL, half a character or nests too deep')
}

/** Said at once rather than by a coordinator; that one looks again. */
function checkStep({ id, steps }: Story, name: string): void {
  const step = steps.find((each) => each.step === name)
  if (step?.state === 'in_doubt') return
  const doubtful = steps.filter((each) => each.state === 'in_doubt').map((each) => each.step)
  const names = steps.map((each) => each.step)
  const stands = step ? `step ${name} of ${id} is ${step.state}` : `${id} has come to no step ${name}`
  const instead =
    doubtful.length > 0
      ? didYouMean(name, doubtful, `in doubt is ${doubtful.join(', ')}`)
      : step
        ? 'only a step in doubt can be resolved'
        : didYouMean(name, names, `its steps are ${names.join(', ')}`)
  throw new EngineError('not_in_doubt', `${stands}; ${instead}`)
}

function tell({ state, answer, target }: Answered, { step, outcome }: ResolveOptions): void {
  if (state === 'refused') print(`refused: ${answer}`)
  else if (state === 'pending') print(`asked: step ${step} of ${target} is to be settled as ${outcome}`)
  else print(`step ${step} of ${target} is settled as ${outcome}; \`millrace show ${target}\` tells how it goes on`)
}
