/**
 * Google's own message types, which stand for values of JSON.
 * Source: https://protobuf.dev/programming-guides/json/
 */
import { unreadable, unwritable } from '../envelope/formats/text.ts'
import { momentNanos, momentText } from '../envelope/formats/time.ts'
import type { Json } from '../envelope/json.ts'

type Message = Readonly<Record<string, unknown>>

const second = 1_000_000_000n

/** Undefined: it is none of them. */
export function readKnown(fullName: string, message: Message): unknown {
  const name = fullName.startsWith(prefix) ? fullName.slice(prefix.length) : ''
  if (name === 'Timestamp') return timestamp(message)
  if (name === 'Duration') return duration(message)
  if (wrappers.has(name)) return wrapped(message.value, name)
  if (name === 'Struct') return struct(message)
  if (name === 'ListValue') return list(message)
  return name === 'Value' ? value(message) : undefined
}

const prefix = '.google.protobuf.'

const wrappers: ReadonlySet<string> = new Set(
  ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map((each) => `${each}Value`),
)

function integer(value: unknown): bigint {
  return BigInt(String(value ?? 0))
}

function timestamp({ seconds, nanos }: Message): string {
  const text = momentText(integer(seconds) * second + integer(nanos))
  if (text === null) throw unreadable('Protobuf', 'it holds a time that no calendar has')
  return text
}

/** `3.5s`. */
function duration({ seconds, nanos }: Message): string {
  const all = integer(seconds) * second + integer(nanos)
  const size = all < 0n ? -all : all
  const fraction = String(size % second)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${all < 0n ? '-' : ''}${size / second}${fraction && `.${fraction}`}s`
}

function wrapped(value: unknown, name: string): unknown {
  if (name.includes('64')) return integer(value)
  if (name === 'StringValue') return value ?? ''
  if (name === 'BoolValue') return value ?? false
  return name === 'BytesValue' ? (value ?? Buffer.alloc(0)) : (value ?? 0)
}

function struct({ fields }: Message): unknown {
  const entries = Object.entries((fields ?? {}) as Message)
  return new Map(entries.map(([name, each]) => [name, value(each as Message)]))
}

function list({ values }: Message): unknown {
  return ((values ?? []) as readonly Message[]).map(value)
}

function value(message: Message): unknown {
  const has = (name: string) => Object.hasOwn(message, name) && message[name] !== null && message[name] !== undefined
  if (has('structValue')) return struct(message.structValue as Message)
  if (has('listValue')) return list(message.listValue as Message)
  const plain = ['numberValue', 'stringValue', 'boolValue'].find(has)
  return plain === undefined ? null : message[plain]
}

/** As a message of that type, undefined: it is none of them. Throws `EngineError` `value_not_writable`. */
export function writeKnown(fullName: string, given: Json, path: string): object | undefined {
  const name = fullName.startsWith(prefix) ? fullName.slice(prefix.length) : ''
  if (name === 'Timestamp') return parts(typeof given === 'string' ? momentNanos(given) : null, name, path)
  if (name === 'Duration') return parts(typeof given === 'string' ? durationNanos(given) : null, name, path)
  if (name === 'Struct') return { fields: fieldsOf(given, path) }
  if (name === 'ListValue') return listValue(given, path)
  return name === 'Value' ? valueFrom(given, path) : undefined
}

export function isWrapper(fullName: string): boolean {
  return fullName.startsWith(prefix) && wrappers.has(fullName.slice(prefix.length))
}

/** Nanoseconds are never negative, in a time; of a duration they have its sign. */
function parts(nanos: bigint | null, name: string, path: string): object {
  if (nanos === null) throw unwritable('Protobuf', `${path || 'the value'}: its schema wants a ${name}`)
  const rest = name === 'Timestamp' ? ((nanos % second) + second) % second : nanos % second
  return { seconds: String((nanos - rest) / second), nanos: Number(rest) }
}

function durationNanos(text: string): bigint | null {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text)
  if (!match) return null
  const [, sign, whole = '0', fraction = ''] = match
  const nanos = BigInt(whole) * second + BigInt(fraction.padEnd(9, '0'))
  return sign === '-' ? -nanos : nanos
}

function fieldsOf(given: Json, path: string): Record<string, object> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw unwritable('Protobuf', `${path || 'the value'}: its schema wants an object`)
  }
  return Object.fromEntries(Object.entries(given).map(([name, each]) => [name, valueFrom(each, `${path}.${name}`)]))
}

function listValue(given: Json, path: string): object {
  if (!Array.isArray(given)) throw unwritable('Protobuf', `${path || 'the value'}: its schema wants a list`)
  return { values: given.map((each, at) => valueFrom(each, `${path}[${at}]`)) }
}

function valueFrom(given: Json, path: string): object {
  if (given === null) return { nullValue: 0 }
  if (typeof given === 'string') return { stringValue: given }
  if (typeof given === 'boolean') return { boolValue: given }
  if (typeof given === 'number') return { numberValue: given }
  if (typeof given === 'bigint') throw unwritable('Protobuf', `${given} at ${path}, which no double says`)
  return Array.isArray(given)
    ? { listValue: listValue(given, path) }
    : { structValue: { fields: fieldsOf(given, path) } }
}
