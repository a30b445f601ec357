/**
 * Holds the ledger against the payment provider's own book: every movement in the book belongs to exactly one
 * transaction, none happened twice, and both sides say the same amounts.
 */
import type { Entry as Claim, Moved } from '../workflows/video/provider.ts'
import { type Book, effectsOf } from './provider/book.ts'
import type { Entry, Kind } from './provider/entry.ts'

/** A transaction as the ledger has it: its state and the outputs of its steps `bill` and `pay`, null for none. */
export interface LedgerRow {
  readonly transactionId: string
  readonly state: string
  readonly bill: Moved | null
  readonly pay: Moved | null
}

export interface Difference {
  readonly kind:
    | 'key_twice_in_book'
    | 'doubled'
    | 'key_twice_in_ledger'
    | 'not_in_book'
    | 'not_in_ledger'
    | 'unknown_transaction'
    | 'differs'
    | 'unbalanced'
    | 'incomplete'
  readonly transactionId: string
  /** The idempotency key, where the difference is about one movement. */
  readonly key: string | null
  readonly text: string
}

export interface Comparison {
  readonly agrees: boolean
  readonly differences: readonly Difference[]
  /** Movements that both sides know, alike. */
  readonly movements: number
}

export function compare(rows: readonly LedgerRow[], book: Book): Comparison {
  const claims = rows.flatMap(claimsOf)
  const effects = effectsOf(book)
  const differences = [
    ...rows.flatMap(faultsOfRow),
    ...doubledClaims(claims),
    ...doubledEffects(book.duplicates, effects),
    ...claims.flatMap((claim) => faultsOfClaim(claim, book)),
    ...unclaimed(effects, claims, rows),
  ]
  return { agrees: differences.length === 0, differences, movements: claims.length }
}

/** What the ledger says was moved. */
interface LedgerClaim extends Claim {
  readonly kind: Kind
  readonly currency: string
  readonly transactionId: string
}

function claimsOf({ transactionId, bill, pay }: LedgerRow): LedgerClaim[] {
  const of = (kind: Kind, moved: Moved | null) =>
    (moved?.entries ?? []).map((entry) => ({ ...entry, kind, currency: moved!.currency, transactionId }))
  return [...of('charge', bill), ...of('payout', pay)]
}

function faultsOfRow({ transactionId, state, bill, pay }: LedgerRow): Difference[] {
  const at = { transactionId, key: null }
  const wrongSums = [bill, pay].filter((moved) => moved !== null && moved.total !== sumOf(moved))
  const differences = wrongSums.map(() => ({
    ...at,
    kind: 'unbalanced' as const,
    text: 'a total is not its entries’ sum',
  }))
  if (state !== 'completed') return differences
  if (bill === null || pay === null) {
    return [...differences, { ...at, kind: 'incomplete', text: 'completed, but not both billed and paid' }]
  }
  if (bill.currency === pay.currency && bill.total === pay.total) return differences
  const text = `billed ${bill.total} ${bill.currency}, paid ${pay.total} ${pay.currency}`
  return [...differences, { ...at, kind: 'unbalanced', text }]
}

function sumOf({ entries }: Moved): number {
  return entries.reduce((sum, { amount }) => sum + amount, 0)
}

function doubledClaims(claims: readonly LedgerClaim[]): Difference[] {
  return repeated(claims, ({ key }) => key).map(({ key, transactionId }) => {
    return { kind: 'key_twice_in_ledger', transactionId, key, text: 'two ledger entries name one movement' }
  })
}

/** Twice under one key, or under two keys the same party for the same transaction: a key that was not kept. */
function doubledEffects(duplicates: readonly Entry[], effects: readonly Entry[]): Difference[] {
  const keys = new Set(duplicates.map(({ key }) => key))
  const others = effects.filter(({ key }) => !keys.has(key))
  const twice = repeated(others, ({ reference, kind, account }) => JSON.stringify([reference, kind, account]))
  return [
    ...duplicates.map((entry) =>
      differenceAt('key_twice_in_book', entry, 'the provider did it again for the same key'),
    ),
    ...twice.map((entry) => differenceAt('doubled', entry, `a second ${entry.kind} for ${entry.account}`)),
  ]
}

function faultsOfClaim(claim: LedgerClaim, book: Book): Difference[] {
  const { transactionId, key } = claim
  const entry = book.byKey.get(key)
  if (entry === undefined || entry.status !== 'succeeded') {
    return [{ kind: 'not_in_book', transactionId, key, text: `the book has no ${sayMovement(claim)}` }]
  }
  const alike = (['kind', 'account', 'amount', 'currency'] as const).every((field) => entry[field] === claim[field])
  if (alike && entry.reference === transactionId) return []
  const text = `ledger: ${sayMovement(claim)}; book: ${sayMovement(entry)} for ${entry.reference}`
  return [{ kind: 'differs', transactionId, key, text }]
}

/**
 * Movements of the book that no output names. The payouts of a transaction that was billed and then failed while
 * paying are its own, though its ledger has no output for them; anything else is money the ledger does not know of.
 */
function unclaimed(
  effects: readonly Entry[],
  claims: readonly LedgerClaim[],
  rows: readonly LedgerRow[],
): Difference[] {
  const claimed = new Set(claims.map(({ key }) => key))
  const byId = new Map(rows.map((row) => [row.transactionId, row]))
  const unnamed = effects.filter(({ key }) => !claimed.has(key))
  return unnamed.flatMap((entry) => {
    const row = byId.get(entry.reference)
    if (row === undefined) return [differenceAt('unknown_transaction', entry, 'the ledger has no such transaction')]
    if (entry.kind === 'payout' && failedWhilePaying(row)) return []
    return [
      differenceAt('not_in_ledger', entry, `no output of this ${row.state} transaction has ${sayMovement(entry)}`),
    ]
  })
}

function failedWhilePaying({ state, bill, pay }: LedgerRow): boolean {
  return state === 'failed' && bill !== null && pay === null
}

function differenceAt(kind: Difference['kind'], { reference, key }: Entry, text: string): Difference {
  return { kind, transactionId: reference, key, text }
}

function sayMovement(movement: { kind: Kind; amount: number; currency: string; account: string }): string {
  return `${movement.kind} of ${movement.amount} ${movement.currency} for ${movement.account}`
}

/** All but the first of those with the same mark. */
function repeated<T>(list: readonly T[], markOf: (item: T) => string): T[] {
  const seen = new Set<string>()
  return list.filter((item) => seen.size === seen.add(markOf(item)).size)
}
