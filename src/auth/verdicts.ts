/**
 * What was found out of a credential, for the next time that it comes: a password's hash or a token's signature costs more than all
 * else of an event. Bounded; what is kept of the credential is a keyed hash, which dies with the process.
 */
import { createHmac, randomBytes } from 'node:crypto'

export class Verdicts<T> {
  readonly #key = randomBytes(32)
  readonly #known = new Map<string, { readonly value: T; readonly untilMs: number }>()
  readonly #underWay = new Map<string, Promise<T>>()
  readonly #most: number
  readonly #keptMs: number

  /** Those that were asked for longest ago go first. */
  constructor(most: number, keptMs: number) {
    this.#most = most
    this.#keptMs = keptMs
  }

  /**
   * At once where it is known; whoever asks for the same meanwhile gets the same answer. What fails is not kept, nor what is not
   * worth it: it may be otherwise the next time.
   */
  find(
    credential: string,
    judge: () => Promise<T>,
    isWorthKeeping: (value: T) => boolean = () => true,
  ): T | Promise<T> {
    const name = createHmac('sha256', this.#key).update(credential).digest('base64')
    const known = this.#recall(name)
    if (known !== undefined) return known.value
    const before = this.#underWay.get(name)
    if (before !== undefined) return before
    const finding = judge()
      .then((value) => (isWorthKeeping(value) ? this.#keep(name, value) : value))
      .finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, finding)
    return finding
  }

  #recall(name: string) {
    const found = this.#known.get(name)
    if (found === undefined) return undefined
    this.#known.delete(name)
    if (found.untilMs <= performance.now()) return undefined
    this.#known.set(name, found)
    return found
  }

  #keep(name: string, value: T): T {
    if (this.#known.size >= this.#most) this.#known.delete(this.#known.keys().next().value as string)
    this.#known.set(name, { value, untilMs: performance.now() + this.#keptMs })
    return value
  }
}

/** Of one way: as many as may send at a time, for as long as a key that was taken back may still be believed. */
export const verdictsMax = 10_000
export const verdictsMs = 5 * 60 * 1000
