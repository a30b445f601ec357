/** Who waits to hear that the group still counts us in: only a heartbeat sent after they asked can tell. */
export class Confirmations {
  readonly #waiting = new Set<(held: boolean) => void>()

  /** True when the group has accepted such a heartbeat; false when the assignment changed first, or never will be true. */
  confirm(): Promise<boolean> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  /** A heartbeat is about to be sent; what this answers with is to be called when it was accepted. */
  sending(): () => void {
    const asked = [...this.#waiting]
    return () => {
      for (const resolve of asked) if (this.#waiting.delete(resolve)) resolve(true)
    }
  }

  /** The assignment has changed, or is over. */
  fail(): void {
    for (const resolve of this.#waiting) resolve(false)
    this.#waiting.clear()
  }
}
