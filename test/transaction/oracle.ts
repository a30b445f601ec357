/** Looks into a transaction from outside: what its steps are in, and which blocks are decided by now. */
import { type Frame, frameAt, rootOf } from '../../src/transaction/draft.ts'
import { itemsOf } from '../../src/transaction/items.ts'
import type { StepProgress, StepRef, Transaction } from '../../src/transaction/transaction.ts'
import type { ForEachStep, Join, ParallelStep, Plan, Step } from '../../src/workflow/plan.ts'

/** Every step of it, those of all items too, of which this is true. */
export function heldBy(transaction: Transaction, holds: (progress: StepProgress) => boolean): StepRef[] {
  const found: StepRef[] = []
  each(transaction.plan, rootOf(transaction), 0, transaction.plan.steps.length, (step, frame) => {
    if (holds(frame.get(step.no))) found.push({ step: step.no, item: frame.item })
  })
  return found
}

export function each(
  plan: Plan,
  frame: Frame,
  from: number,
  to: number,
  visit: (step: Step, frame: Frame) => void,
): void {
  for (let no = from; no < to; no++) {
    const step = plan.steps[no] as Step
    visit(step, frame)
    if (step.kind !== 'forEach') continue
    const { length } = itemsOf(frame.get(no))
    for (let at = 0; at < length; at++) each(plan, frame.into(step, at), no + 1, no + 1 + step.size, visit)
    no += step.size
  }
}

/** The id of a block around the step that needs nothing more, and cancels the others; null: all are open. */
export function isDecidedFor(transaction: Transaction, step: Step, item: string): string | null {
  const { plan } = transaction
  let at: Frame | null = frameAt(rootOf(transaction), plan, step, item)
  let inner = step
  while (at !== null) {
    for (const no of inner.blocks) {
      const block = plan.steps[no] as Step
      if (isSettled(at.get(no))) return block.id
      if (block.kind === 'parallel' && block.others === 'cancel' && isDecided(block.join, branchesOf(block, at)))
        return block.id
    }
    if (at.above === null) return null
    const { frame, forEach }: { frame: Frame; forEach: ForEachStep } = at.above
    if (isSettled(frame.get(forEach.no))) return forEach.id
    if (forEach.others === 'cancel' && isDecided(forEach.join, itemsIn(forEach, frame))) return forEach.id
    inner = forEach
    at = frame
  }
  return null
}

type Went = 'open' | 'ok' | 'failed'

function branchesOf({ branches }: ParallelStep, frame: Frame): Went[] {
  return branches.map(({ steps }) => wentOf(steps, frame))
}

function itemsIn(forEach: ForEachStep, frame: Frame): Went[] {
  return itemsOf(frame.get(forEach.no)).map((_, at) => wentOf(forEach.steps, frame.into(forEach, at)))
}

function wentOf(steps: readonly Step[], frame: Frame): Went {
  for (const { no, optional } of steps) {
    const { state } = frame.get(no)
    if (state === 'failed' && !optional) return 'failed'
    if (state !== 'ok' && state !== 'skipped' && state !== 'failed') return 'open'
  }
  return 'ok'
}

function isDecided(join: Join, went: readonly Went[]): boolean {
  const ok = went.filter((each) => each === 'ok').length
  const failed = went.filter((each) => each === 'failed').length
  if (join === 'each') return ok + failed === went.length
  const needed = join === 'all' ? went.length : join
  return ok >= needed || went.length - failed < needed
}

function isSettled({ state }: StepProgress): boolean {
  return state === 'ok' || state === 'skipped' || state === 'failed'
}
