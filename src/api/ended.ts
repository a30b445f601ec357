/** Hears which transactions have ended in this process, for those who look at one of them. */

export class Ended {
  readonly #listeners = new Map<string, Set<() => void>>()

  nudge(id: string): void {
    for (const listener of this.#listeners.get(id) ?? []) listener()
  }

  /** Resolves when it has ended here, after so long, or when the signal comes. */
  next(id: string, msMax: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(late)
        signal.removeEventListener('abort', over)
        const those = this.#listeners.get(id)
        those?.delete(over)
        if (those?.size === 0) this.#listeners.delete(id)
        resolve()
      }
      const late = setTimeout(over, msMax)
      signal.addEventListener('abort', over, { once: true })
      const those = this.#listeners.get(id)
      if (those) those.add(over)
      else this.#listeners.set(id, new Set([over]))
    })
  }
}
