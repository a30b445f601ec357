/**
 * A lane's transactional producer. Its transactional id is the lane's, so that opening one fences every other one, and ends
 * what that had begun; the number it has reached is the offset of a consumer group of the same name, which Kafka stores in
 * the very transaction that publishes.
 */
import type { Admin, Kafka, Message, Producer, Transaction } from 'kafkajs'
import { EngineError } from '../base/error.ts'
import type { OutboxLane, OutboxMessage } from '../coordinator/ports.ts'
import type { Sealer } from '../envelope/seal.ts'
import { kafkaError } from './failure.ts'
import { type OutboxLimits, outboxPatience } from './limits.ts'
import { stickyPartitioner } from './partition.ts'
import { bytesOf, recordOf } from './record.ts'
import type { Session } from './session.ts'

interface SessionParts {
  readonly engine: string
  readonly kafka: Kafka
  readonly admin: Admin
  readonly sealer: Sealer | null
  readonly limits: OutboxLimits
}

/** Throws `EngineError` `outbox_outage`. */
export async function openSession(lane: OutboxLane, parts: SessionParts): Promise<Session> {
  const name = sessionName(parts.engine, lane)
  const producer = parts.kafka.producer({
    transactionalId: name,
    transactionTimeout: parts.limits.transactionMsMax,
    maxInFlightRequests: 1,
    createPartitioner: stickyPartitioner,
    retry: outboxPatience.retry,
  })
  try {
    await producer.connect()
    // The first transaction takes the producer's epoch. Only what Kafka says after that is the last word.
    const first = await producer.transaction()
    const reached = await reachedOf(name, lane, parts.admin)
    return new KafkaSession({ name, lane, producer, first, reached, ...parts })
  } catch (error) {
    await producer.disconnect().catch(() => undefined)
    throw kafkaError(error)
  }
}

/**
 * Its transactional id, and its consumer group: one of its own, so that lanes of deleted topics keep theirs. The lane's number
 * tells a topic from one of the same name that was deleted before it.
 */
function sessionName(engine: string, { laneId, partition: { topic, partition } }: OutboxLane): string {
  return `${engine}.outbox.${topic}.${partition}.${laneId}`
}

/** Kafka stores offsets of partitions that there are; the first one is there as long as the topic is. */
const placePartition = 0

async function reachedOf(
  group: string,
  { partition: { topic } }: OutboxLane,
  admin: Admin,
): Promise<Session['reached']> {
  const offsets = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const place = offsets.flatMap((each) => each.partitions).find((each) => each.partition === placePartition)
  const seq = Number(place?.offset ?? -1)
  return seq < 0 ? null : { seq, id: place?.metadata ?? '' }
}

interface KafkaSessionParts extends SessionParts {
  readonly name: string
  readonly lane: OutboxLane
  readonly producer: Producer
  readonly first: Transaction
  readonly reached: Session['reached']
}

class KafkaSession implements Session {
  readonly #parts: KafkaSessionParts
  #begun: Transaction | null
  readonly reached: Session['reached']

  constructor(parts: KafkaSessionParts) {
    this.#parts = parts
    this.#begun = parts.first
    this.reached = parts.reached
  }

  async send(messages: readonly OutboxMessage[]): Promise<void> {
    const { sealer, limits, producer } = this.#parts
    const records = messages.map((message) => ({ message, record: recordOf(message, sealer) }))
    const transaction = this.#begun ?? (await producer.transaction().catch(thrown))
    this.#begun = null
    try {
      for (const request of requestsOf(records, limits.requestBytesMax)) {
        await transaction.sendBatch({ topicMessages: byTopic(request), acks: -1 })
      }
      await transaction.sendOffsets(this.#placeAt(messages.at(-1) as OutboxMessage))
      await transaction.commit()
    } catch (error) {
      await transaction.abort().catch(() => undefined)
      throw await this.#failure(error, messages)
    }
  }

  async close(): Promise<void> {
    await this.#parts.producer.disconnect().catch(() => undefined)
  }

  /** Which topic is missing, the client does not say. */
  async #failure(error: unknown, messages: readonly OutboxMessage[]): Promise<EngineError> {
    const failure = kafkaError(error)
    if (failure.code !== 'topic_missing') return failure
    const existing = new Set(await this.#parts.admin.listTopics().catch(() => []))
    const missing = new Set(messages.map((message) => message.topic).filter((topic) => !existing.has(topic)))
    const message = `waiting for topics that Kafka does not have: ${[...missing].join(', ')}`
    return new EngineError('topic_missing', message, { retryable: true, cause: error, details: { missing } })
  }

  /** The client's types do not know that it passes `metadata` on. */
  #placeAt({ seq, id }: OutboxMessage) {
    const { name, lane } = this.#parts
    const place = { partition: placePartition, offset: String(seq), metadata: id }
    return { consumerGroupId: name, topics: [{ topic: lane.partition.topic, partitions: [place] }] }
  }
}

function thrown(error: unknown): never {
  throw kafkaError(error)
}

interface Prepared {
  readonly message: OutboxMessage
  readonly record: Message
}

/** In order, each within the limit as far as single messages allow. */
function* requestsOf(messages: readonly Prepared[], bytesMax: number): Generator<Prepared[]> {
  let request: Prepared[] = []
  let bytes = 0
  for (const each of messages) {
    const size = bytesOf(each.message)
    if (bytes + size > bytesMax && request.length > 0) {
      yield request
      request = []
      bytes = 0
    }
    request.push(each)
    bytes += size
  }
  if (request.length > 0) yield request
}

function byTopic(messages: readonly Prepared[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>()
  for (const { message, record } of messages) {
    const list = topics.get(message.topic) ?? []
    list.push(record)
    topics.set(message.topic, list)
  }
  return [...topics].map(([topic, list]) => ({ topic, messages: list }))
}
