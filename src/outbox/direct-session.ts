/** An idempotent producer that knows where each record went. After a failure it is thrown away, for its count is not right any more. */
import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs'
import type { NewRecord, Written } from '../api/ports.ts'
import { EngineError } from '../base/error.ts'
import type { RawHeader } from '../envelope/record.ts'
import type { DirectLimits } from './direct-limits.ts'
import { chosenPartitions } from './partition.ts'

export class DirectSession {
  readonly #producer: Producer
  readonly #partitionOf: (message: Message) => number | undefined

  private constructor(producer: Producer, partitionOf: (message: Message) => number | undefined) {
    this.#producer = producer
    this.#partitionOf = partitionOf
  }

  static async open(kafka: Kafka, { patience }: DirectLimits): Promise<DirectSession> {
    const { partitioner, partitionOf } = chosenPartitions()
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: partitioner,
      retry: { initialRetryTime: patience.initialMs, maxRetryTime: patience.maxMs, retries: patience.retries },
    })
    try {
      await producer.connect()
      return new DirectSession(producer, partitionOf)
    } catch (error) {
      await producer.disconnect().catch(() => undefined)
      throw error
    }
  }

  /** In their order. Throws what kafkajs throws. */
  async send(records: readonly NewRecord[]): Promise<Written[]> {
    const sent = records.map((record) => ({ topic: record.topic, message: messageOf(record) }))
    const answers = await this.#producer.sendBatch({ acks: -1, topicMessages: byTopic(sent) })
    const next = new Map(answers.map((answer) => [`${answer.topicName}/${answer.partition}`, firstOf(answer)]))
    return sent.map(({ topic, message }, at) => {
      const partition = this.#partitionOf(message)
      const place = next.get(`${topic}/${partition}`)
      if (partition === undefined || !place) throw new EngineError('write_unknown', 'Kafka does not say where it is')
      const timestampMs = place.appendedMs ?? (records[at] as NewRecord).timestampMs
      return { topic, partition, offset: place.offset++, timestampMs }
    })
  }

  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => undefined)
  }
}

/** Records of a partition stand behind each other in the order in which they were sent. */
function firstOf({ baseOffset, logAppendTime }: RecordMetadata): { offset: number; appendedMs: number | null } {
  const appendedMs = Number(logAppendTime ?? -1)
  const offset = Number(baseOffset ?? -1)
  if (offset < 0) throw new EngineError('write_unknown', 'Kafka does not say at which offset it is')
  return { offset, appendedMs: appendedMs < 0 ? null : appendedMs }
}

function messageOf({ key, value, headers, timestampMs }: NewRecord): Message {
  return { key, value, headers: byName(headers), timestamp: String(timestampMs) }
}

/** Several of one name stay several. */
function byName(headers: readonly RawHeader[]): Record<string, Buffer | Buffer[]> {
  const values = new Map<string, Buffer[]>()
  for (const { name, value } of headers) values.set(name, [...(values.get(name) ?? []), value])
  return Object.fromEntries([...values].map(([name, each]) => [name, each.length === 1 ? (each[0] as Buffer) : each]))
}

function byTopic(sent: readonly { topic: string; message: Message }[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>()
  for (const { topic, message } of sent) {
    const list = topics.get(topic)
    if (list) list.push(message)
    else topics.set(topic, [message])
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }))
}
