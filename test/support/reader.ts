/**
 * A reader of committed records, for tests that look at what others see in Kafka: the engine's own intake, for kafkajs by
 * itself lets records of aborted transactions through where two of them overlap.
 */
import { systemClock } from '../../src/base/clock.ts'
import { until } from '../../src/base/poll.ts'
import type { RawRecord } from '../../src/envelope/record.ts'
import { Intake } from '../../src/intake/intake.ts'
import { atEnd } from './at-end.ts'
import { servers, unique } from './servers.ts'

export interface Seen {
  readonly topic: string
  readonly partition: number
  readonly offset: number
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
  const { brokers } = await servers()
  const seen: Seen[] = []
  const group = { groupId: unique('reader'), clientId: 'reader', sessionTimeoutMs: 6000 }
  const intake = new Intake({ brokers, tls: false, sasl: null, ...group }, systemClock())
  atEnd(() => intake.stop())
  await intake.start({
    assigned: (partitions) => {
      for (const each of partitions) intake.read(each, 0)
    },
    received: ({ topic, partition }, { records }) => {
      for (const record of records) seen.push(seenOf(topic, partition, record))
    },
    recreated: () => undefined,
  })
  await intake.setTopics(topics)
  return {
    seen,
    until: (count, forMs = 30_000) =>
      until(`${count} records on ${topics.join(', ')}`, async () => seen.length >= count, { forMs, everyMs: 20 }),
  }
}

export function text(seen: Seen, header: string): string | undefined {
  return seen.headers[header]?.[0]?.toString()
}

function seenOf(topic: string, partition: number, { offset, key, value, headers }: RawRecord): Seen {
  const byName: Record<string, Buffer[]> = {}
  for (const each of headers) byName[each.name] = [...(byName[each.name] ?? []), each.value]
  return { topic, partition, offset, key, value, headers: byName }
}
