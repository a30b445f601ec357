/**
 * A coordinator's consumer, as src/intake is one: it believes the group's last word it heard, reads each partition from
 * where it was told, and hands over. What it fetched before it was told to read elsewhere is thrown away, and so is what
 * is of another incarnation of the topic than the coordinator was told of.
 */
import { EngineError } from '../../../src/base/error.ts'
import type { Coordinator } from '../../../src/coordinator/coordinator.ts'
import type { Intake, PartitionRef } from '../../../src/coordinator/ports.ts'
import type { Process } from '../process.ts'
import { type Broker, sessionUs, type Topic } from './broker.ts'
import { nameOf } from './group.ts'

interface Reading {
  readonly partition: PartitionRef
  readonly incarnation: string
  position: number
  paused: boolean
  /** A fetch is under way, or waits for something to be there. */
  fetching: boolean
}

export interface IntakeWeather {
  /** One way to Kafka and back, in µs. */
  readonly wayUs: number
  readonly batchMax: number
  /** A fetch brings what was read before, too. */
  readonly redelivery: number
  /** Holes are told with their reasons. */
  readonly reasons: boolean
}

const heartbeatUs = sessionUs / 4
/** How often it looks whether a topic is another one. */
const topicPollUs = 4_000_000

export class SimulatedIntake implements Intake {
  readonly #broker: Broker
  readonly #process: Process
  readonly #weather: () => IntakeWeather
  readonly #onRedelivery: () => void
  readonly #readings = new Map<string, Reading>()
  /** What the coordinator was told a topic's incarnation is. */
  readonly #told = new Map<string, string>()
  #generation = -1
  #confirming: { readonly sinceUs: number; readonly resolve: (is: boolean) => void }[] = []
  #left = false
  coordinator: Coordinator | undefined
  /** Kafka cannot be reached from here, though it is up. */
  cutOff = false

  constructor(broker: Broker, process: Process, weather: () => IntakeWeather, onRedelivery: () => void) {
    this.#broker = broker
    this.#process = process
    this.#weather = weather
    this.#onRedelivery = onRedelivery
  }

  start(): void {
    this.#join()
    this.#pollTopics()
  }

