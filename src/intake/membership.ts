/** One member after the other, all in the same place of the group: a consumer that crashed is followed by a new one. */
import type { Kafka } from 'kafkajs'
import { EngineError } from '../base/error.ts'
import { Member, type MemberListener } from './member.ts'
import type { Partition } from './partition.ts'
import { type KafkaSettings, rebuildPauseMs } from './settings.ts'

/** What crashed sooner than this after it was built will crash again: each time the whole group shares out anew. */
const steadyMs = 2 * rebuildPauseMs.most

export class Membership {
  readonly #settings: KafkaSettings
  readonly #client: (settings: KafkaSettings) => Kafka
  readonly #listener: MemberListener
  #member: Member | undefined
  #memberId = ''
  #topics: readonly string[] = []
  #pauseMs = rebuildPauseMs.first
  #builtMs = 0
  #buildAfterMs = 0

  constructor(settings: KafkaSettings, client: (settings: KafkaSettings) => Kafka, listener: MemberListener) {
    this.#settings = settings
    this.#client = client
    this.#listener = listener
  }

  /** What is subscribed to, though there may be no consumer for the moment. */
  get topics(): readonly string[] {
    return this.#topics
  }

  get hasConsumer(): boolean {
    return this.#member !== undefined
  }

  /** For how long it is to be left in peace after a crash. */
  get pauseMs(): number {
    return Math.max(0, this.#buildAfterMs - performance.now())
  }

  /** A consumer for these topics, in the place of the one before. */
  async build(topics: readonly string[]): Promise<void> {
    const before = this.#member
    const isCurrent = () => this.#member === member
    const member: Member = new Member(
      this.#client(this.#settings),
      this.#settings,
      topics,
      before?.memberId ?? this.#memberId,
      this.#heardOf(isCurrent, () => this.#onCrashed(member)),
    )
    this.#member = member
    this.#topics = topics
    this.#builtMs = performance.now()
    void before?.end({ leave: false })
    await member.start()
  }

  seek(partition: Partition, offset: number): void {
    this.#member?.seek(partition, offset)
  }

  pause(partition: Partition): void {
    this.#member?.pause(partition)
  }

  resume(partition: Partition): void {
    this.#member?.resume(partition)
  }

  async commit(offsets: readonly (Partition & { readonly offset: number })[]): Promise<void> {
    if (!this.#member) throw new EngineError('kafka_outage', 'not in the group for the moment', { retryable: true })
    await this.#member.commit(offsets)
  }

  async leave(): Promise<void> {
    const member = this.#member
    this.#member = undefined
    this.#memberId = ''
    this.#topics = []
    await member?.end({ leave: true })
  }

  #onCrashed(member: Member): void {
    this.#memberId = member.memberId
    this.#member = undefined
    const lives = performance.now() - this.#builtMs > steadyMs
    this.#pauseMs = lives ? rebuildPauseMs.first : Math.min(this.#pauseMs * 2, rebuildPauseMs.most)
    this.#buildAfterMs = performance.now() + this.#pauseMs
  }

  /** What a consumer says after its time is nobody's business. */
  #heardOf(isCurrent: () => boolean, onCrashed: () => void): MemberListener {
    const to = this.#listener
    return {
      claim: () => to.claim(),
      onAssigned: (partitions, generation) => isCurrent() && to.onAssigned(partitions, generation),
      onBatch: (batch) => isCurrent() && to.onBatch(batch),
      onHeartbeat: () => (isCurrent() ? to.onHeartbeat() : () => undefined),
      fetchWaitMs: () => to.fetchWaitMs(),
      onFetched: (partition) => isCurrent() && to.onFetched(partition),
      onOutOfRange: (partition) => isCurrent() && to.onOutOfRange(partition),
      onTrouble: () => isCurrent() && to.onTrouble(),
      onAlive: () => isCurrent() && to.onAlive(),
      onCrashed: (error) => {
        if (!isCurrent()) return
        onCrashed()
        to.onCrashed(error)
      },
    }
  }
}
