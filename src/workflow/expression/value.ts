/**
 * Values on their way into CEL and back. JSON has one kind of number, CEL has int and double, and the library tells
 * them apart as bigint and number: so a number without a fraction goes in as an int and comes back as a number, and
 * integers beyond 2^53 stay exact all the way.
 */
import { Optional } from '@marcbachmann/cel-js'
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator'
import type { Json } from '../../envelope/json.ts'

/** Maps become `Map`, which has no prototype that a field's name could meet (`constructor`, `__proto__`). */
export function toCel(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  return recent.get(value) ?? remember(value, convert(value))
}

/** Throws where a result has no JSON form. */
export function fromCel(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      return plainInteger(value)
    case 'number':
      if (Number.isFinite(value)) return value
      throw new Error(`the result is ${value}, a number that JSON cannot say`)
    default:
      return value === null ? null : fromObject(value as object)
  }
}

/** RFC 3339 to CEL's timestamp, which knows milliseconds; the text it came from is kept for the way back. */
export function toTimestamp(text: string, of = 'event'): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new Error(`${of}.time is "${text}", not an RFC 3339 time`)
  writtenAs.set(time, text)
  return time
}

/** RFC 3339 in UTC: as the envelope wrote it where it is the envelope's own time, else with milliseconds. */
export function timestampText(time: Date): string {
  return writtenAs.get(time) ?? time.toISOString()
}

/** Seconds with a fraction, as protobuf's JSON form has it: `5400s`, `-1.5s`. */
export function durationText(duration: Duration): string {
  const nanos = duration.seconds * 1_000_000_000n + BigInt(Math.trunc(duration.nanos))
  const size = nanos < 0n ? -nanos : nanos
  const fraction = String(size % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return `${nanos < 0n ? '-' : ''}${size / 1_000_000_000n}${fraction && `.${fraction}`}s`
}

/**
 * What was converted last: the expressions of one step read the same few objects one after the other. Bounded, so
 * that a converted copy does not live as long as its transaction.
 */
const recent = new Map<object, unknown>()
const recentMax = 16

function remember(value: object, converted: unknown): unknown {
  if (recent.size >= recentMax) recent.delete(recent.keys().next().value!)
  recent.set(value, converted)
  return converted
}

function convert(value: Json): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(convert)
  const map = new Map<string, unknown>()
  for (const name of Object.keys(value)) map.set(name, convert(value[name]!))
  return map
}

const writtenAs = new WeakMap<Date, string>()

function fromObject(value: object): Json {
  if (Array.isArray(value)) return value.map(fromCel)
  if (value instanceof Map) return fromEntries(value)
  if (value instanceof Date) return timestampText(value)
  if (value instanceof Duration) return durationText(value)
  if (value instanceof UnsignedInt) return plainInteger(value.value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Optional) return value.hasValue() ? fromCel(value.value()) : null
  if (Object.getPrototypeOf(value) === Object.prototype) return fromEntries(Object.entries(value))
  throw new Error('the result is a type, not a value')
}

/** A field may be called `__proto__`; defining it, instead of assigning, keeps it a mere field. */
function fromEntries(entries: Iterable<[unknown, unknown]>): Json {
  const object: { [name: string]: Json } = {}
  for (const [name, value] of entries) {
    if (name === '__proto__') define(object, name, fromCel(value))
    else object[String(name)] = fromCel(value)
  }
  return object
}

function define(object: object, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

function plainInteger(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
