/** One line of the provider's book: an answer given for good, whether money moved or the card was declined. */
import { createHash } from 'node:crypto'

export type Kind = 'charge' | 'payout'

export interface Order {
  readonly account: string
  /** Minor units, positive. */
  readonly amount: number
  /** ISO 4217. */
  readonly currency: string
  /** The caller's own name for what it is for. */
  readonly reference: string
}

export interface Entry extends Order {
  /** From 1, without gaps. */
  readonly no: number
  /** RFC 3339, by the provider's clock. */
  readonly at: string
  readonly kind: Kind
  /** The request's Idempotency-Key. */
  readonly key: string
  readonly id: string
  /** A declined attempt is in the book too, and moves no money. */
  readonly status: 'succeeded' | 'declined'
}

export function makeEntry(no: number, at: Date, kind: Kind, key: string, order: Order): Entry {
  const { account, amount, currency, reference } = order
  const status = account.startsWith('card_declined') ? 'declined' : 'succeeded'
  return { no, at: at.toISOString(), kind, key, id: idOf(kind, key), status, account, amount, currency, reference }
}

/** Whether a repeated request asks for the same thing as the first did. */
export function sameOrder(entry: Entry, kind: Kind, order: Order): boolean {
  const differs = (field: keyof Order) => entry[field] !== order[field]
  return entry.kind === kind && !(['account', 'amount', 'currency', 'reference'] as const).some(differs)
}

export function lineOf(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`
}

/** Throws SyntaxError for a line that is no entry. */
export function parseLine(line: string): Entry {
  const entry = JSON.parse(line) as Entry
  if (typeof entry !== 'object' || entry === null || typeof entry.key !== 'string') {
    throw new SyntaxError('not an entry of the book')
  }
  return entry
}

function idOf(kind: Kind, key: string): string {
  return `${kind === 'charge' ? 'ch' : 'po'}_${createHash('sha256').update(key).digest('base64url').slice(0, 20)}`
}
