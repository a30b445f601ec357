/** What Kafka has: topics, their partitions and offsets; and topics made for one machine. */
import type { Admin, Kafka } from 'kafkajs'
import { EngineError, messageOf } from '../base/error.ts'

export interface Bounds {
  readonly earliest: number
  /** The offset the next record will get. */
  readonly latest: number
}

/** Failures are `EngineError` `kafka_outage`, retryable. */
export class Topics {
  readonly #admin: Admin
  readonly #address: string

  /** `address` is for errors. */
  constructor(kafka: Kafka, address: string) {
    this.#admin = kafka.admin()
    this.#address = address
  }

  connect(): Promise<void> {
    return this.#asked('connect', this.#admin.connect())
  }

  async existing(): Promise<ReadonlySet<string>> {
    return new Set(await this.#asked('list topics', this.#admin.listTopics()))
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
    await this.#asked('create topics', this.#admin.createTopics({ topics: config, waitForLeaders: true }))
    return missing
  }

  async disconnect(): Promise<void> {
    await this.#admin.disconnect()
  }

  async #asked<T>(what: string, answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (cause) {
      const message = `Kafka at ${this.#address}: ${what}: ${messageOf(cause)}`
      throw new EngineError('kafka_outage', message, { retryable: true, cause })
    }
  }
}
