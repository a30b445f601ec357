/**
 * Kafka -> records by partition. The callback only hands over, so heartbeats never starve; where to read is ours to
 * say (the ledger's offsets), Kafka's own offsets are told afterwards, for lag tools.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import type { RawRecord } from '../envelope/record.ts'
import { publish } from '../telemetry/channels.ts'
import { createClient } from './client.ts'
import { judge } from './position.ts'
import { probe } from './probe.ts'
import { recordOf } from './record.ts'
import {
  fetchBytesPerPartition,
  fetchWaitMs,
  type KafkaSettings,
  leaveMsMax,
  metadataAgeMs,
  topicPollMs,
} from './settings.ts'
import { type Bounds, Topics } from './topics.ts'

export interface Partition {
  readonly topic: string
  readonly partition: number
}

export interface IntakeListener {
  /** These partitions are ours now, and no others. */
  assigned(partitions: readonly Partition[]): void
  received(partition: Partition, records: readonly RawRecord[]): void
}

export class Intake {
  readonly #settings: KafkaSettings
  readonly #clock: Clock
  readonly #kafka: Kafka
  readonly #topics: Topics
  /** What is read: its next offset. A partition without one is held until `read`. */
  readonly #positions = new Map<string, number>()
  readonly #checking = new Set<string>()
  #listener: IntakeListener = { assigned: () => undefined, received: () => undefined }
  #consumer: Consumer | undefined
  #wanted: readonly string[] = []
  #subscribed: readonly string[] = []
  #poll: NodeJS.Timeout | undefined
  #changing: Promise<void> = Promise.resolve()
  #downSince: number | null = null
  #stopped = false

  constructor(settings: KafkaSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#kafka = createClient(settings)
    this.#topics = new Topics(this.#kafka, settings.brokers.join(','))
  }

