/** A partition, and where this process stands in it. */
import type { RawRecord } from '../envelope/record.ts'

export interface Partition {
  readonly topic: string
  readonly partition: number
}

/** What one fetch covers: each offset from our position to `nextOffset` is a record or is missing. */
export interface Fetched {
  readonly records: readonly RawRecord[]
  /** The offset after the last one this fetch covers. */
  readonly nextOffset: number
  /** Offsets between our position and `nextOffset` that hold no record for us, and why, in order. */
  readonly missing: readonly Missing[]
}

export interface Missing {
  readonly fromOffset: number
  /** The last one, not the one after it. */
  readonly toOffset: number
  readonly reason: 'compacted' | 'aborted' | 'control' | 'retention'
}

/** A partition that the group has given us. */
export interface Place extends Partition {
  /** The next offset to be read; null before anybody has said where to read. */
  position: number | null
  /** By whoever reads. */
  paused: boolean
  /** Not read until it is settled. */
  doubt: Doubt | null
  /** Counts assignments: the higher, the later it became ours. */
  readonly since: number
  /** When it was last known to be the topic we mean: a fetch was answered. On the clock of `performance.now()`. */
  seenMs: number
  /** Since when a fetch is due, on the same clock. */
  dueMs: number
}

/** What is not sure: that the topic is still the same, or that Kafka has our offset. */
export interface Doubt {
  readonly about: 'topic' | 'offset'
}

export function isRead(place: Place): place is Place & { position: number } {
  return place.position !== null && !place.paused && place.doubt === null
}

export function nameOf(partition: Partition): string {
  return `${partition.topic}/${partition.partition}`
}
