/** Duplicates by content: within the window one is admitted, and the others point to it. */
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { holds } from './verdict.ts'

const one = 'one transaction for all copies'

/** Records claim to be no older than this: within a longer window every copy is one. */
const longUs = 3_600_000_000

export class Copies {
  readonly #tables: Tables
  /** key -> who was admitted with it. */
  readonly #admitted = new Map<string, string[]>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  written(written: Written): void {
    for (const { id, dedup } of written.transactions) {
      if (!dedup) continue
      const before = this.#admitted.get(dedup.key) ?? []
      this.#admitted.set(dedup.key, [...before, id])
      holds(before.length === 0 || dedup.withinUs < longUs, one, () => `${id} was admitted beside ${before[0]}`)
    }
    for (const { id, dedup } of written.copies) {
      const first = written.duplicates.get(id) as string
      const isOne = dedup && this.#admitted.get(dedup.key)?.includes(first)
      holds(
        isOne && this.#tables.transactions.has(first),
        one,
        () => `${id} points to ${first}, which was never admitted with its key`,
      )
    }
  }
}
