/** One line of the provider's book: an answer given for good, whether money moved or the card was declined. */
import { createHash } from 'node:crypto'

/** `refund` gives back a part of a charge or payout; `void` undoes whatever was done under a key, or ever will be. */
export type Kind = 'charge' | 'payout' | 'refund' | 'void'

export interface Order {
  readonly account: string
  /** Minor units, positive; 0 of a void that found nothing to undo. */
  readonly amount: number
  /** ISO 4217; empty where a void found nothing. */
  readonly currency: string
  /** The caller's own name for what it is for. */
  readonly reference: string
  /** The caller's own name for whom it is about. */
  readonly party?: string | undefined
  /** Of a refund or a void: the key of what is undone. */
  readonly of?: string | undefined
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

export function makeEntry(no: number, at: Date, kind: Kind, key: string, order: Order, declined = false): Entry {
  const { account, amount, currency, reference, party, of } = order
  const status = declined || (moves(kind) && account.startsWith('card_declined')) ? 'declined' : 'succeeded'
  const entry = { no, at: at.toISOString(), kind, key, id: idOf(kind, key), status, account, amount, currency } as const
  return { ...entry, reference, ...(party === undefined ? {} : { party }), ...(of === undefined ? {} : { of }) }
}

/** What gives back is never declined. */
function moves(kind: Kind): boolean {
  return kind === 'charge' || kind === 'payout'
}

/** Whether a repeated request asks for the same thing as the first did. */
export function sameOrder(entry: Entry, kind: Kind, order: Partial<Order>): boolean {
  const differs = (field: keyof Order) => field in order && entry[field] !== order[field]
  const fields = ['account', 'amount', 'currency', 'reference', 'party', 'of'] as const
  return entry.kind === kind && !fields.some(differs)
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

const prefixes: Readonly<Record<Kind, string>> = { charge: 'ch', payout: 'po', refund: 're', void: 'vo' }

function idOf(kind: Kind, key: string): string {
  return `${prefixes[kind]}_${createHash('sha256').update(key).digest('base64url').slice(0, 20)}`
}
