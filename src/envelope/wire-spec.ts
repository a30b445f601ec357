/**
 * A message that is to be written by a schema of a registry. It waits in the ledger as JSON, so that people can read it, with a header that
 * says how; it is written when it is published, since the registry may be away, and the header goes.
 */
import type { StoredHeaders } from './headers.ts'

export interface WireSpec {
  readonly kind: 'avro' | 'protobuf' | 'json-schema'
  /** Under which the registry has the schema. */
  readonly subject: string
  readonly version: number | 'latest'
  /** Of a Protobuf schema with several messages: which; null: its first. */
  readonly message: string | null
}

export const wireHeader = 'millrace-wire'

export function wireHeaderText(spec: WireSpec): string {
  return JSON.stringify(spec)
}

/** `headers`: JSON text. Null: it is published as it stands. */
export function takeWireSpec(headers: string): { readonly spec: WireSpec; readonly headers: string } | null {
  if (!headers.includes(`"${wireHeader}"`)) return null
  const { [wireHeader]: text, ...rest } = JSON.parse(headers) as StoredHeaders
  return typeof text === 'string' ? { spec: JSON.parse(text) as WireSpec, headers: JSON.stringify(rest) } : null
}