  /** Connects; throws when no broker answers. Reading begins with `setTopics`. */
  async start(listener: IntakeListener): Promise<void> {
    this.#listener = listener
    await probe(this.#settings)
    await this.#topics.connect()
    this.#poll = setInterval(() => void this.#change(), topicPollMs)
  }

  /** Reads these topics from now on, each as soon as it is there. Topics once read stay until the end. */
  async setTopics(topics: readonly string[]): Promise<void> {
    this.#wanted = [...new Set([...this.#wanted, ...topics])].sort()
    await this.#change()
  }

  get missingTopics(): readonly string[] {
    return this.#wanted.filter((topic) => !this.#subscribed.includes(topic))
  }

  get connected(): boolean {
    return this.#downSince === null
  }

  read(partition: Partition, fromOffset: number): void {
    this.#positions.set(nameOf(partition), fromOffset)
    this.#seek(partition, fromOffset)
    this.resume(partition)
  }

  pause({ topic, partition }: Partition): void {
    this.#consumer?.pause([{ topic, partitions: [partition] }])
  }

  resume({ topic, partition }: Partition): void {
    this.#consumer?.resume([{ topic, partitions: [partition] }])
  }

  bounds(topic: string): Promise<ReadonlyMap<number, Bounds>> {
    return this.#topics.bounds(topic)
  }

  offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, number>> {
    return this.#topics.offsetsAt(topic, timeMs)
  }

  async reportProgress(progress: ReadonlyMap<Partition, number>): Promise<void> {
    const offsets = [...progress].map(([each, offset]) => ({ ...each, offset: String(offset) }))
    await this.#consumer?.commitOffsets(offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })))
  }

  /** Leaves the group, so that the others take over at once. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    clearInterval(this.#poll)
    const left = this.#changing.then(() => this.#consumer?.disconnect()).then(() => this.#topics.disconnect())
    // A Kafka that is away cannot be told: it takes us out of the group when the session is over.
    await Promise.race([left.catch(() => undefined), sleep(leaveMsMax, undefined, { ref: false })])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Subscribes anew when a topic has appeared. One change at a time. */
  #change(): Promise<void> {
    if (this.#stopped || this.missingTopics.length === 0) return this.#changing
    this.#changing = this.#changing.then(() => this.#subscribeNew()).catch((error) => this.#tellOutage(error))
    return this.#changing
  }

  #told: string = ''

  async #subscribeNew(): Promise<void> {
    if (this.#stopped || this.missingTopics.length === 0) return
    const existing = await this.#topics.existing()
    if (!this.#consumer) this.#tellRecovered()
    const found = this.#wanted.filter((topic) => existing.has(topic))
    this.#tellMissing(this.#wanted.filter((topic) => !existing.has(topic)))
    if (found.every((topic) => this.#subscribed.includes(topic))) return
    await this.#subscribe(found)
    this.#subscribed = found
  }

  #tellMissing(missing: readonly string[]): void {
    const text = missing.join(', ')
    if (text === this.#told) return
    this.#told = text
    if (text) publish('notice', { level: 'warn', message: `waiting for topics that Kafka does not have yet: ${text}` })
  }

  async #subscribe(topics: readonly string[]): Promise<void> {
    const consumer = this.#consumer ?? (await this.#connectConsumer())
    await consumer.stop()
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => this.#onBatch(payload),
    })
  }

  async #connectConsumer(): Promise<Consumer> {
    const { groupId, sessionTimeoutMs } = this.#settings
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: Math.max(sessionTimeoutMs, 6000),
      heartbeatInterval: Math.floor(sessionTimeoutMs / 4),
      maxWaitTimeInMs: fetchWaitMs,
      maxBytesPerPartition: fetchBytesPerPartition,
      metadataMaxAge: metadataAgeMs,
      retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 8, restartOnFailure: async () => true },
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#onJoin(payload.memberAssignment))
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#tellOutage(payload.error))
    consumer.on(consumer.events.FETCH, () => this.#tellRecovered())
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.#skipFiltered(payload)
    })
    await consumer.connect()
    this.#consumer = consumer
    return consumer
  }

  /** Nothing is fetched of a new partition before its lane says from where. */
  #onJoin(assignment: Record<string, number[]>): void {
    this.#tellRecovered()
    const partitions = Object.entries(assignment).flatMap(([topic, numbers]) =>
      numbers.map((partition) => ({ topic, partition })),
    )
    const names = new Set(partitions.map(nameOf))
    for (const name of this.#positions.keys()) if (!names.has(name)) this.#positions.delete(name)
    for (const partition of partitions) if (!this.#positions.has(nameOf(partition))) this.pause(partition)
    this.#listener.assigned(partitions)
  }

  async #onBatch({ batch, resolveOffset, isStale }: EachBatchPayload): Promise<void> {
    if (isStale()) return
    const partition = { topic: batch.topic, partition: batch.partition }
    const position = this.#positions.get(nameOf(partition))
    if (position === undefined) return
    const lastOffset = Number(batch.lastOffset())
    const range = { fetchedFrom: Number((batch as unknown as { fetchedOffset: string }).fetchedOffset), lastOffset }
    const judgement = judge(position, range)
    if (judgement !== 'take') return this.#recheck(partition, position)
    const fetchedUs = this.#clock.nowUs()
    const records = batch.messages.map((message) => recordOf(message, fetchedUs))
    resolveOffset(batch.messages.at(-1)?.offset ?? batch.lastOffset())
    this.#positions.set(nameOf(partition), lastOffset + 1)
    const { topic } = partition
    publish('lag', { topic, partition: partition.partition, records: Number(batch.highWatermark) - lastOffset - 1 })
    this.#listener.received(
      partition,
      records.filter((record) => record.offset >= position),
    )
  }

  /** A batch of nothing but control records and aborted messages never reaches the callback. */
  #skipFiltered(payload: { topic: string; partition: number; firstOffset: string | null; lastOffset: string }): void {
    const position = this.#positions.get(nameOf(payload))
    if (position === undefined || payload.firstOffset === null || Number(payload.firstOffset) > position) return
    this.#positions.set(nameOf(payload), Math.max(position, Number(payload.lastOffset) + 1))
  }

  /** Not what was asked for: read again from our place, unless Kafka does not have it any more. */
  async #recheck(partition: Partition, position: number): Promise<void> {
    const name = nameOf(partition)
    if (this.#checking.has(name)) return
    this.#checking.add(name)
    try {
      const bounds = (await this.bounds(partition.topic)).get(partition.partition)
      if (this.#positions.get(name) !== position || !bounds) return
      if (bounds.latest < position) this.#tellRegressed(partition, bounds.latest, position)
      else if (bounds.earliest > position) this.read(partition, bounds.earliest)
      else this.#seek(partition, position)
    } finally {
      this.#checking.delete(name)
    }
  }

  #tellRegressed(partition: Partition, latest: number, position: number): void {
    this.pause(partition)
    const message =
      `${nameOf(partition)} ends at offset ${latest}, before the place it was read to (${position}): ` +
      'the topic seems to have been deleted and created again; the partition is not read any more'
    publish('notice', { level: 'error', message, code: 'offsets_regressed' })
  }

  #seek({ topic, partition }: Partition, offset: number): void {
    this.#consumer?.seek({ topic, partition, offset: String(offset) })
  }

  /** A broker that has just started says for a second or two that its group is not loaded: that is no outage. */
  #tellOutage(error: unknown): void {
    if (this.#downSince !== null || isStarting(error)) return
    this.#downSince = performance.now()
    const address = this.#settings.brokers.join(',')
    publish('outage', { service: 'kafka', address, message: messageOf(error) })
  }

  #tellRecovered(): void {
    if (this.#downSince === null) return
    const downMs = Math.round(performance.now() - this.#downSince)
    this.#downSince = null
    publish('recovered', { service: 'kafka', address: this.#settings.brokers.join(','), downMs })
  }
}

function isStarting(error: unknown): boolean {
  const seen = [error, (error as { cause?: unknown }).cause].map(
    (each) => (each as { type?: unknown } | undefined)?.type,
  )
  return seen.includes('GROUP_LOAD_IN_PROGRESS') || seen.includes('GROUP_COORDINATOR_NOT_AVAILABLE')
}

function nameOf(partition: { readonly topic: string; readonly partition: number }): string {
  return `${partition.topic}/${partition.partition}`
}
