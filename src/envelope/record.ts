import type { EngineError } from '../base/error.ts'
import type { Auth } from './auth.ts'
import type { Json } from './json.ts'

/** A record as Kafka gave it. Offsets are numbers below 2^53; stamps are µs since 1970. */
export interface RawRecord {
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RawHeader[]
  readonly timestampUs: number | null
  readonly fetchedUs: number
  /** Of a dead letter that is read again: when it was sent first, as far as that is known. */
  readonly sentUs?: number
  /** What took time to find out about it, once it is known; until then its lane waits for it, if a workflow needs it. */
  prepared?: Prepared
}

/** What a record needs besides its bytes before it can be read, by version of the workflow that wants it. */
export interface Prepared {
  /** The value, where decoding it had to ask a registry; or why it could not be decoded. */
  readonly values: ReadonlyMap<string, Json | EngineError>
  /** Who sent it; or why it is refused (`unauthenticated`). */
  readonly auth: ReadonlyMap<string, Auth | EngineError>
}

export interface RawHeader {
  readonly name: string
  readonly value: Buffer
}

/** As of when it is to be believed. */
export function sentAtUs({ sentUs, timestampUs, fetchedUs }: RawRecord): number {
  return sentUs ?? timestampUs ?? fetchedUs
}
