/** Partitions in memory, and an intake on them as each coordinator has its own. */
import type { Coordinator } from '../../src/coordinator/coordinator.ts'
import type { Intake, PartitionRef } from '../../src/coordinator/ports.ts'
import type { RawHeader, RawRecord } from '../../src/envelope/record.ts'

/** The records of one topic. Offsets may have holes, as compaction leaves them. */
export class FakeKafka {
  readonly topic: string
  readonly partitions: RawRecord[][]
  readonly intakes = new Set<FakeIntake>()

  constructor(topic: string, partitions: number) {
    this.topic = topic
    this.partitions = Array.from({ length: partitions }, () => [])
  }

  produce(partition: number, what: Partial<RawRecord> & { json?: unknown; headers?: RawHeader[] }): number {
    const log = this.partitions[partition] as RawRecord[]
    const offset = what.offset ?? this.end(partition)
    const value = 'json' in what ? Buffer.from(JSON.stringify(what.json)) : (what.value ?? null)
    const nowUs = Date.now() * 1000
    log.push({ key: null, headers: [], timestampUs: nowUs, fetchedUs: nowUs, ...what, offset, value })
    for (const intake of this.intakes) intake.deliver()
    return offset
  }

  end(partition: number): number {
    return (this.partitions[partition]?.at(-1)?.offset ?? -1) + 1
  }
}

export class FakeIntake implements Intake {
  readonly #kafka: FakeKafka
  readonly positions = new Map<number, number>()
  readonly paused = new Set<number>()
  /** Every pause and resume that was asked for. */
  readonly said: string[] = []
  readonly reported = new Map<number, number>()
  coordinator: Coordinator | undefined
  /** Records handed over at once. */
  batchMax = 7
  #due = false

  constructor(kafka: FakeKafka) {
    this.#kafka = kafka
    kafka.intakes.add(this)
  }

  /** The group gives these partitions to this member, and takes away the others. */
  assign(partitions: readonly number[]): void {
    for (const held of this.positions.keys()) if (!partitions.includes(held)) this.positions.delete(held)
    this.coordinator?.assign(partitions.map((partition) => ({ topic: this.#kafka.topic, partition })))
  }

  read({ partition }: PartitionRef, fromOffset: number): void {
    this.positions.set(partition, fromOffset)
    this.paused.delete(partition)
    this.deliver()
  }

  pause({ partition }: PartitionRef): void {
    this.said.push(`pause ${partition}`)
    this.paused.add(partition)
  }

  resume({ partition }: PartitionRef): void {
    this.said.push(`resume ${partition}`)
    this.paused.delete(partition)
    this.deliver()
  }

  async bounds(): Promise<ReadonlyMap<number, { earliest: number; latest: number }>> {
    return new Map(
      this.#kafka.partitions.map((log, at) => [at, { earliest: log[0]?.offset ?? 0, latest: this.#kafka.end(at) }]),
    )
  }

  async offsetsAt(): Promise<ReadonlyMap<number, number>> {
    return new Map(this.#kafka.partitions.map((_, at) => [at, this.#kafka.end(at)]))
  }

  async incarnation(): Promise<string> {
    return ''
  }

  async confirm(): Promise<boolean> {
    return true
  }

  async reportProgress(progress: ReadonlyMap<PartitionRef, number>): Promise<void> {
    for (const [{ partition }, offset] of progress) this.reported.set(partition, offset)
  }

  /** Soon, as a fetch would: never within the call. */
  deliver(): void {
    if (this.#due) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      this.#fetch()
    })
  }

  #fetch(): void {
    for (const [partition, position] of this.positions) {
      if (this.paused.has(partition)) continue
      const log = this.#kafka.partitions[partition] ?? []
      const records = log.filter((record) => record.offset >= position).slice(0, this.batchMax)
      const last = records.at(-1)
      if (!last) continue
      this.positions.set(partition, last.offset + 1)
      const fetched = { records, nextOffset: last.offset + 1, missing: [] }
      this.coordinator?.receive({ topic: this.#kafka.topic, partition }, fetched)
      this.deliver()
    }
  }
}
