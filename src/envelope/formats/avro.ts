/**
 * Avro with a schema that is known: a bare datum, as `on.kafka.format: { avro: { schema: click.avsc } }` reads it and a registry's
 * messages hold it. Longs stay exact, decimals become texts such as `12.30`, times RFC 3339 texts, bytes `{ base64 }`; of a
 * union the value alone, but `{ name: value }` where the value does not say which of them it is.
 */
import avro, { type Schema, type Type } from 'avsc'
import { EngineError, messageOf } from '../../base/error.ts'
import type { Format } from '../format.ts'
import type { Json } from '../json.ts'
import { logicalTypes } from './avro-logical.ts'
import { listType, longType, mapType, textType } from './avro-types.ts'
import { unionType } from './avro-union.ts'
import { toBytes } from './bytes.ts'
import { plain } from './plain.ts'
import { reading, unwritable } from './text.ts'

/** `schema`: its JSON text. Throws `EngineError` `schema_invalid`. */
export function avroFormat(schema: string): Format {
  const type = avroType(schema)
  return {
    mediaTypes: ['avro/binary', 'application/avro', 'application/vnd.apache.avro+binary'],
    decode: (bytes) => decodeAvro(type, bytes),
    encode: (value) => encodeAvro(type, value),
  }
}

/** Named types of `references` are known to it. Throws `EngineError` `schema_invalid`. */
export function avroType(schema: string, references: readonly string[] = []): Type {
  const registry = {}
  try {
    for (const each of references) typeOf(each, registry)
    return typeOf(schema, registry)
  } catch (cause) {
    throw new EngineError('schema_invalid', `the schema is no Avro schema: ${messageOf(cause)}`, { cause })
  }
}

export function decodeAvro(type: Type, bytes: Buffer): Json {
  return plain(reading('Avro', () => type.fromBuffer(bytes)))
}

export function encodeAvro(type: Type, value: Json): Buffer {
  const given = withBytes(value)
  refuseMisfit(type, given)
  try {
    return type.toBuffer(given)
  } catch (error) {
    throw unwritable('Avro', `this value by its schema: ${messageOf(error)}`)
  }
}

function typeOf(schema: string, registry: { [name: string]: Type }): Type {
  const parsed: Schema = JSON.parse(schema)
  return avro.Type.forSchema(parsed, { registry, logicalTypes, typeHook: hook as never })
}

/** The library's own lists, maps and texts trust what they read; its longs lose what is beyond 2^53. */
function hook(schema: unknown, options: object): Type | undefined {
  const kind = typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : schema
  if (kind === 'long') return hasMeaning(schema) ? undefined : longType
  if (kind === 'string') return hasMeaning(schema) ? undefined : textType
  if (Array.isArray(schema)) return unionType(schema, options)
  if (kind === 'array') return listType(schema as Schema, options)
  return kind === 'map' ? mapType(schema as Schema, options) : undefined
}

/** What is read by a logical type asks again for the type below it. */
function hasMeaning(schema: unknown): boolean {
  const name = (schema as { readonly logicalType?: unknown }).logicalType
  return typeof name === 'string' && Object.hasOwn(logicalTypes, name)
}

function withBytes(value: Json): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withBytes)
  return toBytes(value) ?? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withBytes(each)]))
}

function refuseMisfit(type: Type, value: unknown): void {
  type.isValid(value, {
    errorHook(path: readonly string[], part: unknown, wanted: Type) {
      const where = path.length === 0 ? 'the value' : path.join('.')
      throw unwritable('Avro', `${shown(part)} at ${where}: its schema wants ${named(wanted)}`)
    },
  })
}

function named(type: Type): string {
  const { types, typeName } = type as Type & { readonly types?: readonly Type[] }
  return types === undefined ? typeName.replace(/^.*:/, '') : `one of ${types.map(named).join(', ')}`
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value instanceof Uint8Array) return 'bytes'
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 40)
}
