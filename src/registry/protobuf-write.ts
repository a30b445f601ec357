/** A value as a Protobuf message of a type; what the type cannot say is refused by its place, never bent. */
import Long from 'long'
import protobuf from 'protobufjs'
import { toBytes } from '../envelope/formats/bytes.ts'
import { unwritable } from '../envelope/formats/text.ts'
import type { Json } from '../envelope/json.ts'
import { isWrapper, writeKnown } from './protobuf-known.ts'

/** `path`: where the value stands in the whole. Throws `EngineError` `value_not_writable`. */
export function toMessage(type: protobuf.Type, value: Json, path: string): Record<string, unknown> {
  const known = writeKnown(type.fullName, value, path)
  if (known !== undefined) return known as Record<string, unknown>
  const given = isWrapper(type.fullName) ? { value } : value
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw misfit(path, `message ${type.name}`)
  const message: Record<string, unknown> = {}
  for (const [name, each] of Object.entries(given)) {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined
    const place = path === '' ? name : `${path}.${name}`
    if (field === undefined) throw unwritable('Protobuf', `${place}, which message ${type.name} does not have`)
    if (each !== null) message[name] = fieldFrom(field.resolve(), each, place)
  }
  return message
}

function fieldFrom(field: protobuf.Field, value: Json, path: string): unknown {
  if (field instanceof protobuf.MapField) return mapFrom(field, value, path)
  if (!field.repeated) return single(field, value, path)
  if (!Array.isArray(value)) throw misfit(path, 'a list')
  return value.map((each, at) => single(field, each, `${path}[${at}]`))
}

function mapFrom(field: protobuf.MapField, value: Json, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw misfit(path, 'an object')
  const of = field as unknown as protobuf.Field
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, single(of, each, `${path}.${key}`)]))
}

function single(field: protobuf.Field, value: Json, path: string): unknown {
  const { resolvedType, type } = field
  if (resolvedType instanceof protobuf.Type) return toMessage(resolvedType, value, path)
  if (resolvedType instanceof protobuf.Enum) return enumFrom(resolvedType, value, path)
  const integer = integers[type]
  if (integer !== undefined) return integerFrom(value, integer, path, type)
  if (type === 'bytes') return toBytes(value) ?? thrown(misfit(path, 'bytes, as { base64 }'))
  const wanted = type === 'string' ? 'string' : type === 'bool' ? 'boolean' : 'number'
  return typeof value === wanted ? value : thrown(misfit(path, type))
}

/** By its name, or by its number where that has none. */
function enumFrom({ name, values }: protobuf.Enum, value: Json, path: string): number {
  if (typeof value === 'string' && Object.hasOwn(values, value)) return values[value] as number
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw misfit(path, `one of enum ${name}`)
}

const integers: Readonly<Record<string, readonly [bigint, bigint]>> = Object.fromEntries(
  [32n, 64n].flatMap((bits) => {
    const signed = [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] as const
    const unsigned = [0n, 2n ** bits - 1n] as const
    const names = (kinds: readonly string[], range: readonly [bigint, bigint]) =>
      kinds.map((kind) => [`${kind}${bits}`, range] as const)
    return [...names(['int', 'sint', 'sfixed'], signed), ...names(['uint', 'fixed'], unsigned)]
  }),
)

function integerFrom(value: Json, [least, most]: readonly [bigint, bigint], path: string, type: string): unknown {
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  if (!isInteger || BigInt(value) < least || BigInt(value) > most) throw misfit(path, type)
  if (most < 2n ** 32n) return Number(value)
  return Long.fromString(String(value), least === 0n)
}

function misfit(path: string, wanted: string): Error {
  return unwritable('Protobuf', `${path || 'the value'}: its schema wants ${wanted}`)
}

function thrown(error: Error): never {
  throw error
}
