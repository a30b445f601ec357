/**
 * Knows a lane's low-water id: no open transaction that is not parked has a lower one. Opening the lane scans from
 * there, so the mark must follow open ids, and what stays open for minutes is parked in a table of its own.
 */

/** Ids admitted within this long of each other share a bucket. */
const bucketUs = 10_000_000
/** Open for longer than this, a transaction is parked. */
const parkAfterUs = 120_000_000

/** Parked by one commit: a lane that is opened may have a million behind a key, and each is a row. */
const parkedMax = 5000

export const lowestId = '00000000-0000-0000-0000-000000000000'
const highestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

interface Bucket {
  /** The lowest id that ever was in it: a bound, not the lowest that is. */
  lowId: string
  readonly open: Set<string>
}

export class Horizon {
  readonly #buckets = new Map<number, Bucket>()

  add(id: string, admittedUs: number): void {
    const number = Math.floor(admittedUs / bucketUs)
    const bucket = this.#buckets.get(number)
    if (bucket) {
      bucket.open.add(id)
      if (id < bucket.lowId) bucket.lowId = id
    } else this.#buckets.set(number, { lowId: id, open: new Set([id]) })
  }

  remove(id: string, admittedUs: number): void {
    const number = Math.floor(admittedUs / bucketUs)
    const bucket = this.#buckets.get(number)
    if (bucket?.open.delete(id) && bucket.open.size === 0) this.#buckets.delete(number)
  }

  lowId(): string {
    let low = highestId
    for (const bucket of this.#buckets.values()) if (bucket.lowId < low) low = bucket.lowId
    return low
  }

  /** Takes out what has been open for too long; it is to be written as parked in the same commit as the new mark. */
  park(nowUs: number): string[] {
    const last = Math.floor((nowUs - parkAfterUs) / bucketUs)
    const parked: string[] = []
    for (const [number, bucket] of this.#buckets) {
      if (number > last) continue
      for (const id of bucket.open) {
        if (parked.length === parkedMax) return parked
        parked.push(id)
        bucket.open.delete(id)
      }
      this.#buckets.delete(number)
    }
    return parked
  }
}
