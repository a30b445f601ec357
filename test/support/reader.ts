/** An ordinary reader of committed records, for tests that look at what others see in Kafka. */
import type { KafkaMessage } from 'kafkajs'
import { until } from '../../src/base/poll.ts'
import { atEnd } from './at-end.ts'
import { client } from './kafka.ts'
import { unique } from './servers.ts'

export interface Seen {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, readonly Buffer[]>>
}

export interface Reader {
  /** In the order of each partition. */
  readonly seen: Seen[]
  /** Waits until so many are there. */
  until(count: number, forMs?: number): Promise<void>
}

/** From the beginning of these topics on. */
export async function freshReader(topics: readonly string[]): Promise<Reader> {
  const seen: Seen[] = []
  const consumer = (await client()).consumer({ groupId: unique('reader'), maxWaitTimeInMs: 50 })
  await consumer.connect()
  atEnd(() => consumer.disconnect())
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, partition, message }) => void seen.push(seenOf(topic, partition, message)),
  })
  return {
    seen,
    until: (count, forMs = 30_000) =>
      until(`${count} records on ${topics.join(', ')}`, async () => seen.length >= count, { forMs, everyMs: 20 }),
  }
}

export function text(seen: Seen, header: string): string | undefined {
  return seen.headers[header]?.[0]?.toString()
}

function seenOf(topic: string, partition: number, { key, value, headers }: KafkaMessage): Seen {
  const lists = Object.entries(headers ?? {}).map(([name, given]) => {
    const values = Array.isArray(given) ? given : [given]
    return [name, values.map((each) => Buffer.from(each as Buffer))] as const
  })
  return { topic, partition, key, value, headers: Object.fromEntries(lists) }
}
