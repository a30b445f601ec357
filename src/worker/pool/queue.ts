/** Invocations of one function that wait for a process, oldest first; those that must run alone in a line of their own. */
import { Deque } from '../../base/deque.ts'
import type { Entry } from './entry.ts'

export class Queue {
  readonly #together = new Deque<Entry>()
  readonly #alone = new Deque<Entry>()
  #waiting = 0
  #nextExpiryMs = Number.POSITIVE_INFINITY

  get size(): number {
    return this.#waiting
  }

  /** No entry expires before this (`performance.now()`). */
  get nextExpiryMs(): number {
    return this.#nextExpiryMs
  }

  push(entry: Entry): void {
    this.#lineOf(entry).push(entry)
    this.#waiting++
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, entry.notAfterMs)
  }

  /** A slot was kept for it, and is not any more. */
  putBack(entry: Entry, to: 'front' | 'back'): void {
    entry.state = 'waiting'
    const line = this.#lineOf(entry)
    if (to === 'front') line.unshift(entry)
    else line.push(entry)
    this.#waiting++
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, entry.notAfterMs)
  }

  hasAlone(): boolean {
    return firstWaiting(this.#alone) !== undefined
  }

  /** The oldest of those that may share a process, or of those that may not. */
  take(line: 'together' | 'alone'): Entry | undefined {
    const deque = line === 'alone' ? this.#alone : this.#together
    if (firstWaiting(deque) === undefined) return undefined
    this.#waiting--
    return deque.shift()
  }

  /** Since when the oldest waits; Infinity when none does. */
  oldestMs(): number {
    const since = (deque: Deque<Entry>) => firstWaiting(deque)?.sinceMs ?? Number.POSITIVE_INFINITY
    return Math.min(since(this.#together), since(this.#alone))
  }

  /** An entry that is settled while it waits stays in its line until its turn, and is passed over. */
  forget(): void {
    this.#waiting--
  }

  /** Those that may not run any more. They are still to be settled and forgotten. */
  expired(nowMs: number): Entry[] {
    if (nowMs < this.#nextExpiryMs) return []
    const found: Entry[] = []
    this.#nextExpiryMs = Number.POSITIVE_INFINITY
    for (const deque of [this.#together, this.#alone]) {
      for (const entry of deque) {
        if (entry.state !== 'waiting') continue
        if (entry.notAfterMs <= nowMs) found.push(entry)
        else this.#nextExpiryMs = Math.min(this.#nextExpiryMs, entry.notAfterMs)
      }
    }
    return found
  }

  #lineOf(entry: Entry): Deque<Entry> {
    return entry.invocation.alone ? this.#alone : this.#together
  }
}

function firstWaiting(deque: Deque<Entry>): Entry | undefined {
  while (deque.size > 0 && deque.first()!.state !== 'waiting') deque.shift()
  return deque.first()
}
