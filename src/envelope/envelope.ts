import type { HttpPart } from './http.ts'
import type { Json } from './json.ts'

/** One consumed event as the engine sees it, whatever format it came in. */
export interface Envelope {
  /** The CloudEvents id where there is one, else the record's key and position. */
  readonly id: string
  /** CloudEvents type and source, or null for a plain record. */
  readonly type: string | null
  readonly source: string | null
  /** When the event happened by its producer's word: CloudEvents time, else the record's timestamp. RFC 3339, UTC. */
  readonly time: string
  /** The record's key as text, or null. */
  readonly key: string | null
  /** Headers that are neither CloudEvents attributes nor credentials; names in lower case. */
  readonly meta: Readonly<Record<string, string>>
  /** Headers that carry credentials (`authorization`, `x-api-key`, …); names in lower case. Sealed at rest. */
  readonly auth: Readonly<Record<string, string>>
  readonly data: Json
  /** Of an HTTP request; not there for what came by Kafka alone, of which expressions read null. */
  readonly http?: HttpPart
}
