/** Records into Kafka, for `millrace publish`: here because the client is known here. */
import { type Kafka, type Message, Partitioners, type RecordMetadata } from 'kafkajs'
import { EngineError } from '../base/error.ts'
import { said } from './said.ts'

export interface NewRecord {
  readonly key: string | null
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** One request at most; well below what a broker takes at once by default (1 MiB each partition). */
const requestBytesMax = 512 * 1024
const requestRecordsMax = 1000

/** Where each one lies, in the order given. Throws `EngineError` `kafka_outage` or `kafka_refused`. */
export async function send(kafka: Kafka, topic: string, records: readonly NewRecord[]): Promise<Place[]> {
  const partitions = new Map<Message, number>()
  const producer = kafka.producer({ createPartitioner: () => remembering(partitions), allowAutoTopicCreation: false })
  try {
    await producer.connect()
    const places: Place[] = []
    for (const messages of requestsOf(records)) {
      const written = await producer.send({ topic, messages, acks: -1 })
      places.push(...placesOf(topic, messages, partitions, written))
      partitions.clear()
    }
    return places
  } catch (cause) {
    throw failed(topic, cause)
  } finally {
    await producer.disconnect()
  }
}

/** Kafka answers with the first offset of each partition: which record went where, only the partitioner knows. */
function remembering(partitions: Map<Message, number>) {
  const choose = Partitioners.DefaultPartitioner()
  return (args: Parameters<typeof choose>[0]) => {
    const partition = choose(args)
    partitions.set(args.message, partition)
    return partition
  }
}

function placesOf(
  topic: string,
  messages: readonly Message[],
  partitions: ReadonlyMap<Message, number>,
  written: readonly RecordMetadata[],
): Place[] {
  const next = new Map(written.map((each) => [each.partition, Number(each.baseOffset)]))
  return messages.map((message) => {
    const partition = partitions.get(message) ?? 0
    const offset = next.get(partition) ?? 0
    next.set(partition, offset + 1)
    return { topic, partition, offset }
  })
}

function* requestsOf(records: readonly NewRecord[]): Generator<Message[]> {
  let messages: Message[] = []
  let bytes = 0
  for (const { key, value, headers } of records) {
    if (messages.length === requestRecordsMax || (bytes + value.length > requestBytesMax && messages.length > 0)) {
      yield messages
      messages = []
      bytes = 0
    }
    messages.push({ key, value, headers: { ...headers } })
    bytes += value.length
  }
  if (messages.length > 0) yield messages
}

function failed(topic: string, cause: unknown): EngineError {
  const retryable = (cause as { retriable?: boolean }).retriable !== false
  const code = retryable ? 'kafka_outage' : 'kafka_refused'
  return new EngineError(code, `Kafka: publish to ${topic}: ${said(cause)}`, { retryable, cause })
}
