/** Another round: what was owed is undone once more, or steps run again. What was written stays, and its numbers go on. */
import type { Step } from '../workflow/plan.ts'
import { type Draft, draftOf, type Frame, itemsOf } from './draft.ts'
import { undoneCode } from './end.ts'
import type { RetryAsked, UndoAsked } from './event.ts'
import { type Item, type StepProgress, type Transaction, untouched } from './transaction.ts'
import type { Transition } from './transition.ts'
import { turn } from './turn.ts'
import { nextOwed, undoneCount } from './undo.ts'

/** Of a failed one, what is left to be undone; of a completed one all, as its parent or a person wishes. */
export function undoAgain(transaction: Transaction, event: UndoAsked): Transition {
  const { atUs, by } = event
  const draft = draftOf({ ...transaction, round: transaction.round + 1 }, atUs)
  const { id, round, failure, state } = draft.transaction
  reopen(draft, round, null)
  if (state === 'failed' && nextOwed(draft) === null) return { refused: 'nothing is owed: there is nothing to undo' }
  const row = { transactionId: id, round, from: null, input: null, atUs, by }
  draft.effects.push({ type: 'RecordReopened', row })
  draft.transaction.failure = null
  turn(draft, failure ?? { code: undoneCode, message: `undone: ${by}`, isCancel: false })
  return requeued(draft)
}

export function retryFrom(transaction: Transaction, event: RetryAsked): Transition {
  const { atUs, by, from, input } = event
  const draft = draftOf({ ...transaction, round: transaction.round + 1, failure: null, given: null }, atUs)
  const { id, round, plan } = draft.transaction
  const step = from === null ? firstFailed(draft) : plan.body.find((each) => each.id === from)
  if (!step)
    return { refused: from === null ? 'no step of it has failed' : `there is no step ${from} outside of all blocks` }
  if (isUndoneBefore(draft, step.no))
    return { refused: `a step before ${step.id} was undone: retry from that one, or before it` }
  if (input !== null && !('uses' in step)) return { refused: `step ${step.id} runs no function: it takes no input` }
  reopen(draft, round, step.no)
  if (input !== null) draft.transaction.given = { step: step.no, input }
  draft.effects.push({ type: 'RecordReopened', row: { transactionId: id, round, from: step.no, input, atUs, by } })
  return requeued(draft)
}

/** Its turn may have to be waited for. */
function requeued(draft: Draft): Draft {
  const { transaction, effects, hasTurned, atUs } = draft
  transaction.state = 'queued'
  const { id: transactionId, round, failure } = transaction
  if (hasTurned && failure) {
    const { code, message, isCancel } = failure
    effects.push({ type: 'RecordTurn', row: { transactionId, round, code, message, isCancel, atUs } })
  }
  return draft
}

/** `from`: a step, from which on all is as if it had not run; null: only failed compensations are. */
export function reopen(draft: Draft, round: number, from: number | null): void {
  const { transaction, root } = draft
  transaction.round = round
  const { steps } = transaction.plan
  if (from !== null) forget(steps, root, from, steps.length, round)
  else {
    each(steps, root, 0, steps.length, (step, frame) => {
      const progress = frame.get(step.no)
      if (step.kind === 'undo' && progress.state === 'failed') frame.set(step.no, fresh(progress, round))
    })
  }
}

function forget(steps: readonly Step[], root: Frame, from: number, to: number, round: number): void {
  each(steps, root, from, to, (step, frame) => {
    const progress = frame.get(step.no)
    if (step.kind === 'forEach') frame.set(step.no, { ...fresh(progress, round), inside: again(progress) })
    else if (progress !== untouched) frame.set(step.no, fresh(progress, round))
  })
}

/** Items that have begun keep their numbers; their values are made anew. */
function again(progress: StepProgress): StepProgress['inside'] {
  const items = itemsOf(progress).map(
    (item): Item => ({ ...item, went: item.went === 'new' ? 'new' : 'open', value: undefined }),
  )
  return items.length === 0 ? null : { kind: 'items', items }
}

/** Attempts are counted on; a step whose effect is unknown keeps its key. */
function fresh({ attempts, keyRound, effectUnknown }: StepProgress, round: number): StepProgress {
  return { ...untouched, attempts, keyRound: effectUnknown ? keyRound : round }
}

/** Every step with its frame, those of all items too. */
function each(
  steps: readonly Step[],
  frame: Frame,
  from: number,
  to: number,
  visit: (step: Step, frame: Frame) => void,
): void {
  for (let no = from; no < to; no++) {
    const step = steps[no] as Step
    if (step.kind === 'forEach') {
      const { length } = itemsOf(frame.get(no))
      for (let at = 0; at < length; at++) each(steps, frame.into(step, at), no + 1, no + 1 + step.size, visit)
    }
    visit(step, frame)
    if (step.kind === 'forEach') no += step.size
  }
}

export function everyStep({ transaction, root }: Draft, visit: (step: Step, frame: Frame) => void): void {
  const { steps } = transaction.plan
  each(steps, root, 0, steps.length, visit)
}

export function someStep(draft: Draft, holds: (progress: StepProgress) => boolean): boolean {
  let found = false
  everyStep(draft, (step, frame) => {
    found ||= holds(frame.get(step.no))
  })
  return found
}

/** In the list of the workflow itself: what it holds runs again with it. Of one that was undone, the first of all. */
function firstFailed(draft: Draft): Step | undefined {
  const { plan, state } = draft.transaction
  if (state !== 'failed' || undoneCount(draft) > 0) return plan.body[0]
  return plan.body.find((step) => draft.root.get(step.no).state === 'failed' && !step.optional)
}

function isUndoneBefore(draft: Draft, no: number): boolean {
  let undone = false
  const { steps } = draft.transaction.plan
  each(steps, draft.root, 0, no, (step, frame) => {
    undone ||= step.kind === 'undo' && frame.get(step.no).state === 'ok'
  })
  return undone
}
