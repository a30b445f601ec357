/**
 * Holds the ledger's postings against the payment provider's own book: each movement in the book belongs to a transaction and
 * happened once, and for each transaction and party both sides come to the same, which is nothing where all was undone.
 */
import { imbalances, type PostedSum } from './balance.ts'
import { type Book, effectsOf } from './provider/book.ts'

export interface LedgerRow {
  readonly transactionId: string
  readonly state: string
}

export interface Difference {
  readonly kind: 'key_twice_in_book' | 'unknown_transaction' | 'differs' | 'not_undone' | 'not_billed'
  readonly transactionId: string
  readonly text: string
}

export interface Comparison {
  readonly agrees: boolean
  readonly differences: readonly Difference[]
  /** In the book: charges, payouts, refunds and what was voided. */
  readonly movements: number
}

/** `through`: the account that what is billed goes through. */
export function compare(
  rows: readonly LedgerRow[],
  sums: readonly PostedSum[],
  book: Book,
  through: string,
): Comparison {
  const differences = [...doubled(book), ...strangers(rows, book), ...unlike(sums, book, through), ...ends(rows, sums)]
  return { agrees: differences.length === 0, differences, movements: effectsOf(book).length }
}

function doubled({ duplicates }: Book): Difference[] {
  return duplicates.map(({ key, reference }) => {
    return { kind: 'key_twice_in_book', transactionId: reference, text: `the provider did it again for the key ${key}` }
  })
}

function strangers(rows: readonly LedgerRow[], book: Book): Difference[] {
  const known = new Set(rows.map(({ transactionId }) => transactionId))
  const others = effectsOf(book).filter(({ reference }) => !known.has(reference))
  return others.map(({ kind, account, reference }) => {
    return { kind: 'unknown_transaction', transactionId: reference, text: `a ${kind} for ${account} of no transaction` }
  })
}

function unlike(sums: readonly PostedSum[], book: Book, through: string): Difference[] {
  return imbalances(sums, book, through).map(({ transactionId, account, currency, ledger, book: inBook }) => {
    return { kind: 'differs', transactionId, text: `${account}: ledger ${ledger} ${currency}, book ${inBook}` }
  })
}

/** What was undone has moved nothing in the end, and what completed has. */
function ends(rows: readonly LedgerRow[], sums: readonly PostedSum[]): Difference[] {
  const posted = new Set(sums.map(({ transactionId }) => transactionId))
  const moved = new Set(sums.filter(({ sum }) => sum !== 0n).map(({ transactionId }) => transactionId))
  return rows.flatMap(({ transactionId, state }): Difference[] => {
    if (state === 'completed' && !posted.has(transactionId)) {
      return [{ kind: 'not_billed', transactionId, text: 'completed, and nobody was billed' }]
    }
    if (state === 'completed' || !moved.has(transactionId)) return []
    return [{ kind: 'not_undone', transactionId, text: `${state}, and money stays moved` }]
  })
}
