/**
 * Asks Kafka for its topics' ids, by which a topic that was deleted and created again is told from the old one. kafkajs
 * speaks Metadata up to version 6 and ids need 10, so this one request is written by hand; the connection, and with it
 * TLS and login, is kafkajs'.
 */
import type { Kafka } from 'kafkajs'
import { FlexibleReader, FlexibleWriter } from './flexible.ts'

const metadata = { apiKey: 3, apiVersion: 11, apiName: 'Metadata' }

/** What of kafkajs' insides this needs; its version is pinned. */
interface Cluster {
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> }
  disconnect(): Promise<void>
}

interface Broker {
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>
  readonly connectionPool: { send(request: object): Promise<unknown> }
}

export class TopicIds {
  readonly #cluster: Cluster

  constructor(kafka: Kafka) {
    this.#cluster = clusterOf(kafka)
  }

  /** The ids of those that exist, as UUIDs; null when the broker is too old to say. Throws what kafkajs throws. */
  async of(topics: readonly string[]): Promise<ReadonlyMap<string, string> | null> {
    const broker = await this.#cluster.brokerPool.findConnectedBroker()
    const versions = broker.versions[metadata.apiKey]
    if (!versions || versions.maxVersion < metadata.apiVersion || versions.minVersion > metadata.apiVersion) return null
    const request = { ...metadata, encode: async () => encoded(encodeRequest(topics)) }
    const response = {
      decode: async (bytes: Buffer) => ({ ids: decodeResponse(bytes) }),
      parse: async (it: unknown) => it,
    }
    const { ids } = (await broker.connectionPool.send({ request, response })) as { ids: ReadonlyMap<string, string> }
    return ids
  }

  disconnect(): Promise<void> {
    return this.#cluster.disconnect()
  }
}

/** kafkajs hands out its connections to assigners alone: so to that of a consumer that never runs. */
function clusterOf(kafka: Kafka): Cluster {
  let found: unknown
  const spy = ({ cluster }: { cluster: unknown }) => {
    found = cluster
    return { name: '', version: 0, assign: async () => [], protocol: () => ({ name: '', metadata: Buffer.alloc(0) }) }
  }
  kafka.consumer({ groupId: 'none', partitionAssigners: [spy], allowAutoTopicCreation: false })
  return found as Cluster
}

/** As kafkajs expects what it is to send: `buf` is looked at, `buffer` is sent. */
function encoded(buffer: Buffer): { buf: Buffer; buffer: Buffer } {
  return { buf: buffer, buffer }
}

export function encodeRequest(topics: readonly string[]): Buffer {
  const to = new FlexibleWriter()
  to.noTags() // of the header, which kafkajs does not know in this version
  to.array(topics, (topic) => to.bytes(noId).string(topic).noTags())
  to.boolean(false) // do not create them
  to.boolean(false) // nor say what we may do with them
  return to.noTags().end()
}

const noId = Buffer.alloc(16)

export function decodeResponse(bytes: Buffer): Map<string, string> {
  const from = new FlexibleReader(bytes)
  from.tags() // of the header
  from.int32() // throttle time
  from.array(() => [from.int32(), from.string(), from.int32(), from.string(), from.tags()]) // brokers
  from.string() // cluster
  from.int32() // controller
  const topics = from.array(() => readTopic(from))
  return new Map(topics.flatMap(({ error, name, id }) => (error === 0 && name !== null ? [[name, uuid(id)]] : [])))
}

function readTopic(from: FlexibleReader): { error: number; name: string | null; id: Buffer } {
  const error = from.int16()
  const name = from.string()
  const id = from.bytes(16)
  from.boolean() // internal
  from.array(() => readPartition(from))
  from.int32() // what we may do with it
  from.tags()
  return { error, name, id }
}

function readPartition(from: FlexibleReader): void {
  from.int16() // error
  from.bytes(12) // partition, leader, its epoch
  for (const _ of ['replicas', 'in sync', 'offline']) from.array(() => from.int32())
  from.tags()
}

function uuid(id: Buffer): string {
  return id.equals(noId) ? '' : id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
