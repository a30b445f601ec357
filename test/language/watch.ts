/** Waits for transactions to come to something: one question for all who wait, as long as somebody does. */
import { until } from '../../src/base/poll.ts'
import type { Engine } from './engine.ts'
import { type Query, type TransactionRow, transactionsSql } from './read.ts'

export class Watch {
  readonly #query: Query
  readonly #engine: Engine
  #look: { readonly atMs: number; readonly rows: Promise<readonly TransactionRow[]> } | undefined

  constructor(query: Query, engine: Engine) {
    this.#query = query
    this.#engine = engine
  }

  async until(what: string, holds: (rows: readonly TransactionRow[]) => boolean, forMs = 20_000): Promise<void> {
    const sinceMs = performance.now()
    const held = async () => {
      if (this.#engine.isGone) throw new Error(`the coordinator is gone before ${what}`)
      return holds(await this.#rows(sinceMs))
    }
    await until(what, held, { forMs, everyMs: 20 })
  }

  /** Not as they were before the asker asked, nor long ago. */
  #rows(sinceMs: number): Promise<readonly TransactionRow[]> {
    const nowMs = performance.now()
    if (this.#look === undefined || this.#look.atMs < Math.max(sinceMs, nowMs - staleMs)) {
      this.#look = { atMs: nowMs, rows: this.#query<TransactionRow>(transactionsSql, [this.#engine.name]) }
    }
    return this.#look.rows
  }
}

const staleMs = 80
