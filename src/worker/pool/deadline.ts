/** One timer for many deadlines: it knows the earliest it was told, and may fire when that one is long done. */

/** Node's timers know no more. */
const timerMsMax = 2 ** 31 - 1

export class Deadline {
  readonly #onDue: (nowMs: number) => void
  #timer: NodeJS.Timeout | null = null
  #dueMs = Number.POSITIVE_INFINITY

  /** `onDue` says again by when it is to be called the next time. */
  constructor(onDue: (nowMs: number) => void) {
    this.#onDue = onDue
  }

  /** To be called by then (`performance.now()`). */
  by(dueMs: number): void {
    if (dueMs >= this.#dueMs) return
    this.#dueMs = dueMs
    if (this.#timer !== null) clearTimeout(this.#timer)
    const inMs = Math.ceil(dueMs - performance.now())
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(inMs, 0), timerMsMax))
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  #fire(): void {
    const dueMs = this.#dueMs
    this.stop()
    const nowMs = performance.now()
    if (nowMs < dueMs) this.by(dueMs)
    else this.#onDue(nowMs)
  }
}
