/** What was told of charges, as a reader of finished transactions sees it: each once, and of each account in order. */
import { randomBytes } from 'node:crypto'
import { until } from '../../src/base/poll.ts'
import type { Arena } from './arena.ts'
import { chargedOf } from './project.ts'

/** The transactions that Kafka has a message of, in the order of each partition. */
export async function readCharged(arena: Arena): Promise<string[]> {
  const topic = chargedOf(arena.id)
  const ends = await arena.admin.fetchTopicOffsets(topic)
  const next = new Map<number, number>()
  const told: string[] = []
  const consumer = arena.kafka.consumer({ groupId: `charged-${randomBytes(4).toString('hex')}`, maxWaitTimeInMs: 100 })
  // A batch of nothing but markers and given-up messages is told by this event alone.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    next.set(payload.partition, Math.max(next.get(payload.partition) ?? 0, Number(payload.lastOffset) + 1))
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        for (const { headers } of batch.messages) told.push(String(headers?.['millrace-transaction-id']))
      },
    })
    const read = () => ends.every(({ partition, high }) => (next.get(partition) ?? 0) >= Number(high))
    await until('all that was told of charges', read, { forMs: 60_000, everyMs: 50 })
  } finally {
    await consumer.disconnect()
  }
  return told
}
