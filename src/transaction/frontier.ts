/**
 * What may have been under way when a coordinator was lost. Whoever takes the transaction over asks for it again, under the
 * same key; what it does not ask for again, because the transaction turns back or a block was decided meanwhile, is undone
 * like any other of unknown effect.
 */
import type { Step } from '../workflow/plan.ts'
import { type Draft, draftOf, frameAt, madeFrame, type Place } from './draft.ts'
import { giveUpLost, isUndone } from './lost.ts'
import type { StepRef, Transaction } from './transaction.ts'
import { walkBody } from './walk.ts'

/** Steps that its last coordinator may have asked for: those that would begin now, had no time gone by, or were due. */
export function frontierOf(transaction: Transaction, atUs: number): readonly StepRef[] {
  const { failure } = transaction
  // That it turns back is a row, and so is what ran then.
  if (failure !== null) return []
  const before = draftOf({ ...transaction, notAfterUs: null }, 0)
  before.isFresh = true
  before.asked = []
  walkBody(before)
  const due = before.effects.filter((effect) => effect.type === 'ArmTimer').filter(({ dueUs }) => dueUs <= atUs)
  return [...before.asked, ...due]
}

/** Those of them that were not asked for again. Of the others nobody knows what they did before. */
export function giveUp(draft: Draft, frontier: readonly StepRef[]): void {
  for (const ref of frontier) {
    const place = placeOf(draft, ref)
    const { step, frame } = place
    const progress = frame.get(step.no)
    if (progress.state !== 'pending') doubtBefore(place)
    else if (isUndone(step)) giveUpLost(draft, place)
  }
}

/** Those whose next attempt was due when it was lost. */
export function doubtDue(draft: Draft, frontier: readonly StepRef[]): void {
  const { plan } = draft.transaction
  for (const { step: no, item } of frontier) {
    const step = plan.steps[no] as Step
    const frame = frameAt(draft.root, plan, step, item)
    if (frame?.get(no).state === 'waiting') doubtBefore({ step, frame })
  }
}

function doubtBefore({ step, frame }: Place): void {
  const progress = frame.get(step.no)
  if (progress.state === 'running' || progress.state === 'waiting') {
    frame.set(step.no, { ...progress, effectUnknown: true })
  }
}

function placeOf(draft: Draft, { step: no, item }: StepRef): Place {
  const { plan } = draft.transaction
  const step = plan.steps[no] as Step
  return { step, frame: madeFrame(draft.root, plan, step, item) }
}
