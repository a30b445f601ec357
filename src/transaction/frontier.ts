/**
 * What may have been under way when a coordinator was lost. Whoever takes the transaction over asks for it again, under the
 * same key; what it does not ask for again, because the transaction turns back or a block was decided meanwhile, is undone
 * like any other of unknown effect.
 */
import type { InvokeStep } from '../workflow/plan.ts'
import { type Draft, draftOf, madeFrame, type Place } from './draft.ts'
import { giveUpLost } from './lost.ts'
import type { StepRef, Transaction } from './transaction.ts'
import { walkList } from './walk.ts'

/** Steps with a compensation that its last coordinator may have asked for: those that would begin, had no time gone by. */
export function frontierOf(transaction: Transaction): readonly StepRef[] {
  const { plan, failure } = transaction
  // That it turns back is a row, and so is what ran then.
  if (failure !== null || plan.steps.every((step) => step.kind !== 'undo')) return []
  const before = draftOf({ ...transaction, notAfterUs: null }, 0)
  walkList(before, plan.body, before.root)
  return before.effects.flatMap((effect) => {
    const isUndone = effect.type === 'Invoke' && effect.step.kind === 'invoke' && effect.step.compensate !== null
    return isUndone ? [{ step: effect.step.no, item: effect.item }] : []
  })
}

/** Those of them that were not asked for again. */
export function giveUp(draft: Draft, frontier: readonly StepRef[]): void {
  const { plan } = draft.transaction
  for (const { step: no, item } of frontier) {
    const step = plan.steps[no] as InvokeStep
    const place: Place<InvokeStep> = { step, frame: madeFrame(draft.root, plan, step, item) }
    if (place.frame.get(no).state === 'pending') giveUpLost(draft, place)
  }
}
