/**
 * How many attempts a process is given at once where its author does not say: as many as it takes up without delay.
 * Functions that wait for somebody else, or do next to nothing, are given more; one that keeps the processor busy is not,
 * for what waits in a process cannot be given to another one, and its time counts.
 */
import type { PoolLimits } from '../limits.ts'
import type { InvocationResult } from '../port.ts'

export class Window {
  readonly #least: number
  readonly #most: number
  #size: number
  /** Of the answers of this turn, the longest time on the way and in line, beside the function's own, in µs. */
  #delayUs = 0
  #answers = 0
  #full = false

  /** `said`: by the function's author. */
  constructor(said: number | null, { concurrency, concurrencyMax }: PoolLimits) {
    this.#least = Math.min(said ?? concurrency, concurrencyMax)
    this.#most = said === null ? concurrencyMax : this.#least
    this.#size = this.#least
  }

  get size(): number {
    return this.#size
  }

  /** There was more to give than it had room for. */
  wasFull(): void {
    this.#full = true
  }

  /** Each side's own clock measures its own part. */
  answered({ dispatchedUs, startedUs, finishedUs, receivedUs }: InvocationResult): void {
    this.#answers++
    if (dispatchedUs === null || startedUs === null || finishedUs === null || receivedUs === null) return
    this.#delayUs = Math.max(this.#delayUs, receivedUs - dispatchedUs - (finishedUs - startedUs))
  }

  /** All answers that came together are told. */
  turn(): void {
    if (this.#answers === 0) return
    if (this.#delayUs > shrinkUs) this.#size = Math.max(this.#least, this.#size >> 1)
    else if (this.#full && this.#delayUs < growUs) this.#size = Math.min(this.#most, this.#size * 2)
    this.#delayUs = 0
    this.#answers = 0
    this.#full = false
  }
}

/** Delays below the first are those of a busy coordinator, too; beyond the second, attempts wait for each other. */
const growUs = 50_000
const shrinkUs = 200_000
