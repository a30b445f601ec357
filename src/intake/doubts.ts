/**
 * Partitions where Kafka's answer did not fit our position, or that were out of sight for a while: not read until the
 * topic's id has been looked at, and where need be Kafka's bounds.
 */
import { publish } from '../telemetry/channels.ts'
import { type Doubt, type Fetched, isRead, nameOf, type Partition, type Place } from './partition.ts'
import type { Places } from './places.ts'
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

  /** Each with what is doubted of it now. */
  all(): ReadonlyMap<Place, Doubt> {
    const doubted = new Map<Place, Doubt>()
    for (const place of this.#parts.places.all()) if (place.doubt) doubted.set(place, place.doubt)
    return doubted
  }

  /** A new doubt takes the place of an older one, for what was looked at in between says nothing of it. */
  add(place: Place, about: Doubt['about']): void {
    if (place.position === null) return
    place.doubt = { about: place.doubt?.about === 'offset' ? 'offset' : about }
    this.#parts.consumer.pause(place)
    this.#parts.onDoubt()
  }

  /**
   * The topics' ids have been looked at since these doubts were there. Throws `EngineError` `kafka_outage`; what is not
   * settled stays.
   */
  async settle(doubted: ReadonlyMap<Place, Doubt>, topics: { has(topic: string): boolean }): Promise<void> {
    const { places } = this.#parts
    const isOpen = (place: Place, doubt: Doubt) => places.of(place) === place && place.doubt === doubt
    const open = () => [...doubted].filter(([place, doubt]) => isOpen(place, doubt) && topics.has(place.topic))
    for (const [place, { about }] of open()) if (about === 'topic') this.#readOn(place)
    for (const topic of new Set(open().map(([place]) => place.topic))) {
      const bounds = await this.#parts.bounds(topic)
      for (const [place] of open()) {
        const found = bounds.get(place.partition)
        if (place.topic === topic && found) this.#compare(place, place.position ?? 0, found)
      }
    }
  }

  /** Until somebody says anew where to read. */
  hold(place: Place): void {
    place.position = null
    place.doubt = null
    this.#parts.consumer.pause(place)
  }

  #compare(place: Place, position: number, { earliest, latest }: Bounds): void {
    if (latest < position) {
      this.hold(place)
      tellRegressed(place, latest, position)
      return
    }
    place.doubt = null
    if (earliest > position && !place.paused) this.#passGap(place, position, earliest)
    if (place.doubt === null) this.#readOn(place)
  }

  #passGap(place: Place, fromOffset: number, earliest: number): void {
    const { topic, partition } = place
    const toOffset = earliest - 1
    place.position = earliest
    const missing = [{ fromOffset, toOffset, reason: 'retention' as const }]
    this.#parts.deliver({ topic, partition }, { records: [], nextOffset: earliest, missing })
  }

  #readOn(place: Place): void {
    place.doubt = null
    place.seenMs = performance.now()
    place.dueMs = place.seenMs
    if (place.position !== null) this.#parts.consumer.seek(place, place.position)
    if (isRead(place)) this.#parts.consumer.resume(place)
  }
}

function tellRegressed(place: Place, latest: number, position: number): void {
  const message =
    `${nameOf(place)} ends at offset ${latest}, before the place it was read to (${position}), though the topic is ` +
    'the same: its brokers have lost records; the partition is not read any more'
  publish('notice', { level: 'error', message, code: 'offsets_regressed' })
}
