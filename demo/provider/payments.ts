/** The provider itself: takes orders, once for each idempotency key, and answers after the book has them. */
import { type Book, readBook } from './book.ts'
import { type Entry, type Kind, makeEntry, type Order, sameOrder } from './entry.ts'
import { type BookWriter, openWriter } from './writer.ts'

export interface Taken {
  /** `conflict`: the key was used for another order before. */
  readonly result: 'taken' | 'replayed' | 'conflict'
  readonly entry: Entry
}

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
  /** Entries not yet on the disk: whoever repeats such a request waits for the same write. */
  readonly #unwritten = new Map<string, Promise<void>>()

  constructor(book: Book, writer: BookWriter) {
    this.#entries = new Map(book.byKey)
    this.#writer = writer
  }

  async take(kind: Kind, key: string, order: Order): Promise<Taken> {
    const known = this.#entries.get(key)
    if (known === undefined) return { result: 'taken', entry: await this.#write(kind, key, order) }
    await this.#unwritten.get(key)
    return { result: sameOrder(known, kind, order) ? 'replayed' : 'conflict', entry: known }
  }

  summary(): Summary {
    const totals: Record<Kind, Record<string, number>> = { charge: {}, payout: {} }
    let declined = 0
    for (const { kind, currency, amount, status } of this.#entries.values()) {
      if (status === 'declined') declined += 1
      else totals[kind][currency] = (totals[kind][currency] ?? 0) + amount
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

  async #write(kind: Kind, key: string, order: Order): Promise<Entry> {
    const entry = makeEntry(this.#entries.size + 1, new Date(), kind, key, order)
    const written = this.#writer.append(entry)
    this.#entries.set(key, entry)
    this.#unwritten.set(key, written)
    await written
    this.#unwritten.delete(key)
    return entry
  }
}
