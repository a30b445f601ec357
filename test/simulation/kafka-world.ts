/**
 * The simulated Kafka as the intake's contract needs one. Each topic has a broker of its own, whose simulated time runs on
 * beside the host's, some twenty times as fast.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Coordinator } from '../../src/coordinator/coordinator.ts'
import type { PartitionRef } from '../../src/coordinator/ports.ts'
import type { World } from '../contract/intake.ts'
import type { IntakeUnderTest, Listener } from '../contract/reader.ts'
import { atEnd } from '../support/at-end.ts'
import { Broker, sessionUs } from './kafka/broker.ts'
import { SimulatedIntake } from './kafka/intake.ts'
import { Process } from './process.ts'
import { Random } from './random.ts'
import { Schedule } from './schedule.ts'
import { Trace } from './trace.ts'

const weather = { wayUs: 2000, batchMax: 100, redelivery: 0, reasons: true }

export async function simulatedWorld(): Promise<World> {
  const clusters = new Map<string, Cluster>()
  const of = (topic: string) => clusters.get(topic) as Cluster
  atEnd(() => {
    for (const each of clusters.values()) each.stop()
  })
  return {
    createTopic: async (partitions) => {
      const topic = `t${clusters.size}`
      clusters.set(topic, new Cluster(topic, partitions, clusters.size + 1))
      return topic
    },
    recreateTopic: async (topic) => of(topic).broker.create(topic, of(topic).broker.topic(topic).logs.length),
    produce: async (partition, value, timeMs) => of(partition.topic).produce(partition, value, timeMs),
    transact: async (partition, value, end) => of(partition.topic).transact(partition, value, end),
    deleteBefore: async ({ topic, partition }, offset) => of(topic).broker.topic(topic).logs[partition]?.retain(offset),
    join: async (listener) => new Member(listener, of),
    cutOff: async (intake) => (intake as Member).cutOff(),
  }
}

class Cluster {
  readonly schedule: Schedule
  readonly broker: Broker
  #running = true

  constructor(topic: string, partitions: number, seed: number) {
    this.schedule = new Schedule(new Random(seed), new Trace(null))
    this.broker = new Broker(this.schedule)
    this.broker.create(topic, partitions)
    this.#tick()
    void this.#run()
  }

  stop(): void {
    this.#running = false
  }

  produce({ topic, partition }: PartitionRef, value: string, timeMs = Date.now()): void {
    const record = { key: null, value: Buffer.from(value), headers: [], timestampUs: timeMs * 1000 }
    this.broker.produce(topic, partition, record)
  }

  transact(partition: PartitionRef, value: string, end: 'commit' | 'abort'): void {
    const log = this.broker.topic(partition.topic).logs[partition.partition]
    if (end === 'commit') this.produce(partition, value)
    else log?.appendHole('aborted')
    log?.appendHole('control')
    this.broker.wakeReaders()
  }

  #tick(): void {
    this.schedule.after(500_000, '', () => {
      this.broker.tick()
      this.#tick()
    })
  }

  async #run(): Promise<void> {
    while (this.#running) {
      const untilUs = this.schedule.nowUs + 20_000
      while (await this.schedule.step(untilUs));
      this.schedule.nowUs = untilUs
      await sleep(1)
    }
  }
}

class Member implements IntakeUnderTest {
  readonly #listener: Listener
  readonly #of: (topic: string) => Cluster
  #intake!: SimulatedIntake
  #cluster!: Cluster

  constructor(listener: Listener, of: (topic: string) => Cluster) {
    this.#listener = listener
    this.#of = of
  }

  async setTopics([topic]: readonly string[]): Promise<void> {
    this.#cluster = this.#of(topic as string)
    const { schedule, broker } = this.#cluster
    const process = new Process(`m${++members}`, schedule, 0)
    this.#intake = new SimulatedIntake(
      broker,
      process,
      () => weather,
      () => undefined,
    )
    const face: Pick<Coordinator, 'assign' | 'receive' | 'recreated'> = {
      assign: (partitions) => this.#listener.assigned(partitions),
      receive: (partition, fetched) => this.#listener.received(partition, fetched),
      recreated: (name) => this.#listener.recreated(name, broker.topic(name).incarnation),
    }
    this.#intake.coordinator = face as Coordinator
    await this.#intake.incarnation(topic as string) // as whoever opens a lane does, before it reads
    this.#intake.start()
  }

  /** Until its session is over, and a little longer. */
  async cutOff(): Promise<void> {
    this.#intake.cutOff = true
    const untilUs = this.#cluster.schedule.nowUs + sessionUs + 2_000_000
    while (this.#cluster.schedule.nowUs < untilUs) await sleep(5)
    this.#intake.cutOff = false
  }

  read = (partition: PartitionRef, fromOffset: number): void => this.#intake.read(partition, fromOffset)
  pause = (partition: PartitionRef): void => this.#intake.pause(partition)
  resume = (partition: PartitionRef): void => this.#intake.resume(partition)
  confirm = (): Promise<boolean> => this.#intake.confirm()
  bounds = (topic: string) => this.#intake.bounds(topic)
  offsetsAt = (topic: string, timeMs: number) => this.#intake.offsetsAt(topic, timeMs)
  incarnation = (topic: string) => this.#intake.incarnation(topic)

  async stop(): Promise<void> {
    this.#intake.stop()
  }
}

let members = 0
