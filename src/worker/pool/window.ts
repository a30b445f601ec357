/**
 * How many attempts a process is given at once where its author does not say: as many as it takes up without delay.
 * Functions that wait for somebody else, or do next to nothing, are given more; one that keeps the processor busy is not,
 * for what waits in a process cannot be given to another one, and its time counts.
 */
import type { PoolLimits } from '../limits.ts'
import type { InvocationResult } from '../port.ts'

/** A process that is done with all it is given this soon is given all, up to so many at once: each frame costs both sides. */
const quickUs = 5000
const ownUsMax = 500
const packedMax = 64
/** One turn that was not so is remembered for so many. */
const turnsToQuick = 20

export class Window {
  readonly #least: number
  readonly #most: number
  #size: number
  /** Of the answers of this turn, the longest time on the way and in line, beside the function's own, in µs. */
  #delayUs = 0
  #answers = 0
  #full = false
  /** Of the answers of this turn, the longest from dispatch to here, and of the function itself, in µs. */
  #wholeUs = 0
  #ownUs = 0
  /** 0: it is quick. */
  #turnsLeft = turnsToQuick
  /** Since when it owes an answer (`performance.now()`); Infinity: it owes none. */
  #owesMs = Number.POSITIVE_INFINITY

  /** `said`: by the function's author. */
  constructor(said: number | null, { concurrency, concurrencyMax }: PoolLimits) {
    this.#least = Math.min(said ?? concurrency, concurrencyMax)
    this.#most = said === null ? concurrencyMax : this.#least
    this.#size = this.#least
  }

  get size(): number {
    return this.#size
  }

  /**
   * Whether it is to be given more before processes with less to do: work that is over in no time needs no second process. Of
   * what takes longer, each gets its part.
   */
  isQuick(load: number, nowMs: number): boolean {
    return this.#turnsLeft === 0 && load < packedMax && nowMs - this.#owesMs < quickUs / 1000
  }

  /** A frame is on its way to it. */
  sent(nowMs: number): void {
    this.#owesMs = Math.min(this.#owesMs, nowMs)
  }

  /** There was more to give than it had room for. */
  wasFull(): void {
    this.#full = true
  }

  /** Each side's own clock measures its own part. */
  answered({ dispatchedUs, startedUs, finishedUs, receivedUs }: InvocationResult): void {
    this.#answers++
    if (dispatchedUs === null || startedUs === null || finishedUs === null || receivedUs === null) return
    const ownUs = finishedUs - startedUs
    const wholeUs = receivedUs - dispatchedUs
    this.#delayUs = Math.max(this.#delayUs, wholeUs - ownUs)
    this.#wholeUs = Math.max(this.#wholeUs, wholeUs)
    this.#ownUs = Math.max(this.#ownUs, ownUs)
  }

  /** All answers that came together are told. */
  turn(): void {
    if (this.#answers === 0) return
    if (this.#delayUs > shrinkUs) this.#size = Math.max(this.#least, this.#size >> 1)
    else if (this.#full && this.#delayUs < growUs) this.#size = Math.min(this.#most, this.#size * 2)
    const isQuick = this.#wholeUs <= quickUs && this.#ownUs <= ownUsMax
    this.#turnsLeft = isQuick ? Math.max(0, this.#turnsLeft - 1) : turnsToQuick
    this.#owesMs = Number.POSITIVE_INFINITY
    this.#delayUs = 0
    this.#wholeUs = 0
    this.#ownUs = 0
    this.#answers = 0
    this.#full = false
  }
}

/** Delays below the first are those of a busy coordinator, too; beyond the second, attempts wait for each other. */
const growUs = 50_000
const shrinkUs = 200_000
