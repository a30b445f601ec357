/**
 * This process as a member of the consumer group, for one life of a kafkajs consumer. A life ends with the first error
 * that kafkajs does not mend by itself, or when its topics change; the next one takes up the same place in the group,
 * so that nothing moves.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, Kafka, PartitionAssigner } from 'kafkajs'
import { EngineError } from '../base/error.ts'
import { assigners } from './assigner.ts'
import type { Claim } from './assignment.ts'
import type { Partition } from './partition.ts'
import {
  fetchBytesPerPartition,
  fetchWaitMs,
  heartbeatMs,
  type KafkaSettings,
  leaveMsMax,
  metadataAgeMs,
  rebalanceMs,
} from './settings.ts'
import { type Cluster, type Fetch, Tap, type TapListener } from './tap.ts'

type Tapped = Pick<TapListener, 'onHeartbeat' | 'fetchWaitMs' | 'onFetched' | 'onOutOfRange' | 'onTrouble'>

export interface MemberListener extends Tapped {
  /** Asked at each join. */
  claim(): Claim
  /** The group has given us these partitions, and no others. What is to be read of them is to be said before this returns. */
  onAssigned(partitions: readonly Partition[], generation: number): void
  onBatch(batch: Batch): void
  /** Kafka answers. */
  onAlive(): void
  /** This life is over, and nothing more comes of it. */
  onCrashed(error: unknown): void
}

export interface Batch extends Partition {
  /** The offset that was asked for. */
  readonly fetchedFrom: number
  readonly highWatermark: number
  readonly fetch: Fetch
  /** The next fetch asks for this offset. Uncalled, it asks for the same again. */
  continueAt(offset: number): void
}

export class Member {
  readonly #listener: MemberListener
  readonly #topics: readonly string[]
  readonly #tap: Tap
  readonly #consumer: Consumer
  #cluster: Cluster | undefined
  #joined = false
  #ended = false
  #generation = 0
  #memberId: string

  /** `rejoinAs`: the member id of the life before, or ''. */
  constructor(
    kafka: Kafka,
    settings: KafkaSettings,
    topics: readonly string[],
    rejoinAs: string,
    listener: MemberListener,
  ) {
    this.#listener = listener
    this.#topics = topics
    this.#memberId = rejoinAs
    const onGeneration = (generation: number, memberId: string) => {
      this.#generation = generation
      this.#memberId = memberId
    }
    const { onHeartbeat, fetchWaitMs: waitMs, onFetched, onOutOfRange, onTrouble } = listener
    const heard = { onGeneration, onHeartbeat, fetchWaitMs: waitMs, onFetched, onOutOfRange, onTrouble }
    this.#tap = new Tap(heard, rejoinAs)
    this.#consumer = this.#createConsumer(kafka, settings)
  }

  get memberId(): string {
    return this.#memberId
  }

  get topics(): readonly string[] {
    return this.#topics
  }

  /** Joins the group, sooner or later; what goes wrong is told by `onCrashed`. */
  async start(): Promise<void> {
    try {
      await this.#consumer.connect()
      await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: async (payload) => this.#onBatch(payload),
      })
    } catch (error) {
      this.#crash(error)
    }
  }

  seek({ topic, partition }: Partition, offset: number): void {
    if (this.#joined) this.#consumer.seek({ topic, partition, offset: String(offset) })
  }

  pause({ topic, partition }: Partition): void {
    if (this.#joined) this.#consumer.pause([{ topic, partitions: [partition] }])
  }

  resume({ topic, partition }: Partition): void {
    if (this.#joined) this.#consumer.resume([{ topic, partitions: [partition] }])
  }

  async commit(offsets: readonly (Partition & { readonly offset: number })[]): Promise<void> {
    if (!this.#joined) throw new EngineError('kafka_outage', 'not in the group yet', { retryable: true })
    await this.#consumer.commitOffsets(offsets.map((each) => ({ ...each, offset: String(each.offset) })))
  }

  /** Leaves the group, so that the others take over at once; or only ends, and nothing it still does has an effect. */
  async end(options: { readonly leave: boolean }): Promise<void> {
    this.#ended = true
    this.#joined = false
    if (options.leave) this.#tap.leave()
    else this.#tap.close()
    // A Kafka that is away cannot be told: it takes us out of the group when the session is over.
    await within(leaveMsMax, this.#consumer.disconnect())
    this.#tap.close()
    await within(leaveMsMax, this.#cluster?.disconnect())
  }

  #createConsumer(kafka: Kafka, { groupId, sessionTimeoutMs }: KafkaSettings): Consumer {
    const tapped = (create: PartitionAssigner): PartitionAssigner => {
      return (config) => {
        this.#listenTo(config.cluster as unknown as Cluster)
        return create(config)
      }
    }
    const consumer = kafka.consumer({
      groupId,
      partitionAssigners: assigners(() => this.#listener.claim()).map(tapped),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceMs,
      heartbeatInterval: Math.min(heartbeatMs, Math.floor(sessionTimeoutMs / 4)),
      maxWaitTimeInMs: fetchWaitMs,
      maxBytesPerPartition: fetchBytesPerPartition,
      metadataMaxAge: metadataAgeMs,
      // Asking for a topic would create it anew where brokers are set so, when somebody has deleted it.
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 8, restartOnFailure: async () => false },
    })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => this.#onJoin(payload.memberAssignment))
    // On its way to a crash it is stopped first, and takes no orders any more.
    consumer.on(consumer.events.STOP, () => (this.#joined = false))
    consumer.on(consumer.events.FETCH, () => !this.#ended && this.#listener.onAlive())
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#crash(payload.error))
    return consumer
  }

  #listenTo(cluster: Cluster): void {
    if (this.#cluster) return
    this.#cluster = cluster
    this.#tap.listenTo(cluster)
  }

  #onJoin(assignment: Record<string, number[]>): void {
    if (this.#ended) return
    this.#joined = true
    const partitions = Object.entries(assignment).flatMap(([topic, numbers]) =>
      numbers.map((partition) => ({ topic, partition })),
    )
    this.#listener.onAssigned(partitions, this.#generation)
  }

  #onBatch({ batch, resolveOffset, isStale }: EachBatchPayload): void {
    const { topic, partition, rawMessages, fetchedOffset } = batch as typeof batch & BatchInside
    const fetch = this.#tap.fetchOf(rawMessages)
    if (this.#ended || isStale() || !fetch) return
    this.#listener.onBatch({
      topic,
      partition,
      fetchedFrom: Number(fetchedOffset),
      highWatermark: Number(batch.highWatermark),
      fetch,
      continueAt: (offset) => resolveOffset(String(offset - 1)),
    })
  }

  #crash(error: unknown): void {
    if (this.#ended) return
    void this.end({ leave: false })
    this.#listener.onCrashed(error)
  }
}

/** What kafkajs' types do not say of a batch. */
interface BatchInside {
  readonly rawMessages: object
  readonly fetchedOffset: string
}

/** Whatever becomes of it. */
async function within(ms: number, act: Promise<unknown> | undefined): Promise<void> {
  await Promise.race([act?.catch(() => undefined), sleep(ms, undefined, { ref: false })])
}
