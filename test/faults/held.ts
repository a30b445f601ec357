/** What Kafka holds of a topic, read by an ordinary consumer: the truth the ledger is held against. */
import { randomBytes } from 'node:crypto'
import { until } from '../../src/base/poll.ts'
import { heldSpans } from '../support/accounted.ts'
import type { Arena } from './arena.ts'
import { expectHeader } from './events.ts'

export interface Held {
  readonly partition: number
  readonly offset: number
  readonly value: Buffer | null
  /** Of the charges' events it is an `Expectation`. */
  readonly expect: string
  /** Of a CloudEvent: copies have the same. */
  readonly eventId: string | null
}

export async function readHeld(arena: Arena): Promise<Held[]> {
  const spans = (await heldSpans(arena.admin, arena.id)).filter((span) => span.to > span.from)
  const held: Held[] = []
  const next = new Map(spans.map((span) => [span.partition, span.from]))
  const consumer = arena.kafka.consumer({ groupId: `oracle-${randomBytes(4).toString('hex')}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [arena.id], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        next.set(batch.partition, Number(batch.lastOffset()) + 1)
        for (const { offset, value, headers } of batch.messages) {
          const expect = String(headers?.[expectHeader] ?? 'ok')
          const eventId = headers?.ce_id === undefined ? null : String(headers.ce_id)
          held.push({ partition: batch.partition, offset: Number(offset), value, expect, eventId })
        }
      },
    })
    const read = () => spans.every((span) => (next.get(span.partition) ?? 0) >= span.to)
    await until('all that Kafka holds', read, { forMs: 60_000, everyMs: 50 })
  } finally {
    await consumer.disconnect()
  }
  return held.filter(({ partition, offset }) => {
    const span = spans.find((each) => each.partition === partition)
    return span !== undefined && offset < span.to
  })
}
