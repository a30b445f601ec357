/** In which format a value is written, and what turns it into the engine's one internal value and back. */
import type { Json } from './json.ts'

/**
 * What a workflow says of a topic's values. `avro` with a schema is a bare Avro datum; without one, and for `protobuf` and
 * `json-schema`, the value is in the registry's wire format (magic byte 0, schema id, datum) and its schema must be of that kind.
 */
export type FormatSpec =
  | { readonly kind: PlainFormat }
  | { readonly kind: 'csv'; readonly columns: readonly string[] | null; readonly delimiter: string }
  | { readonly kind: 'avro'; readonly schema: string | null; readonly subject?: SubjectSpec }
  | { readonly kind: 'protobuf' | 'json-schema'; readonly subject?: SubjectSpec }

/** With which of a registry's schemas a message is written. */
export interface SubjectSpec {
  /** Null: that of the message's topic, as other clients call it: `TOPIC-value`. */
  readonly name: string | null
  readonly version: number | 'latest'
  /** Of a Protobuf schema with several messages: which; null: its first. */
  readonly message: string | null
}

export type PlainFormat = 'json' | 'json5' | 'yaml' | 'xml' | 'form' | 'msgpack' | 'cbor' | 'raw'

/** Reads one kind of bytes at once. Throws `EngineError` whose code and sentence become the dead letter's. */
export interface Format {
  /** Media types, without parameters, that mean it. */
  readonly mediaTypes: readonly string[]
  decode(bytes: Buffer): Json
  /** Throws `EngineError` `value_not_writable` for what the format cannot say. */
  encode(value: Json): Buffer
}

/** Its schema is a registry's, and stands in the value by its number. */
export function isOfRegistry(format: FormatSpec): boolean {
  if (format.kind === 'avro') return format.schema === null
  return format.kind === 'protobuf' || format.kind === 'json-schema'
}
