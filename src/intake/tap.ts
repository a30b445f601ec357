/**
 * What the consumer asks of the group and of partitions, where kafkajs' own events say too little: the group's
 * generation, whether a heartbeat was sent after a moment, which transactions were aborted, and that an offset is out
 * of range (which kafkajs would answer by committing an offset of its own). It sits on the consumer's own connections,
 * which kafkajs hands to assigners; kafkajs' version is pinned, and tests on a real broker hold this to it.
 */
import type { KafkaMessage } from 'kafkajs'
import type { AbortedTransaction, Message } from './cover.ts'
import type { Partition } from './partition.ts'
import { isUnknownTopic } from './topics.ts'

export interface TapListener {
  /** The group has taken us in, under this generation; who leads may still have to share out. */
  onGeneration(generation: number, memberId: string): void
  /** A heartbeat is about to be sent; what it answers with is called when the group has accepted it. */
  onHeartbeat(): () => void
  /** How long the broker may wait for something to come, in milliseconds. */
  fetchWaitMs(): number
  /** A fetch of this partition was answered. */
  onFetched(partition: Partition): void
  onOutOfRange(partition: Partition): void
  /** Something may have become of our topics: a fetch has failed, or one of them is not there. */
  onTrouble(): void
}

type RawMessage = KafkaMessage & Message & { isControlRecord?: boolean }

/** What one fetch brought of one partition, before any filter. */
export interface Fetch {
  readonly messages: readonly RawMessage[]
  readonly aborted: readonly AbortedTransaction[]
}

/** What of kafkajs' insides this needs. */
export interface Cluster {
  findBroker(node: { nodeId: string }): Promise<Broker>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  disconnect(): Promise<void>
}

interface Broker {
  joinGroup(request: { memberId: string }): Promise<{ generationId: number; memberId: string }>
  heartbeat(request: object): Promise<unknown>
  leaveGroup(request: object): Promise<unknown>
  fetch(request: FetchRequest): Promise<FetchResponse>
}

interface FetchRequest {
  readonly maxWaitTime?: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[]
  }[]
}

interface FetchResponse {
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly PartitionData[] }[]
}

interface PartitionData {
  readonly partition: number
  messages: RawMessage[]
  abortedTransactions?: readonly AbortedTransaction[]
}

export class Tap {
  readonly #listener: TapListener
  readonly #tapped = new WeakSet<Broker>()
  readonly #fetches = new WeakMap<object, Fetch>()
  /** The member whose place in the group is taken up. */
  #rejoinAs: string
  #leaves = false
  #closed = false

  constructor(listener: TapListener, rejoinAs: string) {
    this.#listener = listener
    this.#rejoinAs = rejoinAs
  }

  /** To be called before the consumer uses it. */
  listenTo(cluster: Cluster): void {
    const findBroker = cluster.findBroker.bind(cluster)
    cluster.findBroker = async (node) => {
      if (this.#closed) throw new ClosedError()
      return this.#tap(await findBroker(node))
    }
    for (const name of ['refreshMetadata', 'refreshMetadataIfNecessary'] as const) {
      const refresh = cluster[name].bind(cluster)
      cluster[name] = () => refresh().catch((error) => this.#rethrow(error, isUnknownTopic(error)))
    }
  }

  /** `messages` as kafkajs has them. */
  fetchOf(messages: object): Fetch | undefined {
    return this.#fetches.get(messages)
  }

  /** Until this is called our place in the group is kept, for who joins as the same member before the session is over. */
  leave(): void {
    this.#leaves = true
  }

  /** Nothing is asked any more, whatever the consumer still wants: one that was stopped while it joined runs on. */
  close(): void {
    this.#closed = true
  }

  #tap(broker: Broker): Broker {
    if (this.#tapped.has(broker)) return broker
    this.#tapped.add(broker)
    const { joinGroup, heartbeat, leaveGroup, fetch } = broker
    broker.joinGroup = async (request) => {
      const memberId = request.memberId || this.#rejoinAs
      this.#rejoinAs = ''
      const joined = await this.#unlessClosed(joinGroup.call(broker, { ...request, memberId }))
      this.#listener.onGeneration(joined.generationId, joined.memberId)
      return joined
    }
    broker.heartbeat = async (request) => {
      const accepted = this.#listener.onHeartbeat()
      const answer = await this.#unlessClosed(heartbeat.call(broker, request))
      accepted()
      return answer
    }
    broker.leaveGroup = async (request) => (this.#leaves ? leaveGroup.call(broker, request) : undefined)
    broker.fetch = (request) => {
      const maxWaitTime = this.#listener.fetchWaitMs()
      return this.#onFetch(request, this.#unlessClosed(fetch.call(broker, { ...request, maxWaitTime })))
    }
    return broker
  }

  async #unlessClosed<T>(answer: Promise<T>): Promise<T> {
    const answered = await answer
    if (this.#closed) throw new ClosedError()
    return answered
  }

  async #onFetch(request: FetchRequest, answer: Promise<FetchResponse>): Promise<FetchResponse> {
    try {
      const fetched = await answer
      for (const { topicName, partitions } of fetched.responses) {
        for (const data of partitions) this.#onPartition(topicName, data, request)
      }
      return fetched
    } catch (error) {
      const { name, topic, partition } = error as { name?: string } & Partial<Partition>
      const isOutOfRange = name === 'KafkaJSOffsetOutOfRange' && topic !== undefined && partition !== undefined
      if (!isOutOfRange) return this.#rethrow(error, true)
      this.#listener.onOutOfRange({ topic, partition })
      return { responses: [] }
    }
  }

  #rethrow(error: unknown, isTrouble: boolean): never {
    if (isTrouble && !this.#closed) this.#listener.onTrouble()
    throw error
  }

  /** All that was fetched is to reach us: nothing of it looks to kafkajs as if it were to be left out. */
  #onPartition(topic: string, data: PartitionData, request: FetchRequest): void {
    const { partition, messages, abortedTransactions: aborted } = data
    this.#listener.onFetched({ topic, partition })
    if (messages.length === 0) return
    for (const message of messages) message.isControlRecord = false
    data.abortedTransactions = []
    const asked = request.topics
      .find((each) => each.topic === topic)
      ?.partitions.find((each) => each.partition === partition)
    data.messages = withFiller(messages, asked?.fetchOffset ?? '0')
    this.#fetches.set(data.messages, { messages, aborted: aborted ?? [] })
  }
}

/** kafkajs passes over a batch that holds nothing any more from the asked offset on: this brings it to us all the same. */
function withFiller(messages: RawMessage[], fetchOffset: string): RawMessage[] {
  if (messages.some((message) => Number(message.offset) >= Number(fetchOffset))) return messages
  return [...messages, { ...(messages[0] as RawMessage), offset: fetchOffset }]
}

/** kafkajs takes an error of this name for one that trying again does not mend. */
class ClosedError extends Error {
  override readonly name = 'KafkaJSNotImplemented'
  readonly retriable = false

  constructor() {
    super('this consumer is not used any more')
  }
}
