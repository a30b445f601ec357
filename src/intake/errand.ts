/** Work that is done one run at a time; asked for while it runs, it runs once more. */
export class Errand {
  readonly #run: () => Promise<void>
  #running: Promise<void> | undefined
  #again = false

  constructor(run: () => Promise<void>) {
    this.#run = run
  }

  /** Resolves when a run that began after this call has ended. */
  ask(): Promise<void> {
    this.#again = true
    this.#running ??= this.#runWhileAsked().finally(() => (this.#running = undefined))
    return this.#running
  }

  async #runWhileAsked(): Promise<void> {
    while (this.#again) {
      this.#again = false
      await this.#run()
    }
  }
}
