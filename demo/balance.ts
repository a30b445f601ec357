/**
 * Holds the ledger's postings against the payment provider's own book: for each transaction and party both must come to the
 * same, whatever was moved, given back and undone on the way.
 */
import { type Book, gainOf } from './provider/book.ts'

/** What an account comes to in one transaction: credits less debits, in minor units. */
export interface PostedSum {
  readonly transactionId: string
  readonly account: string
  readonly currency: string
  readonly sum: bigint
}

export interface Imbalance {
  readonly transactionId: string
  readonly account: string
  readonly currency: string
  readonly ledger: bigint
  readonly book: bigint
}

/** `through`: the account that what is billed goes through; the provider knows of none, and it must come to nothing. */
export function imbalances(sums: readonly PostedSum[], book: Book, through: string): Imbalance[] {
  const found = new Map<string, Imbalance>()
  const add = (at: Omit<PostedSum, 'sum'>, ledger: bigint, inBook: bigint) => {
    const key = JSON.stringify([at.transactionId, at.account, at.currency])
    const before = found.get(key) ?? { ...at, ledger: 0n, book: 0n }
    found.set(key, { ...before, ledger: before.ledger + ledger, book: before.book + inBook })
  }
  for (const { sum, transactionId, account, currency } of sums) add({ transactionId, account, currency }, sum, 0n)
  for (const entry of book.byKey.values()) {
    const at = { transactionId: entry.reference, account: entry.party ?? entry.account, currency: entry.currency }
    add(at, 0n, BigInt(gainOf(entry, book)))
  }
  return [...found.values()].filter(({ account, ledger, book }) =>
    account === through ? ledger !== 0n : ledger !== book,
  )
}
