/**
 * Kafka -> records by partition. The callback only hands over, so heartbeats never starve; where to read is ours to
 * say (the ledger's offsets), Kafka's own offsets are told afterwards, for lag tools. Everything that may take its time
 * (looking for topics, checking a doubtful offset, building a consumer anew) is done by one loop beside it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import type { Clock } from '../base/clock.ts'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import { createClient } from './client.ts'
import { Confirmations } from './confirmations.ts'
import { cover } from './cover.ts'
import { type Batch, Member, type MemberListener } from './member.ts'
import { Outage } from './outage.ts'
import { type Fetched, isRead, nameOf, type Partition, type Place } from './partition.ts'
import { Places } from './places.ts'
import { Presence } from './presence.ts'
import { probe } from './probe.ts'
import { recordOf } from './record.ts'
import {
  type KafkaSettings,
  leaveMsMax,
  rebuildPauseMs,
  tendEveryMs,
  topicIdEveryMs,
  unwatchedMsMax,
  watchdogMs,
} from './settings.ts'
import { type Bounds, isUnknownTopic, Topics } from './topics.ts'
import { Watchdog } from './watchdog.ts'

export type { Fetched, Missing, Partition } from './partition.ts'

export interface IntakeListener {
  /** These partitions are ours now, and no others. */
  assigned(partitions: readonly Partition[]): void
  /** What comes next of a partition, from the position on. */
  received(partition: Partition, fetched: Fetched): void
  /** Another topic goes by this name now. Nothing of it is read until `read` is called. */
  recreated(topic: string, incarnation: string): void
}

export interface IntakeOptions {
  readonly watchdogMs?: number
  /** Makes the client of one consumer. */
  readonly client?: (settings: KafkaSettings) => Kafka
}

export class Intake {
  readonly #settings: KafkaSettings
  readonly #clock: Clock
  readonly #client: (settings: KafkaSettings) => Kafka
  readonly #topics: Topics
  readonly #presence: Presence
  readonly #places = new Places()
  readonly #confirmations = new Confirmations()
  readonly #outage: Outage
  readonly #watchdog: Watchdog
  #listener: IntakeListener = { assigned: () => undefined, received: () => undefined, recreated: () => undefined }
  #wanted: readonly string[] = []
  #subscribed: readonly string[] = []
  #member: Member | undefined
  /** Of the last life: its place in the group is taken up. */
  #memberId = ''
  #pauseMs = rebuildPauseMs.first
  #buildAfterMs = 0
  #lookedMs = 0
  #lookAtOnce = false
  #tick: NodeJS.Timeout | undefined
  #tending: Promise<void> | undefined
  #tendAgain = false
  #stopped = false

  constructor(settings: KafkaSettings, clock: Clock, options: IntakeOptions = {}) {
    this.#settings = settings
    this.#clock = clock
    this.#client = options.client ?? createClient
    const address = settings.brokers.join(',')
    this.#topics = new Topics(createClient(settings), address)
    this.#presence = new Presence(this.#topics)
    this.#outage = new Outage(address)
    this.#watchdog = new Watchdog(options.watchdogMs ?? watchdogMs, (topic) => this.bounds(topic))
  }

