/**
 * Numbers of commits: seconds since 2020 in the high half, then 20 bits of the coordinator's session, then a count. So
 * they are in the order of time, across coordinators too, and what is old is one range of them.
 */
import { assert } from '../base/assert.ts'

const from2020S = Date.UTC(2020, 0, 1) / 1000
const sessionBits = 20
const countBits = 12
const countMax = 2 ** countBits - 1

export class CommitIds {
  readonly #session: number
  #second = 0
  #count = 0

  constructor(session: number) {
    this.#session = session % 2 ** sessionBits
  }

  /** Grows with each call, whatever the clock does: it may run ahead of it. */
  next(nowUs: number): bigint {
    const second = Math.floor(nowUs / 1_000_000) - from2020S
    if (second > this.#second) this.#begin(second)
    else if (this.#count === countMax) this.#begin(this.#second + 1)
    else this.#count++
    return (BigInt(this.#second) << 32n) | BigInt(this.#session * 2 ** countBits + this.#count)
  }

  #begin(second: number): void {
    assert(second < 2 ** 31, 'the clock is beyond what a commit’s number can hold')
    this.#second = second
    this.#count = 0
  }
}
