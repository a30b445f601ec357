/**
 * A message that is to be written by a schema of a registry. It waits in the ledger as JSON, so that people can read it, with a header that
 * says how; it is written when it is published, since the registry may be away, and the header goes.
 */
import { EngineError } from '../base/error.ts'
import { reading } from './formats/text.ts'
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
  return typeof text === 'string' ? { spec: specOf(text), headers: JSON.stringify(rest) } : null
}

/** A process that runs an author's code may have written it itself. */
function specOf(text: string): WireSpec {
  const spec: unknown = reading('a message by a schema', () => JSON.parse(text))
  const { kind, subject, version, message = null } = (spec ?? {}) as Partial<WireSpec>
  const isKind = kind === 'avro' || kind === 'protobuf' || kind === 'json-schema'
  const isVersion = version === 'latest' || Number.isSafeInteger(version)
  const isMessage = message === null || typeof message === 'string'
  if (isKind && typeof subject === 'string' && isVersion && isMessage) {
    return { kind, subject, version: version as WireSpec['version'], message }
  }
  throw new EngineError(
    'value_not_writable',
    `its header ${wireHeader} does not say by which schema it is to be written`,
  )
}
