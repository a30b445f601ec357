/** What takes time to find out about a record decides what becomes of it, however long a service is away. */

import type { Broker } from '../kafka/broker.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { needOf } from '../registry.ts'
import { holds } from './verdict.ts'

const promise = 'a record is read once it is known how'

/** What becomes of one that is refused, or never answered. */
const codes = { answered: null, refused: 'refused', never: 'preparing_timeout' } as const

export class PreparedRecords {
  readonly #tables: Tables
  readonly #broker: Broker

  constructor(tables: Tables, broker: Broker) {
    this.#tables = tables
    this.#broker = broker
  }

  written({ transactions, signals, deadLetters }: Written): void {
    for (const row of transactions) {
      if (row.redrivenFrom === null && row.parent === null) this.#isKnown(row.laneId, row.offset)
    }
    for (const row of signals) this.#isKnown(row.laneId, row.offset)
    for (const row of deadLetters) if (row.transactionId === null) this.#isRefused(row.laneId, row.offset, row.code)
  }

  #isKnown(laneId: number, offset: number): void {
    const need = this.#needAt(laneId, offset)
    holds(need === null || need === 'answered', promise, () => `${laneId}/${offset} was read, though ${need}`)
  }

  #isRefused(laneId: number, offset: number, code: string): void {
    const need = this.#needAt(laneId, offset)
    const wanted = need === null ? null : codes[need]
    const isRight =
      wanted === null ? !unknown.has(code) && (need === null || code !== 'value_not_json') : code === wanted
    holds(isRight, promise, () => `${laneId}/${offset} is a dead letter ${code}, though ${need ?? 'nothing was asked'}`)
  }

  #needAt(laneId: number, offset: number) {
    const { incarnation, partition } = this.#tables.lane(laneId)
    const record = this.#broker.everyTopic.get(incarnation)?.logs[partition]?.slot(offset)?.record
    return needOf(record?.value ?? null)
  }
}

const unknown: ReadonlySet<string> = new Set(['refused', 'preparing_timeout'])
