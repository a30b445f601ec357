import type { Auth } from './auth.ts'
import type { HttpPart } from './http.ts'
import type { Json } from './json.ts'
import type { Secrets } from './secrets.ts'

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
  /** Who was authenticated; never a credential. Null: its workflow asks for nobody. */
  readonly auth: Auth | null
  readonly data: Json
  /** Fields that its workflow keeps secret: `meta` and `data` have `[secret]` in their places. Without it, there are none. */
  readonly secrets?: Secrets
  /** Of an HTTP request; not there for what came by Kafka alone, of which expressions read null. */
  readonly http?: HttpPart
}
