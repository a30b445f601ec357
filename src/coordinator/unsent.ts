/**
 * Transactions whose admission is folded and not on its way yet, where a dead letter may become of them: that is made of
 * the record in the ledger, which one statement cannot both write and read. What comes of them waits until it is sent.
 */
import type { Deque } from '../base/deque.ts'
import type { Transaction } from '../transaction/transaction.ts'

export class Unsent<Waiting extends { readonly id: string | null }> {
  readonly #ids = new Set<string>()
  #waiting: Waiting[] = []

  get size(): number {
    return this.#waiting.length
  }

  admitted({ id, plan }: Transaction): void {
    if (plan.deadLetter.failed) this.#ids.add(id)
  }

  /** True when it waits; it is given back by `sent`. */
  holds(one: Waiting): boolean {
    if (this.#ids.size === 0 || one.id === null || !this.#ids.has(one.id)) return false
    this.#waiting.push(one)
    return true
  }

  /** All that was folded is on its way. What waited comes first again. */
  sent(line: Deque<Waiting>): void {
    this.#ids.clear()
    for (const one of this.#waiting.reverse()) line.unshift(one)
    this.#waiting = []
  }

  clear(): void {
    this.#ids.clear()
    this.#waiting = []
  }
}
