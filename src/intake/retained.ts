/**
 * Reads what Kafka still holds of some partitions, from an offset to an offset, as a stream: for whoever holds the ledger
 * against it. In a consumer group of its own, which is taken away afterwards, so that nobody's reading is disturbed.
 */
import { randomBytes } from 'node:crypto'
import kafkajs, { type Consumer, type EachBatchPayload, type Kafka } from 'kafkajs'
import { EngineError, messageOf } from '../base/error.ts'
import type { RawRecord } from '../envelope/record.ts'
import { recordOf } from './record.ts'
import { fetchBytesPerPartition, fetchWaitMs } from './settings.ts'

export interface Span {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  /** The offset after its last one. */
  readonly toOffset: number
}

/** A part of a span: the records that are there; of the offsets between them Kafka gives none. */
export interface RetainedPart extends Span {
  readonly records: readonly RawRecord[]
}

/** Nothing came for so long, in milliseconds: what is left of the spans is not to be had. */
const idleMsMax = 60_000

/**
 * Parts of one partition come in order. The next one is fetched when `take` is done, so memory is bounded. Answers with what
 * could not be had. Throws `EngineError` `kafka_outage`, and whatever `take` throws.
 */
export async function readRetained(
  kafka: Kafka,
  name: string,
  spans: readonly Span[],
  take: (part: RetainedPart) => Promise<void>,
): Promise<readonly Span[]> {
  const wanted = spans.filter((span) => span.toOffset > span.fromOffset)
  if (wanted.length === 0) return []
  const groupId = `${name}-${randomBytes(6).toString('hex')}`
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 30_000,
    maxWaitTimeInMs: fetchWaitMs,
    maxBytesPerPartition: fetchBytesPerPartition,
    retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 },
  })
  const reading = new Reading(wanted, take)
  try {
    await reading.run(consumer)
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw new EngineError('kafka_outage', `Kafka cannot be read: ${messageOf(cause)}`, { retryable: true, cause })
  } finally {
    await consumer.disconnect().catch(() => undefined)
    await forget(kafka, groupId)
  }
  return reading.left()
}

/** Whether records of the topic may go before their time because newer ones have their key; null: it may not be asked. */
export async function isCompacted(kafka: Kafka, topic: string): Promise<boolean | null> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    const answer = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['cleanup.policy'] }],
    })
    const [entry] = answer.resources[0]?.configEntries ?? []
    return entry ? entry.configValue.includes('compact') : null
  } catch {
    return null
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

async function forget(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    await admin.deleteGroups([groupId])
  } catch {
    // A group without members goes by itself after some days.
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

class Reading {
  readonly #take: (part: RetainedPart) => Promise<void>
  readonly #spans: ReadonlyMap<string, Span>
  /** The next offset of each. */
  readonly #positions = new Map<string, number>()
  #consumer: Consumer | undefined
  #lastMs = performance.now()
  #busy = false
  #settle: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} }

  constructor(spans: readonly Span[], take: (part: RetainedPart) => Promise<void>) {
    this.#take = take
    this.#spans = new Map(spans.map((span) => [nameOf(span), span]))
    for (const span of spans) this.#positions.set(nameOf(span), span.fromOffset)
  }

  async run(consumer: Consumer): Promise<void> {
    this.#consumer = consumer
    const done = new Promise<void>((resolve, reject) => (this.#settle = { resolve, reject }))
    done.catch(() => undefined) // may fail before anybody waits for it
    const { GROUP_JOIN, CRASH, END_BATCH_PROCESS } = consumer.events
    consumer.on(GROUP_JOIN, ({ payload }) => this.#onJoin(payload.memberAssignment))
    consumer.on(CRASH, ({ payload }) => this.#settle.reject(payload.error))
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0 && payload.firstOffset !== null) this.#onFiltered(payload)
    })
    await consumer.connect()
    await consumer.subscribe({
      topics: [...new Set([...this.#spans.values()].map(({ topic }) => topic))],
      fromBeginning: true,
    })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#onBatch(payload),
    })
    const watch = setInterval(() => this.#giveUpIdle(), 1000)
    await done.finally(() => clearInterval(watch))
  }

  left(): Span[] {
    const left = [...this.#spans].map(([name, span]) => ({ ...span, fromOffset: this.#positions.get(name) as number }))
    return left.filter((span) => span.fromOffset < span.toOffset)
  }

  #onJoin(assignment: Record<string, number[]>): void {
    for (const [topic, partitions] of Object.entries(assignment)) {
      for (const partition of partitions) {
        const position = this.#positions.get(nameOf({ topic, partition }))
        if (position === undefined) this.#consumer?.pause([{ topic, partitions: [partition] }])
        else this.#consumer?.seek({ topic, partition, offset: String(position) })
      }
    }
  }

  async #onBatch({ batch, resolveOffset, heartbeat, isStale }: EachBatchPayload): Promise<void> {
    const fetchedFrom = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset)
    if (isStale()) return
    try {
      await this.#pass(batch.topic, batch.partition, fetchedFrom, Number(batch.lastOffset()), () =>
        batch.messages.map((message) => recordOf(message, 0)),
      )
      resolveOffset(batch.messages.at(-1)?.offset ?? batch.lastOffset())
      await heartbeat()
    } catch (error) {
      this.#settle.reject(error)
    }
  }

  /** A batch of nothing but control records and aborted messages never reaches the callback. */
  #onFiltered(payload: { topic: string; partition: number; firstOffset: string | null; lastOffset: string }): void {
    const { topic, partition, firstOffset, lastOffset } = payload
    const position = this.#positions.get(nameOf({ topic, partition })) ?? 0
    if (Number(firstOffset) > position) return
    this.#pass(topic, partition, Number(firstOffset), Number(lastOffset), () => []).catch(this.#settle.reject)
  }

  async #pass(
    topic: string,
    partition: number,
    fetchedFrom: number,
    lastOffset: number,
    records: () => RawRecord[],
  ): Promise<void> {
    const name = nameOf({ topic, partition })
    const span = this.#spans.get(name)
    const position = this.#positions.get(name)
    if (!span || position === undefined || lastOffset < position || position >= span.toOffset) return
    // Kafka gives what is behind our place only when it has forgotten what was there.
    const fromOffset = Math.max(position, fetchedFrom)
    const toOffset = Math.min(lastOffset + 1, span.toOffset)
    this.#positions.set(name, toOffset)
    this.#busy = true
    if (toOffset > fromOffset) {
      const wanted = records().filter(({ offset }) => offset >= fromOffset && offset < toOffset)
      await this.#take({ topic, partition, fromOffset, toOffset, records: wanted })
    }
    this.#busy = false
    this.#lastMs = performance.now()
    if (toOffset >= span.toOffset) this.#consumer?.pause([{ topic, partitions: [partition] }])
    if (this.left().length === 0) this.#settle.resolve()
  }

  #giveUpIdle(): void {
    if (!this.#busy && performance.now() - this.#lastMs > idleMsMax) this.#settle.resolve()
  }
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}/${partition}`
}
