/**
 * Kafka -> records by partition. The callback only hands over, so heartbeats never starve; where to read is ours to
 * say (the ledger's offsets), Kafka's own offsets are told afterwards, for lag tools. Everything that may take its time
 * (looking for topics, checking a doubtful offset, building a consumer anew) is done by one loop beside it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import type { Clock } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import { createClient } from './client.ts'
import { Confirmations } from './confirmations.ts'
import { cover } from './cover.ts'
import { Doubts } from './doubts.ts'
import { Errand } from './errand.ts'
import type { Batch, MemberListener } from './member.ts'
import { Membership } from './membership.ts'
import { Outage } from './outage.ts'
import { type Fetched, isRead, type Partition } from './partition.ts'
import { Places } from './places.ts'
import { Presence } from './presence.ts'
import { probe } from './probe.ts'
import { recordOf } from './record.ts'
import {
  fetchWaitMs,
  idleFetchWaitMs,
  type KafkaSettings,
  leaveMsMax,
  lookMsPerTopic,
  quietMs,
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
  readonly #topics: Topics
  readonly #presence: Presence
  readonly #places = new Places()
  readonly #membership: Membership
  readonly #confirmations = new Confirmations()
  readonly #doubts: Doubts
  readonly #outage: Outage
  readonly #watchdog: Watchdog
  readonly #tending = new Errand(() => this.#tend())
  #listener: IntakeListener = { assigned: () => undefined, received: () => undefined, recreated: () => undefined }
  #wanted: readonly string[] = []
  #lookedMs = 0
  /** When something last came, or was asked of us. */
  #busyMs = 0
  #lookAtOnce = false
  #tick: NodeJS.Timeout | undefined
  #stopped = false

  constructor(settings: KafkaSettings, clock: Clock, options: IntakeOptions = {}) {
    this.#settings = settings
    this.#clock = clock
    const address = settings.brokers.join(',')
    this.#topics = new Topics(createClient(settings), address)
    this.#presence = new Presence(this.#topics)
    this.#membership = new Membership(settings, options.client ?? createClient, this.#memberListener())
    this.#outage = new Outage(address)
    this.#watchdog = new Watchdog(options.watchdogMs ?? watchdogMs, (topic) => this.bounds(topic))
    this.#doubts = new Doubts({
      places: this.#places,
      consumer: this.#membership,
      bounds: (topic) => this.bounds(topic),
      onDoubt: () => this.#lookSoon(),
      deliver: (partition, fetched) => this.#listener.received(partition, fetched),
    })
  }

  /** Connects; throws when no broker answers. Reading begins with `setTopics`. */
  async start(listener: IntakeListener): Promise<void> {
    this.#listener = listener
    await probe(this.#settings)
    await this.#topics.connect()
    this.#tick = setInterval(() => void this.#tending.ask(), tendEveryMs)
  }

  /** Reads these topics from now on, each as soon as it is there. Topics once read stay until the end. */
  async setTopics(topics: readonly string[]): Promise<void> {
    this.#wanted = [...new Set([...this.#wanted, ...topics])].sort()
    await this.#tending.ask()
  }

  get missingTopics(): readonly string[] {
    const read = new Set(this.#membership.topics)
    return this.#wanted.filter((topic) => !read.has(topic))
  }

  get connected(): boolean {
    return !this.#outage.present
  }

  /** Also lifts a pause. What is not ours is left alone. */
  read(partition: Partition, fromOffset: number): void {
    const place = this.#places.of(partition)
    if (!place) return
    const nowMs = performance.now()
    this.#busyMs = nowMs
    Object.assign(place, { position: fromOffset, paused: false, doubt: null, seenMs: nowMs, dueMs: nowMs })
    this.#membership.seek(place, fromOffset)
    this.#membership.resume(place)
  }

  /** Nothing more of it comes, from this call on. */
  pause(partition: Partition): void {
    const place = this.#places.of(partition)
    if (!place) return
    place.paused = true
    this.#busyMs = performance.now()
    this.#membership.pause(place)
  }

  resume(partition: Partition): void {
    const place = this.#places.of(partition)
    if (!place?.paused) return
    place.paused = false
    this.#busyMs = performance.now()
    place.dueMs = performance.now()
    if (isRead(place)) this.#membership.resume(place)
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
    crashPoint('kafka-commit.before')
    await this.#membership.commit(ours.map(([{ topic, partition }, offset]) => ({ topic, partition, offset })))
    crashPoint('kafka-commit.after')
  }

  /** Leaves the group, so that the others take over at once. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    clearInterval(this.#tick)
    this.#confirmations.fail()
    await this.#membership.leave()
    await Promise.race([this.#topics.disconnect().catch(() => undefined), sleep(leaveMsMax, undefined, { ref: false })])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  // What the consumer says. Nothing here waits.

  #memberListener(): MemberListener {
    return {
      claim: () => this.#places.claim(),
      onAssigned: (partitions, generation) => this.#onAssigned(partitions, generation),
      onBatch: (batch) => this.#onBatch(batch),
      onHeartbeat: () => this.#confirmations.sending(),
      fetchWaitMs: () => this.#fetchWaitMs(),
      onFetched: (partition) => this.#onFetched(partition),
      onOutOfRange: (partition) => this.#onOutOfRange(partition),
      onTrouble: () => this.#onTrouble(),
      onAlive: () => this.#outage.over(),
      onCrashed: (error) => this.#onCrashed(error),
    }
  }

  /** Nothing is fetched of a new partition before its lane says from where; those we keep are read on. */
  #onAssigned(partitions: readonly Partition[], generation: number): void {
    this.#busyMs = performance.now()
    this.#confirmations.fail()
    this.#places.assign(partitions, generation)
    for (const place of this.#places.all()) {
      place.dueMs = performance.now()
      if (place.position !== null) this.#membership.seek(place, place.position)
      if (isRead(place)) this.#membership.resume(place)
      else this.#membership.pause(place)
    }
    crashPoint('intake.assigned')
    this.#listener.assigned(partitions)
  }

  #onFetched(partition: Partition): void {
    const place = this.#places.of(partition)
    if (!place) return
    const nowMs = performance.now()
    if (nowMs - place.seenMs > unwatchedMsMax) this.#doubts.add(place, 'topic')
    place.seenMs = nowMs
    place.dueMs = nowMs
  }

  #fetchWaitMs(): number {
    const isQuiet = performance.now() - this.#busyMs > quietMs
    return isQuiet && this.#places.all().every(isRead) ? idleFetchWaitMs : fetchWaitMs
  }

  #onTrouble(): void {
    for (const place of this.#places.all()) this.#doubts.add(place, 'topic')
    this.#lookSoon()
  }

  #onOutOfRange(partition: Partition): void {
    const place = this.#places.of(partition)
    if (place) this.#doubts.add(place, 'offset')
  }

  #onBatch(batch: Batch): void {
    const place = this.#places.of(batch)
    if (!place || !isRead(place)) return
    if (batch.fetchedFrom !== place.position) {
      this.#doubts.add(place, 'offset')
      return
    }
    const { messages, missing, nextOffset } = cover(place.position, batch.fetch.messages, batch.fetch.aborted)
    this.#busyMs = performance.now()
    const fetchedUs = this.#clock.nowUs()
    batch.continueAt(nextOffset)
    place.position = nextOffset
    const { topic, partition } = place
    publish('lag', { topic, partition, records: Math.max(0, batch.highWatermark - nextOffset) })
    const records = messages.map((message) => recordOf(message, fetchedUs))
    crashPoint('intake.fetched')
    this.#listener.received({ topic, partition }, { records, nextOffset, missing })
  }

  /** That a topic is gone is told as such. */
  #onCrashed(error: unknown): void {
    if (!isUnknownTopic(error)) this.#outage.tell(error)
    setTimeout(() => this.#lookSoon(), this.#membership.pauseMs + 1).unref()
  }

  // What takes its time, one thing after the other.

  async #tend(): Promise<void> {
    if (this.#stopped) return
    try {
      // What is doubted while we look, has to be looked at again.
      const doubted = this.#doubts.all()
      if (this.#isLookDue()) await this.#look()
      await this.#doubts.settle(doubted, this.#presence)
      const barks = await this.#watchdog.barks(this.#places.all())
      if (barks && !this.#stopped) await this.#membership.build(this.#membership.topics)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      if (!this.#membership.hasConsumer) this.#outage.tell(error)
    }
  }

  #lookSoon(): void {
    this.#lookAtOnce = true
    void this.#tending.ask()
  }

  #isLookDue(): boolean {
    const { hasConsumer, pauseMs } = this.#membership
    if (this.#wanted.length === 0 || (!hasConsumer && pauseMs > 0)) return false
    if (this.#lookAtOnce || !hasConsumer || this.#doubts.all().size > 0) return true
    const agoMs = performance.now() - this.#lookedMs
    if (agoMs > topicIdEveryMs) return true
    if (agoMs < this.#wanted.length * lookMsPerTopic) return false
    return this.missingTopics.length > 0 || !this.#wanted.every((topic) => this.#presence.has(topic))
  }

  async #look(): Promise<void> {
    this.#lookAtOnce = false
    const { topics: subscribed, hasConsumer } = this.#membership
    const { present, recreated } = await this.#presence.look(this.#wanted, subscribed)
    this.#lookedMs = performance.now()
    for (const topic of recreated) this.#onRecreated(topic)
    if (this.#stopped || (hasConsumer && present.join() === subscribed.join())) return
    if (present.length > 0) await this.#membership.build(present)
    else await this.#readNothing()
  }

  async #readNothing(): Promise<void> {
    this.#outage.over()
    if (this.#membership.topics.length === 0) return
    await this.#membership.leave()
    this.#confirmations.fail()
    this.#places.assign([], 0)
    this.#listener.assigned([])
  }

  #onRecreated(topic: string): void {
    const incarnation = this.#presence.idOf(topic)
    for (const place of this.#places.all()) if (place.topic === topic) this.#doubts.hold(place)
    const message = `${topic} has another id now, ${incarnation}: it was deleted and created again`
    publish('notice', { level: 'info', message })
    this.#listener.recreated(topic, incarnation)
  }
}
