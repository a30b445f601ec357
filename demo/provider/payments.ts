/**
 * The provider itself: takes orders, once for each idempotency key, and answers after the book has them. What was done
 * under a key can be undone by that key, also before it comes: then it is refused when it does.
 */
import { type Book, readBook } from './book.ts'
import { type Entry, type Kind, makeEntry, type Order, sameOrder } from './entry.ts'
import { Undone } from './undone.ts'
import { type BookWriter, openWriter } from './writer.ts'

/**
 * `conflict`: the key was used for another order before. `voided`: what is asked for, or is to be refunded, was voided.
 * `unknown`: there is no movement that could be refunded. `too_much`: less than that is left of it.
 */
export type Taken =
  | { readonly result: 'taken' | 'replayed' | 'conflict'; readonly entry: Entry }
  | { readonly result: 'voided' | 'unknown' | 'too_much' }

export interface Summary {
  readonly entries: number
  readonly declined: number
  /** Money moved, by kind and currency, in minor units. */
  readonly totals: Readonly<Record<Kind, Readonly<Record<string, number>>>>
}

/** Opens the book of `file` and goes on where it ends. */
export async function openPayments(file: string): Promise<Payments> {
  const book = await readBook(file)
  return new Payments(book, await openWriter(file, book.bytes))
}

export class Payments {
  readonly #writer: BookWriter
  readonly #entries: Map<string, Entry>
  readonly #undone: Undone
  /** Cards that take one charge alone, and had it. */
  readonly #spent = new Set<string>()
  /** Entries not yet on the disk: whoever repeats such a request waits for the same write. */
  readonly #unwritten = new Map<string, Promise<void>>()

  constructor(book: Book, writer: BookWriter) {
    this.#entries = new Map()
    this.#undone = new Undone(this.#entries)
    this.#writer = writer
    for (const entry of book.byKey.values()) this.#keep(entry)
  }

  async take(kind: 'charge' | 'payout', key: string, order: Order): Promise<Taken> {
    const before = await this.#repeated(kind, key, order)
    return before ?? this.#write(kind, key, order, kind === 'charge' && this.#spent.has(order.account))
  }

  /** Gives back a part of what was done under the key `of`. */
  async refund(key: string, order: { of: string; amount: number; reference: string }): Promise<Taken> {
    const before = await this.#repeated('refund', key, order)
    if (before !== null) return before
    const original = this.#entries.get(order.of)
    if (original?.status !== 'succeeded' || (original.kind !== 'charge' && original.kind !== 'payout')) {
      return { result: 'unknown' }
    }
    if (this.#undone.isVoided(order.of)) return { result: 'voided' }
    if (order.amount > this.#undone.leftOf(original)) return { result: 'too_much' }
    const { account, currency, party } = original
    return this.#write('refund', key, { account, currency, party, ...order })
  }

  /** Undoes what is left of what was done under the key `of`; what comes with that key later is refused. */
  async void(key: string, order: { of: string; reference: string }): Promise<Taken> {
    const before = await this.#repeated('void', key, order)
    if (before !== null) return before
    const earlier = this.#undone.voidOf(order.of)
    if (earlier !== undefined) return this.#replayed(earlier)
    const original = this.#entries.get(order.of)
    if (original === undefined) return this.#write('void', key, { account: '', currency: '', amount: 0, ...order })
    const { account, currency, party } = original
    const amount = this.#undone.leftOf(original)
    return this.#write('void', key, { account, currency, party, amount, ...order })
  }

  summary(): Summary {
    const totals: Record<Kind, Record<string, number>> = { charge: {}, payout: {}, refund: {}, void: {} }
    let declined = 0
    for (const { kind, currency, amount, status } of this.#entries.values()) {
      if (status === 'declined') declined += 1
      else if (amount > 0) totals[kind][currency] = (totals[kind][currency] ?? 0) + amount
    }
    return { entries: this.#entries.size, declined, totals }
  }

  /** How much of the file may be read: what is on the disk for good. */
  get bytes(): number {
    return this.#writer.bytes
  }

  close(): Promise<void> {
    return this.#writer.close()
  }

  /** The answer to a request whose key is known; null: it is not. */
  async #repeated(kind: Kind, key: string, order: Partial<Order>): Promise<Taken | null> {
    if (this.#undone.isVoided(key)) return { result: 'voided' }
    const known = this.#entries.get(key)
    if (known === undefined) return null
    return sameOrder(known, kind, order) ? this.#replayed(known) : { result: 'conflict', entry: known }
  }

  async #replayed(entry: Entry): Promise<Taken> {
    await this.#unwritten.get(entry.key)
    return { result: 'replayed', entry }
  }

  async #write(kind: Kind, key: string, order: Order, declined = false): Promise<Taken> {
    const entry = makeEntry(this.#entries.size + 1, new Date(), kind, key, order, declined)
    const written = this.#writer.append(entry)
    this.#keep(entry)
    this.#unwritten.set(key, written)
    await written
    this.#unwritten.delete(key)
    return { result: 'taken', entry }
  }

  #keep(entry: Entry): void {
    this.#entries.set(entry.key, entry)
    this.#undone.keep(entry)
    if (entry.kind === 'charge' && entry.account.startsWith('card_single')) this.#spent.add(entry.account)
  }
}
