/** Keeps a flood of equal news from drowning the rest: some a second are said, the others are counted. */

/** Enough to see what it is about; a thousand lines a second would hide everything else. */
const linesPerSecondMax = 5

export class Flood {
  readonly #tellRest: (count: number) => void
  #said = 0
  #held = 0
  #second: NodeJS.Timeout | undefined

  /** `tellRest` is told at the end of a second how many were not said in it. */
  constructor(tellRest: (count: number) => void) {
    this.#tellRest = tellRest
  }

  /** Whether this one is to be said. */
  admits(): boolean {
    this.#second ??= setTimeout(() => this.flush(), 1000).unref()
    if (this.#said++ < linesPerSecondMax) return true
    this.#held++
    return false
  }

  flush(): void {
    clearTimeout(this.#second)
    this.#second = undefined
    const held = this.#held
    this.#said = 0
    this.#held = 0
    if (held > 0) this.#tellRest(held)
  }
}
