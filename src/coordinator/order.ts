/** Order by key within a lane: of each workflow and key, one transaction runs, the others stand in line behind it. */
import { Deque } from '../base/deque.ts'
import type { Transaction } from '../transaction/transaction.ts'

export class Order {
  readonly #lines = new Map<string, Deque<string>>()
  #queued = 0

  /** Transactions that stand behind another one of their key. */
  get queued(): number {
    return this.#queued
  }

  /** True when it is the first of its line, or has no key: it may start now. */
  enter(transaction: Transaction): boolean {
    const name = lineOf(transaction)
    if (name === null) return true
    const line = this.#lines.get(name)
    if (line) {
      line.push(transaction.id)
      this.#queued++
      return false
    }
    this.#lines.set(name, new Deque())
    return true
  }

  /** The id of the one whose turn it is now, if any stood behind. */
  leave(transaction: Transaction): string | undefined {
    const name = lineOf(transaction)
    if (name === null) return undefined
    const next = this.#lines.get(name)?.shift()
    if (next === undefined) this.#lines.delete(name)
    else this.#queued--
    return next
  }

  /** Takes it out of the line in which it stands behind another one; false when it stands in none. */
  remove(transaction: Transaction): boolean {
    const name = lineOf(transaction)
    const removed = name !== null && this.#lines.get(name)?.remove(transaction.id) === true
    if (removed) this.#queued--
    return removed
  }

  /** The line with the most behind it: what an operator looks for when a partition is paused. */
  longest(): { readonly line: string; readonly queued: number } | undefined {
    let longest: { line: string; queued: number } | undefined
    for (const [line, deque] of this.#lines) {
      if (!longest || deque.size > longest.queued) longest = { line: line.replace('\u0000', ' / '), queued: deque.size }
    }
    return longest
  }
}

function lineOf(transaction: Transaction): string | null {
  return transaction.key === null ? null : `${transaction.plan.name}\u0000${transaction.key}`
}