  /** Leaves the group. */
  stop(): void {
    this.#left = true
    for (const { resolve } of this.#confirming.splice(0)) resolve(false)
    this.#reach('leave', () => this.#broker.group.leave(this.#process.name, this.#broker.partitions))
  }

  read(partition: PartitionRef, fromOffset: number): void {
    const name = nameOf(partition)
    const incarnation = this.#told.get(partition.topic) ?? ''
    this.#readings.set(name, { partition, incarnation, position: fromOffset, paused: false, fetching: false })
    this.#fetch(name)
  }

  pause(partition: PartitionRef): void {
    const reading = this.#readings.get(nameOf(partition))
    if (reading) reading.paused = true
  }

  resume(partition: PartitionRef): void {
    const reading = this.#readings.get(nameOf(partition))
    if (!reading) return
    reading.paused = false
    this.#fetch(nameOf(partition))
  }

  bounds(topic: string): Promise<ReadonlyMap<number, { earliest: number; latest: number }>> {
    return this.#ask('bounds', () => {
      const { logs } = this.#broker.topic(topic)
      return new Map(logs.map(({ earliest, latest }, partition) => [partition, { earliest, latest }]))
    })
  }

  offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, number>> {
    return this.#ask('offsets', () => {
      const { logs } = this.#broker.topic(topic)
      return new Map(logs.map((log, partition) => [partition, log.offsetAt(timeMs)]))
    })
  }

  async incarnation(topic: string): Promise<string> {
    const incarnation = await this.#ask('incarnation', () => this.#broker.topic(topic).incarnation)
    this.#learn(topic, incarnation)
    return incarnation
  }

  confirm(): Promise<boolean> {
    if (this.#left) return Promise.resolve(false)
    return new Promise((resolve) => this.#confirming.push({ sinceUs: this.#process.schedule.nowUs, resolve }))
  }

  reportProgress(progress: ReadonlyMap<PartitionRef, number>): Promise<void> {
    return this.#ask('progress', () => {
      for (const [partition, offset] of progress) this.#broker.group.offsets.set(nameOf(partition), offset)
    })
  }

  #join(): void {
    const isIn = () =>
      this.#broker.group.join(this.#process.name, this.#process.schedule.nowUs, this.#broker.partitions)
    this.#reach('join', isIn)
    this.#process.hear(heartbeatUs / 2, '', () => this.#heartbeat())
  }

  #heartbeat(): void {
    if (this.#left) return
    const { name, schedule } = this.#process
    const sentUs = schedule.nowUs
    this.#reach('', () => {
      const membership = this.#broker.group.heartbeat(name, schedule.nowUs)
      this.#process.hear(this.#wayUs(), '', () => {
        if (this.#left) return
        if (membership === null) return this.#rejoin()
        if (membership.generation !== this.#generation) this.#assigned(membership.generation, membership.partitions)
        else this.#confirmed(sentUs)
      })
    })
    this.#process.hear(heartbeatUs, '', () => this.#heartbeat())
  }

  #rejoin(): void {
    this.#process.schedule.tell(`${this.#process.name} joins again`)
    const isIn = () =>
      this.#broker.group.join(this.#process.name, this.#process.schedule.nowUs, this.#broker.partitions)
    this.#reach('join', isIn)
  }

  #assigned(generation: number, partitions: readonly PartitionRef[]): void {
    this.#generation = generation
    const names = new Set(partitions.map(nameOf))
    for (const name of this.#readings.keys()) if (!names.has(name)) this.#readings.delete(name)
    this.#process.schedule.tell(`${this.#process.name} is given ${[...names].join(' ') || 'nothing'}`)
    for (const { resolve } of this.#confirming.splice(0)) resolve(false)
    this.coordinator?.assign(partitions)
  }

  #confirmed(sentUs: number): void {
    const known = this.#confirming.filter((each) => each.sinceUs <= sentUs)
    this.#confirming = this.#confirming.filter((each) => each.sinceUs > sentUs)
    for (const { resolve } of known) resolve(true)
  }

  #pollTopics(): void {
    this.#process.hear(topicPollUs, '', () => {
      for (const topic of this.#told.keys()) void this.incarnation(topic).catch(() => undefined)
      this.#pollTopics()
    })
  }

  /** Another one than the coordinator was told of: it hears so before any record of it. */
  #learn(topic: string, incarnation: string): void {
    const before = this.#told.get(topic)
    this.#told.set(topic, incarnation)
    if (before === undefined || before === incarnation) return
    for (const [name, { partition }] of this.#readings) if (partition.topic === topic) this.#readings.delete(name)
    this.coordinator?.recreated(topic)
  }

  #fetch(name: string): void {
    const reading = this.#readings.get(name)
    if (!reading || reading.fetching || reading.paused) return
    reading.fetching = true
    const again = () => {
      reading.fetching = false
      if (this.#readings.get(name) === reading) this.#fetch(name)
    }
    this.#process.schedule.after(this.#wayUs(), '', () => this.#fetchNow(name, reading, again))
  }

  #fetchNow(name: string, reading: Reading, again: () => void): void {
    const topic = this.#broker.topic(reading.partition.topic)
    const wait = () => this.#broker.onData(() => this.#process.hear(this.#wayUs(), '', again))
    if (!this.#process.alive || !this.isReached || this.#readings.get(name) !== reading) wait()
    else if (topic.incarnation === reading.incarnation) this.#fetchFrom(topic, reading, wait, again)
    else this.#process.hear(0, '', () => this.#learn(topic.name, topic.incarnation))
  }

  #fetchFrom(topic: Topic, reading: Reading, wait: () => void, again: () => void): void {
    const name = nameOf(reading.partition)
    const { batchMax, redelivery, reasons } = this.#weather()
    const { random } = this.#process.schedule
    const back = random.chance(redelivery) ? random.between(1, 10) : 0
    if (back > 0) this.#onRedelivery()
    const from = Math.max(reading.position - back, 0)
    const log = topic.logs[reading.partition.partition]
    const fetched = log?.fetch(from, batchMax + back, this.#process.clock.nowUs(), reasons)
    if (!fetched || fetched.nextOffset <= reading.position) {
      wait()
      return
    }
    const label = `${this.#process.name} fetched ${name} ${from}-${fetched.nextOffset - 1}`
    this.#process.hear(this.#wayUs(), label, () => {
      if (this.#readings.get(name) === reading && !reading.paused) {
        reading.position = fetched.nextOffset
        this.coordinator?.receive(reading.partition, fetched)
      }
      again()
    })
  }

  /** Kafka can be reached from here. */
  get isReached(): boolean {
    return this.#broker.up && !this.cutOff
  }

  #wayUs(): number {
    return this.#process.schedule.random.exponential(this.#weather().wayUs)
  }

  /** What is said to Kafka and wants no answer. */
  #reach(label: string, act: () => void): void {
    const told = label && `${this.#process.name} ${label}`
    this.#process.schedule.after(this.#wayUs(), told, () => {
      if (this.isReached) act()
    })
  }

  #ask<T>(what: string, act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#process.schedule.after(this.#wayUs(), '', () => {
        if (this.isReached) {
          const value = act()
          this.#process.hear(this.#wayUs(), '', () => resolve(value))
        } else {
          const error = new EngineError('kafka_outage', `Kafka: ${what}: no broker answers`, { retryable: true })
          this.#process.hear(this.#wayUs() + 1_000_000, '', () => reject(error))
        }
      })
    })
  }
}
