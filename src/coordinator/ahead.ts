/**
 * Transactions that run ahead of their commits, or of which several things happen at once: of each the entries that are not
 * durable yet, in their order, from the first on behind which there may be others. When one of them is not written, those
 * after it must not be either.
 */
import type { Entry } from './entry.ts'

export class Ahead<Inbound> {
  readonly #entries = new Map<string, Entry[]>()
  /** What was refused, as things stand: should they not be written, it may not be. */
  readonly #refused = new Map<string, Inbound[]>()

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  /** From here on its entries are followed: something may be folded of it before this one is durable. */
  begin(id: string, entry: Entry): void {
    if (!this.#entries.has(id)) this.#entries.set(id, [entry])
  }

  folded(id: string, entry: Entry): void {
    this.#entries.get(id)?.push(entry)
  }

  refused(id: string, inbound: Inbound): void {
    if (!this.#entries.has(id)) return
    const refused = this.#refused.get(id)
    if (refused) refused.push(inbound)
    else this.#refused.set(id, [inbound])
  }

  durable(entry: Entry): void {
    if (this.#entries.size === 0) return
    for (const id of idsOf(entry)) {
      const entries = this.#entries.get(id)
      if (!entries) continue
      entries.splice(0, entries.indexOf(entry) + 1)
      if (entries.length > 0) continue
      this.#entries.delete(id)
      this.#refused.delete(id)
    }
  }

  /**
   * `from` is not written as it is: nothing that was folded of the transaction after it holds. Null: nothing at all. Answers
   * with what does not, and with what was refused since.
   */
  undo(id: string, from: Entry | null): { readonly later: readonly Entry[]; readonly refused: readonly Inbound[] } {
    const entries = this.#entries.get(id) ?? []
    const later = from === null ? entries : entries.slice(entries.indexOf(from) + 1)
    // The entry of a record is of other transactions, too.
    for (const each of from === null ? later : [from, ...later]) if (each.source.kind === 'event') each.fate = 'undone'
    const refused = this.#refused.get(id) ?? []
    this.#entries.delete(id)
    this.#refused.delete(id)
    return { later, refused }
  }

  clear(): void {
    this.#entries.clear()
    this.#refused.clear()
  }
}

function idsOf({ source }: Entry): readonly string[] {
  if (source.kind === 'event') return [source.before.id]
  return source.kind === 'upkeep' ? [] : source.admitted.map(({ id }) => id)
}