  /** Connects; throws when no broker answers. Reading begins with `setTopics`. */
  async start(listener: IntakeListener): Promise<void> {
    this.#listener = listener
    await probe(this.#settings)
    await this.#topics.connect()
    this.#tick = setInterval(() => void this.#tend(), tendEveryMs)
  }

  /** Reads these topics from now on, each as soon as it is there. Topics once read stay until the end. */
  async setTopics(topics: readonly string[]): Promise<void> {
    this.#wanted = [...new Set([...this.#wanted, ...topics])].sort()
    await this.#tend()
  }

  get missingTopics(): readonly string[] {
    return this.#wanted.filter((topic) => !this.#subscribed.includes(topic))
  }

  get connected(): boolean {
    return !this.#outage.present
  }

  /** Also lifts a pause. What is not ours is left alone. */
  read(partition: Partition, fromOffset: number): void {
    const place = this.#places.of(partition)
    if (!place) return
    Object.assign(place, { position: fromOffset, paused: false, doubted: false, seenMs: performance.now() })
    this.#member?.seek(place, fromOffset)
    this.#member?.resume(place)
  }

  /** Nothing more of it comes, from this call on. */
  pause(partition: Partition): void {
    const place = this.#places.of(partition)
    if (!place) return
    place.paused = true
    this.#member?.pause(place)
  }

  resume(partition: Partition): void {
    const place = this.#places.of(partition)
    if (!place?.paused) return
    place.paused = false
    this.#doubtIfUnwatched(place)
    if (isRead(place)) this.#member?.resume(place)
  }

  /** True when the group has accepted a heartbeat that we sent after this call; false when it assigned anew first. */
  confirm(): Promise<boolean> {
    return this.#stopped ? Promise.resolve(false) : this.#confirmations.confirm()
  }

  bounds(topic: string): Promise<ReadonlyMap<number, Bounds>> {
    return this.#topics.bounds(topic)
  }

  offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, number>> {
    return this.#topics.offsetsAt(topic, timeMs)
  }

  /** Kafka's id of the topic, a UUID; '' if the broker cannot say. Throws `kafka_outage` or `unknown_topic`. */
  async incarnation(topic: string): Promise<string> {
    const { id, recreated } = await this.#presence.incarnation(topic)
    if (recreated) this.#onRecreated(topic)
    return id
  }

  async reportProgress(progress: ReadonlyMap<Partition, number>): Promise<void> {
    const ours = [...progress].filter(([each]) => this.#places.of(each))
    if (ours.length === 0) return
    if (!this.#member) throw new EngineError('kafka_outage', 'Kafka is away', { retryable: true })
    await this.#member.commit(ours.map(([{ topic, partition }, offset]) => ({ topic, partition, offset })))
  }

  /** Leaves the group, so that the others take over at once. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    clearInterval(this.#tick)
    this.#confirmations.fail()
    await this.#member?.end({ leave: true })
    await Promise.race([this.#topics.disconnect().catch(() => undefined), sleep(leaveMsMax, undefined, { ref: false })])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  // What the consumer says. Nothing here waits.

  #listenerOf(member: () => Member): MemberListener {
    const isCurrent = () => this.#member === member() && !this.#stopped
    return {
      claim: () => this.#places.claim(),
      onAssigned: (partitions, generation) => isCurrent() && this.#onAssigned(partitions, generation),
      onBatch: (batch) => isCurrent() && this.#onBatch(batch),
      onHeartbeat: () => this.#confirmations.sending(),
      onFetched: (partition) => this.#onFetched(partition),
      onOutOfRange: (partition) => isCurrent() && this.#doubt(this.#places.of(partition)),
      onUnknownTopic: () => isCurrent() && this.#lookSoon(),
      onAlive: () => {
        this.#outage.over()
        this.#pauseMs = rebuildPauseMs.first
      },
      onCrashed: (error) => isCurrent() && this.#onCrashed(member(), error),
    }
  }

  /** Nothing is fetched of a new partition before its lane says from where; those we keep are read on. */
  #onAssigned(partitions: readonly Partition[], generation: number): void {
    this.#confirmations.fail()
    this.#places.assign(partitions, generation)
    for (const place of this.#places.all()) {
      this.#doubtIfUnwatched(place)
      if (place.position !== null) this.#member?.seek(place, place.position)
      if (isRead(place)) this.#member?.resume(place)
      else this.#member?.pause(place)
    }
    this.#listener.assigned(partitions)
  }

  #onFetched(partition: Partition): void {
    const place = this.#places.of(partition)
    if (place) place.seenMs = performance.now()
  }

  #onBatch(batch: Batch): void {
    const place = this.#places.of(batch)
    if (!place || !isRead(place)) return
    if (batch.fetchedFrom !== place.position) {
      this.#doubt(place)
      return
    }
    const { messages, missing, nextOffset } = cover(place.position, batch.fetch.messages, batch.fetch.aborted)
    const fetchedUs = this.#clock.nowUs()
    batch.continueAt(nextOffset)
    place.position = nextOffset
    const { topic, partition } = place
    publish('lag', { topic, partition, records: Math.max(0, batch.highWatermark - nextOffset) })
    const records = messages.map((message) => recordOf(message, fetchedUs))
    this.#listener.received({ topic, partition }, { records, nextOffset, missing })
  }

  #onCrashed(member: Member, error: unknown): void {
    this.#memberId = member.memberId
    this.#member = undefined
    if (!isUnknownTopic(error)) this.#outage.tell(error)
    this.#buildAfterMs = performance.now() + this.#pauseMs
    setTimeout(() => this.#lookSoon(), this.#pauseMs).unref()
    this.#pauseMs = Math.min(this.#pauseMs * 2, rebuildPauseMs.most)
  }

  // What takes its time, one thing after the other.

