/** A record as Kafka gave it. Offsets are numbers below 2^53; stamps are µs since 1970. */
export interface RawRecord {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RawHeader[]
  readonly timestampUs: number | null
  readonly fetchedUs: number
}

export interface RawHeader {
  readonly name: string
  readonly value: Buffer
}
