/** What of the movements was given back, and which keys are void for good. */
import type { Entry } from './entry.ts'

export class Undone {
  readonly #entries: ReadonlyMap<string, Entry>
  /** By the key of what was voided. */
  readonly #voids = new Map<string, Entry>()
  /** By the key of a charge or payout: what was given back of it and not taken again. */
  readonly #refunded = new Map<string, number>()

  /** `entries`: by key, all that was kept so far. */
  constructor(entries: ReadonlyMap<string, Entry>) {
    this.#entries = entries
  }

  keep(entry: Entry): void {
    if (entry.of === undefined) return
    if (entry.kind === 'refund') this.#addRefund(entry.of, entry.amount)
    if (entry.kind !== 'void') return
    this.#voids.set(entry.of, entry)
    const original = this.#entries.get(entry.of)
    if (original?.kind === 'refund') this.#addRefund(original.of!, -entry.amount)
  }

  isVoided(key: string): boolean {
    return this.#voids.has(key)
  }

  voidOf(key: string): Entry | undefined {
    return this.#voids.get(key)
  }

  /** What a void of it would undo. A refund of what was voided since is undone with that. */
  leftOf({ key, kind, of, amount, status }: Entry): number {
    if (status !== 'succeeded' || kind === 'void' || this.#voids.has(key)) return 0
    if (kind === 'refund') return this.#voids.has(of!) ? 0 : amount
    return amount - (this.#refunded.get(key) ?? 0)
  }

  #addRefund(of: string, amount: number): void {
    this.#refunded.set(of, (this.#refunded.get(of) ?? 0) + amount)
  }
}