  /** Resolves when all that was to be seen to at the call has been seen to, or could not be. */
  #tend(): Promise<void> {
    this.#tendAgain = true
    this.#tending ??= this.#tendWhileAsked().finally(() => (this.#tending = undefined))
    return this.#tending
  }

  async #tendWhileAsked(): Promise<void> {
    while (this.#tendAgain && !this.#stopped) {
      this.#tendAgain = false
      try {
        if (this.#isLookDue()) await this.#look()
        await this.#settleDoubts()
        if (await this.#watchdog.barks(this.#places.all())) await this.#build(this.#subscribed)
      } catch (error) {
        if (!(error instanceof EngineError)) throw error
        if (!this.#member) this.#outage.tell(error)
      }
    }
  }

  #lookSoon(): void {
    this.#lookAtOnce = true
    void this.#tend()
  }

  #isLookDue(): boolean {
    if (this.#wanted.length === 0) return false
    if (!this.#member && performance.now() < this.#buildAfterMs) return false
    const isOld = performance.now() - this.#lookedMs > topicIdEveryMs
    return isOld || this.#lookAtOnce || !this.#member || this.missingTopics.length > 0 || this.#doubted().length > 0
  }

  async #look(): Promise<void> {
    this.#lookAtOnce = false
    const { present, recreated } = await this.#presence.look(this.#wanted, this.#subscribed)
    this.#lookedMs = performance.now()
    for (const topic of recreated) this.#onRecreated(topic)
    if (this.#stopped || (this.#member && present.join() === this.#subscribed.join())) return
    if (present.length > 0) await this.#build(present)
    else this.#readNothing()
  }

  /** A consumer for these topics, in the place of the one before. */
  async #build(topics: readonly string[]): Promise<void> {
    this.#memberId = this.#member?.memberId ?? this.#memberId
    void this.#member?.end({ leave: false })
    const member: Member = new Member(
      this.#client(this.#settings),
      this.#settings,
      topics,
      this.#memberId,
      this.#listenerOf(() => member),
    )
    this.#member = member
    this.#subscribed = topics
    await member.start()
  }

  #readNothing(): void {
    this.#outage.over()
    if (this.#subscribed.length === 0) return
    void this.#member?.end({ leave: true })
    this.#member = undefined
    this.#memberId = ''
    this.#subscribed = []
    this.#confirmations.fail()
    this.#places.assign([], 0)
    this.#listener.assigned([])
  }

  #onRecreated(topic: string): void {
    const incarnation = this.#presence.idOf(topic)
    for (const place of this.#places.all()) if (place.topic === topic) this.#hold(place)
    const message =
      `the topic seems to have been deleted and created again: ${topic} has another id, ${incarnation}; ` +
      'its records are not taken for those of the old one'
    publish('notice', { level: 'error', message, code: 'topic_recreated', topic })
    this.#listener.recreated(topic, incarnation)
  }

  /** Until somebody says anew where to read. */
  #hold(place: Place): void {
    place.position = null
    place.doubted = false
    this.#member?.pause(place)
  }

  // Doubts.

  #doubted(): Place[] {
    return this.#places.all().filter((place) => place.doubted)
  }

  #doubtIfUnwatched(place: Place): void {
    if (place.position !== null && performance.now() - place.seenMs > unwatchedMsMax) this.#doubt(place)
  }

  #doubt(place: Place | undefined): void {
    if (!place || place.position === null || place.doubted) return
    place.doubted = true
    this.#member?.pause(place)
    this.#lookSoon()
  }

  async #settleDoubts(): Promise<void> {
    for (const topic of new Set(this.#doubted().map((place) => place.topic))) {
      if (!this.#presence.has(topic)) continue
      const bounds = await this.bounds(topic)
      for (const place of this.#doubted()) {
        const found = bounds.get(place.partition)
        if (place.topic === topic && found) this.#settle(place, found)
      }
    }
  }

  #settle(place: Place, { earliest, latest }: Bounds): void {
    const position = place.position ?? 0
    if (latest < position) {
      this.#tellRegressed(place, latest, position)
      return
    }
    place.doubted = false
    place.seenMs = performance.now()
    if (place.paused) return
    if (earliest > position) this.#passGap(place, position, earliest)
    if (!isRead(place)) return
    this.#member?.seek(place, place.position)
    this.#member?.resume(place)
  }

  #passGap(place: Place, from: number, earliest: number): void {
    const { topic, partition } = place
    place.position = earliest
    publish('gap', { topic, partition, from: String(from), to: String(earliest - 1), reason: 'retention' })
    const missing = [{ fromOffset: from, toOffset: earliest - 1, reason: 'retention' as const }]
    this.#listener.received({ topic, partition }, { records: [], nextOffset: earliest, missing })
  }

  #tellRegressed(place: Place, latest: number, position: number): void {
    this.#hold(place)
    const message =
      `${nameOf(place)} ends at offset ${latest}, before the place it was read to (${position}), though the topic is ` +
      'the same: its brokers have lost records; the partition is not read any more'
    publish('notice', { level: 'error', message, code: 'offsets_regressed' })
  }
}
