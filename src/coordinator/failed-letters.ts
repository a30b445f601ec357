/**
 * The dead letter of a transaction that failed, undone or not, where its workflow wants one: made of the record kept at
 * admission. Of one that was cancelled there is none: somebody wanted that. One that was called has no record, and one that was
 * opened again has none any more.
 */
import type { EndingRow } from '../transaction/effect.ts'
import { deadLetterId } from '../transaction/ids.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Plan } from '../workflow/plan.ts'
import { copyOf, type Message } from './arrival.ts'
import type { DeadLetterRow, FailedLetterRow, TransactionRow } from './ports.ts'

export function failedLettersOf(
  transaction: Transaction,
  endings: readonly EndingRow[],
): { readonly rows: readonly FailedLetterRow[]; readonly messages: readonly Message[] } {
  const { plan, parent, round } = transaction
  const { failed, topic } = plan.deadLetter
  if (parent !== null || round > 1) return none
  const ending = endings.find((row) => row.state === 'failed' || row.state === 'compensated')
  if (!failed || !ending || !hadRecord(transaction)) return none
  const row = {
    id: failedLetterId(transaction, ending),
    transactionId: transaction.id,
    code: ending.errorCode ?? 'failed',
    reason: ending.errorMessage ?? '',
    receivedUs: ending.endedUs,
  }
  return { rows: [row], messages: topic === null ? [] : [copyOf(row.id, topic, transaction.id)] }
}

/** One that was called has none; of one that was opened again it went with its first end, and a dead letter came of it then. */
function hadRecord({ parent, round }: Transaction): boolean {
  return parent === null && round === 1
}

const none = Object.freeze({ rows: [], messages: [] })

export function failedLetterId({ id, plan, position }: Transaction, ending: EndingRow): string {
  const origin = { engine: id, incarnation: '', workflow: plan.name, ...position }
  return deadLetterId(origin, ending.endedUs)
}

/** What is admitted and fails in one entry has no record in the ledger yet that its dead letter could be made of. */
export function lettersAtOnce(
  transactions: readonly Transaction[],
  rows: readonly TransactionRow[],
  ended: readonly EndingRow[],
  workflowIdOf: (plan: Plan) => number,
): DeadLetterRow[] {
  if (ended.length === 0) return []
  return transactions.flatMap((transaction) => {
    const own = ended.filter((each) => each.transactionId === transaction.id)
    const [letter] = failedLettersOf(transaction, own).rows
    const row = rows.find((each) => each.id === transaction.id)
    if (!letter || !row?.raw) return []
    return [{ ...letter, ...row.raw, workflowId: workflowIdOf(transaction.plan), offset: row.offset }]
  })
}

/** What fails at its admission needs no record kept for later. */
export function withoutRecordsOf(
  ended: readonly EndingRow[],
  rows: readonly TransactionRow[],
): readonly TransactionRow[] {
  if (ended.length === 0) return rows
  const ids = new Set(ended.map((row) => row.transactionId))
  return rows.map((row) => (row.raw !== null && ids.has(row.id) ? { ...row, raw: null } : row))
}
