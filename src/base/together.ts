/** Many that ask for the same kind of thing at once ask together: what comes while one question is under way makes the next one. */
export class Together<Item, Answer> {
  readonly #ask: (items: readonly Item[]) => Promise<readonly Answer[]>
  readonly #most: number
  #waiting: Waiting<Item, Answer>[] = []
  #underWay = false

  /** `ask` answers in the order of its items; `most` of them in one question. */
  constructor(ask: (items: readonly Item[]) => Promise<readonly Answer[]>, most: number) {
    this.#ask = ask
    this.#most = most
  }

  /** Rejects with what the question of its batch was rejected with. */
  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#underWay) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#underWay = true
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, this.#most)
      this.#waiting = this.#waiting.slice(this.#most)
      try {
        const answers = await this.#ask(batch.map(({ item }) => item))
        for (const [at, each] of batch.entries()) each.resolve(answers[at] as Answer)
      } catch (error) {
        for (const each of batch) each.reject(error)
      }
    }
    this.#underWay = false
  }
}

interface Waiting<Item, Answer> {
  readonly item: Item
  resolve(answer: Answer): void
  reject(error: unknown): void
}
