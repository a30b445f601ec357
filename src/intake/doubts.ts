/**
 * Partitions where Kafka's answer did not fit our position, or that were not watched for a while: not read until Kafka's
 * bounds say how it stands.
 */
import { publish } from '../telemetry/channels.ts'
import { type Fetched, isRead, nameOf, type Partition, type Place } from './partition.ts'
import type { Places } from './places.ts'
import { unwatchedMsMax } from './settings.ts'
import type { Bounds } from './topics.ts'

export interface DoubtsParts {
  readonly places: Places
  readonly consumer: {
    seek(partition: Partition, offset: number): void
    pause(partition: Partition): void
    resume(partition: Partition): void
  }
  bounds(topic: string): Promise<ReadonlyMap<number, Bounds>>
  /** There is something to settle. */
  onDoubt(): void
  deliver(partition: Partition, fetched: Fetched): void
}

export class Doubts {
  readonly #parts: DoubtsParts

  constructor(parts: DoubtsParts) {
    this.#parts = parts
  }

  all(): Place[] {
    return this.#parts.places.all().filter((place) => place.doubted)
  }

  add(place: Place): void {
    if (place.position === null || place.doubted) return
    place.doubted = true
    this.#parts.consumer.pause(place)
    this.#parts.onDoubt()
  }

  addIfUnwatched(place: Place): void {
    if (performance.now() - place.seenMs > unwatchedMsMax) this.add(place)
  }

  /** The topics' ids have been looked at. Throws `EngineError` `kafka_outage`; what is doubted stays so. */
  async settle(topics: { has(topic: string): boolean }): Promise<void> {
    for (const topic of new Set(this.all().map((place) => place.topic))) {
      if (!topics.has(topic)) continue
      const bounds = await this.#parts.bounds(topic)
      for (const place of this.all()) {
        const found = bounds.get(place.partition)
        if (place.topic === topic && found) this.#settle(place, place.position ?? 0, found)
      }
    }
  }

  /** Until somebody says anew where to read. */
  hold(place: Place): void {
    place.position = null
    place.doubted = false
    this.#parts.consumer.pause(place)
  }

  #settle(place: Place, position: number, { earliest, latest }: Bounds): void {
    if (latest < position) {
      this.hold(place)
      tellRegressed(place, latest, position)
      return
    }
    place.doubted = false
    place.seenMs = performance.now()
    if (place.paused) return
    if (earliest > position) this.#passGap(place, position, earliest)
    if (!isRead(place)) return
    this.#parts.consumer.seek(place, place.position)
    this.#parts.consumer.resume(place)
  }

  #passGap(place: Place, fromOffset: number, earliest: number): void {
    const { topic, partition } = place
    const toOffset = earliest - 1
    place.position = earliest
    const missing = [{ fromOffset, toOffset, reason: 'retention' as const }]
    this.#parts.deliver({ topic, partition }, { records: [], nextOffset: earliest, missing })
  }
}

function tellRegressed(place: Place, latest: number, position: number): void {
  const message =
    `${nameOf(place)} ends at offset ${latest}, before the place it was read to (${position}), though the topic is ` +
    'the same: its brokers have lost records; the partition is not read any more'
  publish('notice', { level: 'error', message, code: 'offsets_regressed' })
}
