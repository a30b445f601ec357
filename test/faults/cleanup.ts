/** What was made goes, the last first; one that fails to go does not keep the others. */
export class Cleanup {
  readonly #acts: (() => unknown)[] = []

  add(act: () => unknown): void {
    this.#acts.push(act)
  }

  /** Twice is safe. */
  async run(): Promise<void> {
    for (let act = this.#acts.pop(); act; act = this.#acts.pop()) await Promise.resolve(act()).catch(() => undefined)
  }
}
