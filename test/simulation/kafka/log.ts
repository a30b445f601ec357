/** One partition's log: offsets that hold a record, and offsets that never did or do no more, with the reason. */
import type { Fetched, MissingRange } from '../../../src/coordinator/ports.ts'
import type { RawRecord } from '../../../src/envelope/record.ts'

export type Hole = 'compacted' | 'aborted' | 'control'

/** `record` stays after compaction: what an offset once held is remembered, so that it can be judged. */
export interface Slot {
  readonly record: RawRecord | null
  hole: Hole | null
}

export class PartitionLog {
  readonly #slots: Slot[] = []
  /** The first offset that retention has left. */
  earliest = 0

  get latest(): number {
    return this.#slots.length
  }

  slot(offset: number): Slot | undefined {
    return this.#slots[offset]
  }

  append(record: Omit<RawRecord, 'offset' | 'fetchedUs'>): number {
    const offset = this.latest
    this.#slots.push({ record: { ...record, offset, fetchedUs: 0 }, hole: null })
    return offset
  }

  /** A transaction's marker, or a message of one that was aborted. */
  appendHole(hole: 'aborted' | 'control'): void {
    this.#slots.push({ record: null, hole })
  }

  compact(offset: number): void {
    const slot = this.#slots[offset]
    if (slot && slot.hole === null) slot.hole = 'compacted'
  }

  retain(from: number): void {
    this.earliest = Math.min(Math.max(this.earliest, from), this.latest)
  }

  /** The first offset at or after this time; the end where there is none. */
  offsetAt(timeMs: number): number {
    const found = this.#slots.findIndex(({ record }) => record !== null && (record.timestampUs ?? 0) >= timeMs * 1000)
    return found < 0 ? this.latest : Math.max(found, this.earliest)
  }

  /**
   * What one fetch gives from here on; null: there is nothing yet. `reasons` false: holes between
   * records are left for others to notice.
   */
  fetch(from: number, most: number, fetchedUs: number, reasons: boolean): Fetched | null {
    const start = Math.max(from, this.earliest)
    const end = Math.min(start + most, this.latest)
    if (end <= from) return null
    const records: RawRecord[] = []
    const missing: MissingRange[] = []
    if (start > from) missing.push({ fromOffset: from, toOffset: start - 1, reason: 'retention' })
    for (let offset = start; offset < end; offset++) {
      const { record, hole } = this.#slots[offset] as Slot
      if (hole === null && record !== null) records.push({ ...record, fetchedUs })
      else if (hole !== null) addTo(missing, offset, hole)
    }
    const last = records.at(-1)?.offset ?? -1
    return { records, nextOffset: end, missing: missing.filter((range) => reasons || range.fromOffset > last) }
  }
}

function addTo(missing: MissingRange[], offset: number, reason: Hole): void {
  const last = missing.at(-1)
  if (last && last.reason === reason && last.toOffset === offset - 1) {
    missing[missing.length - 1] = { ...last, toOffset: offset }
  } else missing.push({ fromOffset: offset, toOffset: offset, reason })
}
