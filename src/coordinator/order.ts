/** Order by key within a lane: of each workflow and key, one transaction runs, the others stand in line behind it. */
import { Deque } from '../base/deque.ts'

/** A transaction as order sees it; without a key it stands in no line. */
export interface Standing {
  readonly id: string
  readonly workflow: string
  readonly key: string | null
}

export class Order {
  readonly #lines = new Map<string, Deque<string>>()
  #queued = 0

  /** Transactions that stand behind another one of their key. */
  get queued(): number {
    return this.#queued
  }

  /** True when it is the first of its line, or has no key: it may start now. */
  enter(standing: Standing): boolean {
    const name = lineOf(standing)
    if (name === null) return true
    const line = this.#lines.get(name)
    if (line) {
      line.push(standing.id)
      this.#queued++
      return false
    }
    this.#lines.set(name, new Deque())
    return true
  }

  /** In front of all that stand in its line: it had its turn before, and gave it away. True when it may start now. */
  reenter(standing: Standing): boolean {
    const name = lineOf(standing)
    const line = name === null ? undefined : this.#lines.get(name)
    if (!line) return this.enter(standing)
    line.unshift(standing.id)
    this.#queued++
    return false
  }

  /** The id of the one whose turn it is now, if any stood behind. */
  leave(standing: Standing): string | undefined {
    const name = lineOf(standing)
    if (name === null) return undefined
    const next = this.#lines.get(name)?.shift()
    if (next === undefined) this.#lines.delete(name)
    else this.#queued--
    return next
  }

  /** Ids that stand in the same line, the first ones of them. */
  behind(standing: Standing, most: number): string[] {
    return this.#lines.get(lineOf(standing) ?? '')?.peek(most) ?? []
  }

  /** Takes it out of the line in which it stands behind another one; false when it stands in none. */
  remove(standing: Standing): boolean {
    const name = lineOf(standing)
    const removed = name !== null && this.#lines.get(name)?.remove(standing.id) === true
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

function lineOf({ workflow, key }: Standing): string | null {
  return key === null ? null : `${workflow}\u0000${key}`
}
