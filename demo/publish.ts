/** Sends the requests, with an ordinary producer and ordinary HTTP, which know nothing of the engine. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import type { Clicks } from './clicks.ts'
import { type DemoRequest, overHttp } from './world/requests.ts'

const perTick = 10

/** Steadily, `rate` a second; `onSent` hears how many are acknowledged so far. Those over HTTP are answered when they are. */
export async function publish(
  brokers: readonly string[],
  topic: string,
  requests: readonly DemoRequest[],
  options: { rate: number; signal: AbortSignal; onSent: (count: number) => void; clicks: Clicks },
): Promise<void> {
  const kafka = new Kafka({ clientId: 'video-site', brokers: [...brokers], logLevel: logLevel.ERROR })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  try {
    const tickMs = (perTick / options.rate) * 1000
    const from = performance.now()
    for (let at = 0; at < requests.length && !options.signal.aborted; at += perTick) {
      const aheadMs = (at / perTick) * tickMs - (performance.now() - from)
      if (aheadMs > 0) await sleep(aheadMs, undefined, { signal: options.signal }).catch(() => undefined)
      const now = requests.slice(at, at + perTick)
      for (const request of now.filter(overHttp)) options.clicks.send(request)
      const records = now.filter((request) => !overHttp(request))
      const messages = records.map(({ key, value, headers }) => ({ key, value, headers }))
      if (messages.length > 0) await producer.send({ topic, acks: -1, messages })
      options.onSent(Math.min(at + perTick, requests.length))
    }
    await options.clicks.all()
  } finally {
    await producer.disconnect()
  }
}

/** Makes those of the topics that Kafka does not have. */
export async function ensureTopics(brokers: readonly string[], names: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR }).admin()
  await admin.connect()
  try {
    const topics = await admin.listTopics()
    const missing = names.filter((name) => !topics.includes(name))
    const made = missing.map((topic) => ({ topic, numPartitions: 4 }))
    if (made.length > 0) await admin.createTopics({ topics: made, waitForLeaders: true })
  } finally {
    await admin.disconnect()
  }
}
