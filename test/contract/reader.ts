/** A listener that remembers what an intake told it, and the faces of both. */
import assert from 'node:assert/strict'
import type { Fetched, Partition } from '../../src/intake/intake.ts'

/** What is tested. Every engine has one. */
export interface IntakeUnderTest {
  /** Ends the process's part in the group properly: the others take over at once. Twice is safe. */
  stop(): Promise<void>
  setTopics(topics: readonly string[]): Promise<void>
  read(partition: Partition, fromOffset: number): void
  pause(partition: Partition): void
  resume(partition: Partition): void
  confirm(): Promise<boolean>
  bounds(topic: string): Promise<ReadonlyMap<number, { readonly earliest: number; readonly latest: number }>>
  offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, number>>
  incarnation(topic: string): Promise<string>
}

export interface Listener {
  assigned(partitions: readonly Partition[]): void
  received(partition: Partition, fetched: Fetched): void
  recreated(topic: string, incarnation: string): void
}

/** One member, and all that it was told. */
export class Reader implements AsyncDisposable {
  readonly topic: string
  readonly recreated: string[] = []
  readonly #fetched: { partition: number; fetched: Fetched }[] = []
  intake!: IntakeUnderTest
  mine: readonly Partition[] = []
  onReceived: () => void = () => undefined
  onAssigned: () => void = () => undefined

  constructor(topic: string) {
    this.topic = topic
  }

  readonly listener: Listener = {
    assigned: (partitions) => {
      this.mine = partitions
      this.onAssigned()
    },
    received: ({ partition }, fetched) => {
      this.#fetched.push({ partition, fetched })
      this.onReceived()
    },
    recreated: (topic, incarnation) => this.recreated.push(`${topic} ${incarnation}`),
  }

  at(partition: number): Partition {
    return { topic: this.topic, partition }
  }

  records(partition: number) {
    return this.#of(partition).flatMap((fetched) => fetched.records)
  }

  values(partition: number): string[] {
    return this.records(partition).map((record) => String(record.value))
  }

  missing(partition: number): string[] {
    const ranges = this.#of(partition).flatMap((fetched) => fetched.missing)
    return ranges.flatMap((range) => offsetsOf(range).map((offset) => `${offset} ${range.reason}`))
  }

  /** Every offset that was told of, fetch by fetch, in order within each; what a fetch covers must be told. */
  told(partition: number): number[] {
    return this.#of(partition).flatMap(({ records, missing, nextOffset }) => {
      const offsets = [...records.map((record) => record.offset), ...missing.flatMap(offsetsOf)].sort((a, b) => a - b)
      assert.equal(offsets.at(-1), nextOffset - 1)
      return offsets
    })
  }

  #of(partition: number): Fetched[] {
    return this.#fetched.filter((each) => each.partition === partition).map((each) => each.fetched)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.intake.stop()
  }
}

function offsetsOf({ fromOffset, toOffset }: { fromOffset: number; toOffset: number }): number[] {
  return Array.from({ length: toOffset - fromOffset + 1 }, (_, at) => fromOffset + at)
}
