/** What was fetched of a partition and is not folded yet, in order of offset: records, and ranges that hold none for us. */
import { Deque } from '../base/deque.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Fetched, MissingRange } from './ports.ts'

export type Arrival =
  | { readonly kind: 'record'; readonly record: RawRecord }
  | { readonly kind: 'missing'; readonly range: MissingRange }

export class Arrivals {
  readonly #waiting = new Deque<Arrival>()
  #bytes = 0
  #records = 0

  get size(): number {
    return this.#waiting.size
  }

  /** Records and bytes that wait to be read. */
  get waiting(): { readonly records: number; readonly bytes: number } {
    return { records: this.#records, bytes: this.#bytes }
  }

  /** Takes in what lies at `expected` or behind it; answers with the records that were there before. */
  push({ records, missing }: Fetched, expected: number): RawRecord[] {
    const known: RawRecord[] = []
    let next = 0
    for (const record of records) {
      while (next < missing.length && (missing[next] as MissingRange).fromOffset < record.offset) {
        this.#pushMissing(missing[next++] as MissingRange, expected)
      }
      if (record.offset < expected) known.push(record)
      else this.#pushRecord(record)
    }
    for (const range of missing.slice(next)) this.#pushMissing(range, expected)
    return known
  }

  first(): Arrival | undefined {
    return this.#waiting.first()
  }

  /** Records, oldest first, of so many arrivals at most. */
  front(most: number): RawRecord[] {
    return this.#waiting.peek(most).flatMap((arrival) => (arrival.kind === 'record' ? arrival.record : []))
  }

  shift(): void {
    const arrival = this.#waiting.shift()
    if (arrival?.kind !== 'record') return
    this.#bytes -= sizeOf(arrival.record)
    this.#records--
  }

  clear(): void {
    this.#waiting.clear()
    this.#bytes = 0
    this.#records = 0
  }

  #pushRecord(record: RawRecord): void {
    this.#waiting.push({ kind: 'record', record })
    this.#bytes += sizeOf(record)
    this.#records++
  }

  #pushMissing(range: MissingRange, expected: number): void {
    if (range.toOffset < expected) return
    const fromOffset = Math.max(range.fromOffset, expected)
    this.#waiting.push({ kind: 'missing', range: { ...range, fromOffset } })
  }
}

function sizeOf(record: RawRecord): number {
  return (record.value?.length ?? 0) + (record.key?.length ?? 0) + 100
}
