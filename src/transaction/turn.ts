/** The moment at which it is decided that a transaction will not complete. */
import type { Draft } from './draft.ts'
import type { Failure } from './transaction.ts'

/** The first reason counts. */
export function turn(draft: Draft, failure: Failure): void {
  if (draft.transaction.failure !== null) return
  draft.transaction.failure = failure
  draft.hasTurned = true
}

/** Written when something is left of it to be done, or to be owed; what ends at once has its ending. */
export function recordTurn({ transaction, effects, hasTurned, atUs }: Draft): void {
  const { id: transactionId, round, failure } = transaction
  if (!hasTurned || failure === null) return
  const { code, message, isCancel } = failure
  effects.push({ type: 'RecordTurn', row: { transactionId, round, code, message, isCancel, atUs } })
}

/** The workflow's own limit, which no `optional` excuses; what is undone has none. */
export function ranOut({ transaction, atUs }: Draft): boolean {
  const { notAfterUs, failure } = transaction
  return notAfterUs !== null && failure === null && atUs >= notAfterUs
}
