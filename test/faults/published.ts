/**
 * What was told of charges, as a reader of committed records sees it: each once, and of each account in order. Read through
 * the engine's own intake, for kafkajs lets records of aborted transactions through where two of them overlap.
 */
import { randomBytes } from 'node:crypto'
import { systemClock } from '../../src/base/clock.ts'
import { until } from '../../src/base/poll.ts'
import { Intake } from '../../src/intake/intake.ts'
import type { Arena } from './arena.ts'
import { chargedOf } from './project.ts'

/** The transactions that Kafka has a message of, in the order of each partition. */
export async function readCharged(arena: Arena): Promise<string[]> {
  const topic = chargedOf(arena.id)
  const ends = await arena.admin.fetchTopicOffsets(topic)
  const next = new Map<number, number>()
  const told: string[] = []
  const group = { groupId: `charged-${randomBytes(4).toString('hex')}`, clientId: 'charged', sessionTimeoutMs: 6000 }
  const intake = new Intake({ brokers: arena.ground.brokers, tls: false, sasl: null, ...group }, systemClock())
  await intake.start({
    assigned: (partitions) => {
      for (const each of partitions) intake.read(each, 0)
    },
    received: ({ partition }, { records, nextOffset }) => {
      next.set(partition, nextOffset)
      for (const { headers } of records) {
        told.push(String(headers.find((header) => header.name === 'millrace-transaction-id')?.value))
      }
    },
    recreated: () => undefined,
  })
  try {
    await intake.setTopics([topic])
    const read = () => ends.every(({ partition, high }) => (next.get(partition) ?? 0) >= Number(high))
    await until('all that was told of charges', read, { forMs: 60_000, everyMs: 50 })
  } finally {
    await intake.stop()
  }
  return told
}
