/** A Protobuf message as the engine's one internal value. */
import Long from 'long'
import protobuf from 'protobufjs'
import { readKnown } from './protobuf-known.ts'

type Message = Readonly<Record<string, unknown>>

/** 64-bit integers become bigints, bytes stay bytes: `plain` makes the rest of it. */
export function fromMessage(type: protobuf.Type, message: object): unknown {
  const known = readKnown(type.fullName, message as Message)
  if (known !== undefined) return known
  const object = new Map<string, unknown>()
  for (const field of type.fieldsArray) {
    const value = fieldOf(field.resolve(), message as Message)
    if (value !== undefined) object.set(field.name, value)
  }
  return object
}

/** Undefined: it is not there, and says so. */
function fieldOf(field: protobuf.Field, message: Message): unknown {
  const value = Object.hasOwn(message, field.name) ? message[field.name] : undefined
  if (field instanceof protobuf.MapField) return mapOf(field, (value ?? {}) as Message)
  if (field.repeated) return ((value ?? []) as readonly unknown[]).map((each) => single(field, each))
  if (value !== undefined && value !== null) return single(field, value)
  if (field.partOf !== null || field.resolvedType instanceof protobuf.Type) return undefined
  return single(field, field.typeDefault)
}

function single(field: protobuf.Field, value: unknown): unknown {
  const { resolvedType, type } = field
  if (resolvedType instanceof protobuf.Type) return fromMessage(resolvedType, value as object)
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[value as number] ?? value
  if (type === 'bytes') return Array.isArray(value) ? Buffer.from(value) : value
  return Long.isLong(value) ? BigInt(String(value)) : value
}

/** The library keeps 64-bit keys as eight characters. */
function mapOf(field: protobuf.MapField, entries: Message): unknown {
  const isLong = field.keyType in protobuf.types.long
  const isUnsigned = field.keyType.startsWith('u') || field.keyType.startsWith('fixed')
  const nameOf = (key: string) => (isLong ? String(protobuf.util.longFromHash(key, isUnsigned)) : key)
  const value = field as unknown as protobuf.Field
  return new Map(Object.entries(entries).map(([key, each]) => [nameOf(key), single(value, each)]))
}
