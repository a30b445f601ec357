/** A transaction's end: its final state, and what it publishes about that. */
import { outputAtEnd } from './blocks.ts'
import type { Draft } from './draft.ts'
import type { Effect } from './effect.ts'
import { messagesOfCompleted, messagesOfFailed } from './publish.ts'
import type { Failure, FinalState } from './transaction.ts'
import { undoneCount } from './undo.ts'

/** `isOwing`: something is left to be undone. What it publishes when it has completed may fail, and it with it. */
export function end(draft: Draft, failure: Failure | null, isOwing = false): void {
  const { transaction } = draft
  if (failure === null) ended(draft, 'completed', null, messagesOfCompleted(transaction))
  else ended(draft, failedState(draft, failure, isOwing), failure, messagesOfFailed(transaction, failure), isOwing)
}

function failedState(draft: Draft, failure: Failure, isOwing: boolean): FinalState {
  if (isOwing) return 'failed'
  if (failure.isCancel) return 'cancelled'
  return failure.code === undoneCode || undoneCount(draft) > 0 ? 'compensated' : 'failed'
}

function ended(
  draft: Draft,
  state: FinalState,
  failure: Failure | null,
  messages: readonly Effect[],
  isOwing = false,
): void {
  const { transaction, effects, atUs } = draft
  transaction.state = state
  transaction.failure = failure
  const row = {
    transactionId: transaction.id,
    state,
    errorCode: failure?.code ?? null,
    errorMessage: failure?.message ?? null,
    endedUs: atUs,
    recordKept: transaction.plan.deadLetter.failed,
  }
  effects.push({ type: 'RecordEnding', row }, ...messages)
  tellParent(draft, state, failure, isOwing)
}

/** Of a completed one that its parent undoes, or a person. */
export const undoneCode = 'undone'

function tellParent(draft: Draft, state: FinalState, failure: Failure | null, isOwing: boolean): void {
  const { id, parent } = draft.transaction
  if (parent === null) return
  const error = failure === null ? null : { code: failure.code, message: failure.message }
  const end = { state, error, output: state === 'completed' ? outputAtEnd(draft) : null, isOwing }
  const { step, item } = parent
  const event = { type: 'ChildEnded', atUs: draft.atUs, step, item, childId: id, end } as const
  draft.effects.push({ type: 'Tell', transactionId: parent.id, event })
}
