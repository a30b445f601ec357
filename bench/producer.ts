/**
 * A process of its own that publishes at a steady rate, each record by itself and at once: a `Pace` as JSON on each line
 * of stdin. Answers `ready` when it is connected, begins at the next line, and says how late it was at worst. One process
 * for all of a run, so that its code is compiled before it counts; it ends with its stdin.
 */

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { type Events, eventOf } from './events.ts'

export interface Pace {
  readonly topic: string
  readonly events: Events
  readonly perSecond: number
  readonly count: number
  /** What is due at the same moment goes as one request. */
  readonly together?: boolean
}

const brokers = (process.argv[2] ?? '').split(',')
const lines = createInterface(process.stdin)[Symbol.asyncIterator]()

for (let line = await lines.next(); !line.done; line = await lines.next()) {
  const asked: Pace = JSON.parse(line.value)
  // A client of its own for each: it goes on asking for every topic it has ever sent to, and some are gone.
  const kafka = new Kafka({ brokers, logLevel: logLevel.ERROR })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic: asked.topic, acks: -1, messages: [] }) // so that it knows the topic before it counts
  console.log('ready')
  await lines.next()
  const lateMs = await publish(producer, asked)
  await producer.disconnect()
  console.log(JSON.stringify({ lateMs: Math.round(lateMs) }))
}
process.exit()

async function publish(producer: Producer, { topic, events, perSecond, count, together }: Pace): Promise<number> {
  const sends: Promise<unknown>[] = []
  const fromMs = performance.now()
  let lateMs = 0
  for (let n = 0; n < count; ) {
    const dueMs = fromMs + (n / perSecond) * 1000
    while (performance.now() < dueMs) await sleep(Math.max(1, dueMs - performance.now()))
    lateMs = Math.max(lateMs, performance.now() - dueMs)
    const due = together ? Math.min(count, Math.floor(((performance.now() - fromMs) / 1000) * perSecond) + 1) : n + 1
    const messages = []
    while (n < due) messages.push(eventOf(events, n++))
    sends.push(producer.send({ topic, acks: -1, messages }))
  }
  await Promise.all(sends)
  return lateMs
}
