/** Waits for transactions to come to something: one question for all who wait, as long as somebody does. */
import { until } from '../../src/base/poll.ts'
import type { Engine } from './engine.ts'
import { type Query, type TransactionRow, transactionsSql } from './read.ts'

export class Watch {
  readonly #query: Query
  readonly #engine: Engine
  #look: Promise<readonly TransactionRow[]> | undefined

  constructor(query: Query, engine: Engine) {
    this.#query = query
    this.#engine = engine
  }

  async until(what: string, holds: (rows: readonly TransactionRow[]) => boolean, forMs = 20_000): Promise<void> {
    const held = async () => {
      if (this.#engine.isGone) throw new Error(`the coordinator is gone before ${what}`)
      return holds(await this.#rows())
    }
    await until(what, held, { forMs, everyMs: 20 })
  }

  #rows(): Promise<readonly TransactionRow[]> {
    this.#look ??= this.#query<TransactionRow>(transactionsSql, [this.#engine.name]).finally(() => {
      setTimeout(() => {
        this.#look = undefined
      }, 80)
    })
    return this.#look
  }
}
