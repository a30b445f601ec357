/** The partitions that the group has given us, and where we stand in each. */
import type { Claim } from './assignment.ts'
import { nameOf, type Partition, type Place } from './partition.ts'

export class Places {
  readonly #places = new Map<string, Place>()
  #generation = 0
  #assignments = 0

  all(): Place[] {
    return [...this.#places.values()]
  }

  of(partition: Partition): Place | undefined {
    return this.#places.get(nameOf(partition))
  }

  /** Those we keep stay as they are. */
  assign(partitions: readonly Partition[], generation: number): void {
    this.#generation = generation
    const since = ++this.#assignments
    const names = new Set(partitions.map(nameOf))
    for (const name of this.#places.keys()) if (!names.has(name)) this.#places.delete(name)
    const nowMs = performance.now()
    const fresh = { position: null, paused: false, doubt: null, since, seenMs: nowMs, dueMs: nowMs }
    for (const { topic, partition } of partitions) {
      const name = nameOf({ topic, partition })
      if (!this.#places.has(name)) this.#places.set(name, { topic, partition, ...fresh })
    }
  }

  /** What we tell the group when it shares out anew. */
  claim(): Claim {
    const held = this.all().map(({ topic, partition, since }) => ({ topic, partition, since }))
    return { generation: this.#generation, held }
  }
}
