/** Kafka: topics with their incarnations and logs, and the group. Clients reach it through `intake.ts`. */
import type { PartitionRef } from '../../../src/coordinator/ports.ts'
import type { RawRecord } from '../../../src/envelope/record.ts'
import type { Schedule } from '../schedule.ts'
import { Group } from './group.ts'
import { PartitionLog } from './log.ts'

export interface Topic {
  readonly name: string
  readonly incarnation: string
  readonly logs: PartitionLog[]
}

/** Without a heartbeat for so long a member is out. */
export const sessionUs = 6_000_000

export class Broker {
  readonly #schedule: Schedule
  readonly topics = new Map<string, Topic>()
  /** Of every incarnation there ever was: what an offset held is still asked for when it is gone. */
  readonly everyTopic = new Map<string, Topic>()
  readonly group: Group
  readonly #readers = new Set<() => void>()
  up = true

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    this.group = new Group(schedule.random, sessionUs)
  }

  get partitions(): PartitionRef[] {
    return [...this.topics.values()].flatMap(({ name, logs }) =>
      logs.map((_, partition) => ({ topic: name, partition })),
    )
  }

  create(name: string, partitions: number): void {
    const before = [...this.everyTopic.values()].filter((topic) => topic.name === name).length
    const incarnation = `${name}-${before + 1}`
    const topic = { name, incarnation, logs: Array.from({ length: partitions }, () => new PartitionLog()) }
    this.topics.set(name, topic)
    this.everyTopic.set(incarnation, topic)
  }

  topic(name: string): Topic {
    return this.topics.get(name) as Topic
  }

  addPartition(name: string): void {
    this.topic(name).logs.push(new PartitionLog())
    this.group.rebalance(this.partitions)
  }

  produce(name: string, partition: number, record: Omit<RawRecord, 'offset' | 'fetchedUs'>): void {
    const offset = this.topic(name).logs[partition]?.append(record)
    this.#schedule.tell(`produced ${name}/${partition}/${offset}`)
    this.wakeReaders()
  }

  /** Fetches that wait for something to be there. */
  onData(wake: () => void): void {
    this.#readers.add(wake)
  }

  wakeReaders(): void {
    const readers = [...this.#readers]
    this.#readers.clear()
    for (const wake of readers) wake()
  }

  crash(): void {
    this.up = false
  }

  recover(): void {
    this.up = true
    this.group.forgive(this.#schedule.nowUs)
    this.wakeReaders()
  }

  /** Looks who is still there. */
  tick(): void {
    if (!this.up) return
    for (const name of this.group.expire(this.#schedule.nowUs, this.partitions))
      this.#schedule.tell(`${name} is out of the group`)
  }
}
