/** A bell for one sleeper: rung while nobody sleeps, the next sleep ends at once. */
export class Latch {
  #rung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  async wait(): Promise<void> {
    if (!this.#rung) await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#wake = undefined
    this.#rung = false
  }
}
