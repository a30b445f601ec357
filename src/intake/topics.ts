/** What Kafka has: topics, their ids, partitions and offsets; and topics made for one machine. */
import type { Admin, Kafka } from 'kafkajs'
import { EngineError } from '../base/error.ts'
import { said } from './said.ts'
import { TopicIds } from './topic-ids.ts'

export interface Bounds {
  readonly earliest: number
  /** The offset the next record will get. */
  readonly latest: number
}

/** Failures are `EngineError` `kafka_outage`, retryable. */
export class Topics {
  readonly #kafka: Kafka
  readonly #address: string
  readonly #ids: TopicIds
  #admin: Admin

  /** `address` is for errors. */
  constructor(kafka: Kafka, address: string) {
    this.#kafka = kafka
    this.#address = address
    this.#ids = new TopicIds(kafka)
    this.#admin = kafka.admin()
  }

  connect(): Promise<void> {
    return this.#asked('connect', this.#admin.connect())
  }

  async existing(): Promise<ReadonlySet<string>> {
    return new Set(await this.#asked('list topics', this.#admin.listTopics()))
  }

  /** Of these topics, those that exist, with Kafka's id of each as a UUID; '' where the broker cannot say. */
  async ids(topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (topics.length === 0) return new Map()
    const ids = await this.#asked(`ids of ${topics.join(', ')}`, this.#ids.of(topics))
    if (ids !== null) return ids
    const existing = await this.existing()
    return new Map(topics.filter((topic) => existing.has(topic)).map((topic) => [topic, '']))
  }

  async bounds(topic: string): Promise<ReadonlyMap<number, Bounds>> {
    const rows = await this.#asked(`offsets of ${topic}`, this.#admin.fetchTopicOffsets(topic))
    return new Map(rows.map((row) => [row.partition, { earliest: Number(row.low), latest: Number(row.high) }]))
  }

  async offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#asked(`offsets of ${topic}`, this.#admin.fetchTopicOffsetsByTimestamp(topic, timeMs))
    return new Map(rows.map((row) => [row.partition, Number(row.offset)]))
  }

  /** Makes those that are missing; answers with their names. */
  async create(topics: readonly string[], partitions: number): Promise<string[]> {
    const existing = await this.existing()
    const missing = topics.filter((topic) => !existing.has(topic))
    if (missing.length === 0) return []
    const config = missing.map((topic) => ({ topic, numPartitions: partitions }))
    await this.#asked('create topics', this.#admin.createTopics({ topics: config, waitForLeaders: false }))
    return missing
  }

  async disconnect(): Promise<void> {
    await Promise.all([this.#admin.disconnect(), this.#ids.disconnect()])
  }

  async #asked<T>(what: string, answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (cause) {
      if (isUnknownTopic(cause)) await this.#forget()
      const message = `Kafka at ${this.#address}: ${what}: ${said(cause)}`
      throw new EngineError('kafka_outage', message, { retryable: true, cause })
    }
  }

  /** A client that was asked once for a topic asks for it ever after, and gets no answer at all once it is deleted. */
  async #forget(): Promise<void> {
    const old = this.#admin
    this.#admin = this.#kafka.admin()
    await Promise.allSettled([old.disconnect(), this.#admin.connect()])
  }
}

/** Deleted, or not there yet. */
export function isUnknownTopic(error: unknown): boolean {
  const { type, cause } = error as { type?: unknown; cause?: unknown }
  return type === 'UNKNOWN_TOPIC_OR_PARTITION' || (cause !== undefined && cause !== error && isUnknownTopic(cause))
}
