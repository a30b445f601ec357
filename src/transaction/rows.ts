/** The rows that steps leave behind. */
import type { Step } from '../workflow/plan.ts'
import type { Draft, Place } from './draft.ts'
import type { AttemptRow } from './effect.ts'
import { progressFrom, type StepProgress, type StepRef } from './transaction.ts'

/** `bill`, or `bill[3]` of an item; of a compensation that of its step. */
export function nameOf(step: Step, item: string): string {
  const name = item === '' ? step.id : `${step.id}[${item}]`
  return step.kind === 'undo' ? `compensation of ${name}` : name
}

export function refOf({ step, frame }: Place): StepRef {
  return { step: step.no, item: frame.item }
}

/** A row without a stamp: no worker had a part in it. */
export function emptyRow(
  draft: Draft,
  { step, frame }: Place,
  what: Pick<AttemptRow, 'attempt' | 'outcome' | 'stepState'>,
): AttemptRow {
  const { id, round } = draft.transaction
  return {
    transactionId: id,
    step: step.no,
    item: frame.item,
    ...what,
    errorCode: null,
    errorMessage: null,
    output: null,
    logs: null,
    nextUs: null,
    eligibleUs: null,
    dispatchedUs: null,
    startedUs: null,
    finishedUs: null,
    receivedUs: null,
    resolvedBy: null,
    seq: null,
    unknown: null,
    round: round === 1 ? null : round,
  }
}

/**
 * Nobody knows what it did: if it can be undone it is, and if it is tried again in another round its key is the same. Of a call:
 * what it called has failed and owes something.
 */
export function leavesUnknown(step: Step, { effectUnknown }: StepProgress): boolean {
  return effectUnknown && ('uses' in step || step.kind === 'call')
}

/** What undoes it needs. */
function lasting({ inside }: StepProgress): StepProgress['inside'] {
  return inside?.kind === 'rest' || inside?.kind === 'choice' ? null : inside
}

/** Settles a step: `row` is of what settled it. Where steps do not end in the order of their numbers, each has a place. */
export function settled(draft: Draft, { step, frame }: Place, progress: StepProgress, row: AttemptRow): void {
  const seq = draft.transaction.plan.isChain ? 0 : ++draft.transaction.settled
  const isUnknown = leavesUnknown(step, progress)
  const after = progressFrom(progress)
  after.seq = seq
  after.dueUs = null
  after.stopping = false
  after.inside = lasting(progress)
  frame.set(step.no, after)
  draft.effects.push({
    type: 'RecordAttempt',
    row: seq === 0 && !isUnknown ? row : { ...row, seq: seq || null, unknown: isUnknown || null },
  })
}
