/** Another round: what was owed is undone once more, or steps run again. What was written stays, and its numbers go on. */
import type { Step } from '../workflow/plan.ts'
import { notAfterUs } from './admit.ts'
import { type Draft, draftOf, type Frame } from './draft.ts'
import { undoneCode } from './end.ts'
import type { RetryAsked, UndoAsked } from './event.ts'
import { itemsAgain, itemsOf } from './items.ts'
import { isSettled, type StepProgress, type Transaction, untouched } from './transaction.ts'
import type { Transition } from './transition.ts'
import { recordTurn, turn } from './turn.ts'
import { isChildUndone, nextOwed, undoneCount } from './undo.ts'

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

/** Not of one that was called: its caller has gone on without it, or undoes what it did. */
export function retryFrom(transaction: Transaction, event: RetryAsked): Transition {
  if (transaction.parent !== null) {
    return { refused: `it was called by ${transaction.parent.id}: retry that one` }
  }
  const { atUs, by, from, input } = event
  const { plan } = transaction
  const notAfter = notAfterUs(plan, atUs)
  const opened = { ...transaction, round: transaction.round + 1, failure: null, given: null, notAfterUs: notAfter }
  const draft = draftOf(opened, atUs)
  const { id, round } = draft.transaction
  const step = from === null ? firstUnfinished(draft) : plan.body.find((each) => each.id === from)
  if (!step)
    return { refused: from === null ? 'no step of it has failed' : `there is no step ${from} outside of all blocks` }
  const refused = whyNotFrom(draft, step, input)
  if (refused !== null) return { refused }
  reopen(draft, round, step.no)
  if (input !== null) draft.transaction.given = { step: step.no, input }
  draft.effects.push({ type: 'RecordReopened', row: { transactionId: id, round, from: step.no, input, atUs, by } })
  return requeued(draft)
}

/** Its turn may have to be waited for. */
function requeued(draft: Draft): Draft {
  draft.transaction.state = 'queued'
  recordTurn(draft)
  return draft
}

/** Compensations that failed may run again. `from`: a step, from which on all is as if it had not run. */
export function reopen(draft: Draft, round: number, from: number | null): void {
  const { transaction, root } = draft
  transaction.round = round
  transaction.owed = null
  transaction.at = 0
  const { steps } = transaction.plan
  const forgotten = from ?? steps.length
  each(steps, root, 0, forgotten, (step, frame) => {
    const progress = frame.get(step.no)
    if (step.kind === 'undo' && progress.state === 'failed') frame.set(step.no, fresh(progress, round, false))
  })
  each(steps, root, forgotten, steps.length, (step, frame) => {
    const progress = frame.get(step.no)
    const inside = itemsOf(progress).length === 0 ? null : itemsAgain(itemsOf(progress))
    const next = fresh(progress, round, isUndone(steps, step, frame))
    frame.set(step.no, inside === null ? next : { ...next, inside })
  })
}

/** Its compensation is numbered right behind it, and is forgotten after it. A call is always made anew. */
function isUndone(steps: readonly Step[], { no, kind }: Step, frame: Frame): boolean {
  if (kind === 'call') return isSettled(frame.get(no))
  return steps[no + 1]?.kind === 'undo' && frame.get(no + 1).state === 'ok'
}

/**
 * Attempts are counted on; a step whose effect is unknown keeps its key, and so does one that was not asked for since: unless
 * that is void, for it was undone.
 */
function fresh(progress: StepProgress, round: number, undone: boolean): StepProgress {
  const { attempts, keyRound, effectUnknown, wasSkipped, state } = progress
  if (state === 'pending' && attempts === 0 && !wasSkipped) return untouched
  const keeps = !undone && (effectUnknown || state === 'pending')
  return {
    ...untouched,
    attempts,
    wasSkipped,
    keyRound: keeps ? keyRound : round,
    effectUnknown: keeps && effectUnknown,
  }
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
function firstUnfinished(draft: Draft): Step | undefined {
  const { plan, state } = draft.transaction
  if (state === 'compensated' || undoneCount(draft) > 0) return plan.body[0]
  return plan.body.find((step) => !isFinished(draft, step))
}

function isFinished({ root }: Draft, { no, optional }: Step): boolean {
  const { state } = root.get(no)
  return state === 'ok' || state === 'skipped' || (state === 'failed' && optional)
}

/** Null: it can be. */
function whyNotFrom(draft: Draft, step: Step, input: string | null): string | null {
  const { body } = draft.transaction.plan
  if (input !== null && !('uses' in step)) return `step ${step.id} runs no function: it takes no input`
  if (someUndo(draft, 0, step.no, ({ isUndone }) => isUndone)) {
    return `a step before ${step.id} was undone: retry from that one, or before it`
  }
  const open = body.find((each) => each.no < step.no && !isFinished(draft, each))
  if (open) return `step ${open.id} before it has not ended well: retry from that one, or before it`
  if (someUndo(draft, step.no, draft.transaction.plan.steps.length, ({ isOwed }) => isOwed)) {
    return `what ${step.id} or a step behind it did is still to be undone: ask for that first, or retry from behind it`
  }
  return null
}

interface Undoing {
  readonly isUndone: boolean
  readonly isOwed: boolean
}

/** Whether this is true of some step that can be undone. */
function someUndo(
  { transaction, root }: Draft,
  from: number,
  to: number,
  holds: (undoing: Undoing) => boolean,
): boolean {
  let found = false
  each(transaction.plan.steps, root, from, to, (step, frame) => {
    found ||= step.kind === 'undo' && holds(undoingOf(frame.get(step.of), frame.get(step.no)))
    found ||= step.kind === 'call' && holds(undoingOfCall(frame.get(step.no)))
  })
  return found
}

function undoingOf({ state, effectUnknown }: StepProgress, undo: StepProgress): Undoing {
  const isUndone = undo.state === 'ok'
  return { isUndone, isOwed: !isUndone && (state === 'ok' || (state === 'failed' && effectUnknown)) }
}

function undoingOfCall({ state, effectUnknown, inside }: StepProgress): Undoing {
  const mayOwe = state === 'ok' || (state === 'failed' && effectUnknown)
  const isUndone = mayOwe && inside?.kind === 'child' && isChildUndone(inside)
  return { isUndone, isOwed: mayOwe && !isUndone }
}
