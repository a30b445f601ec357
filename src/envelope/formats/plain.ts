/** What a parser gave -> the engine's one internal value: nothing of its own kinds is left, and nothing is rounded. */
import { EngineError } from '../../base/error.ts'
import { depthMax, type Json } from '../json.ts'
import { plainInteger, plainNumber } from '../number.ts'
import { fromBytes } from './bytes.ts'

/**
 * Bytes become `{ base64 }`, dates RFC 3339 texts, maps objects; integers beyond 2^53 bigints. Throws `EngineError`
 * `value_unstorable` for what the internal value cannot say, naming where it is.
 */
export function plain(value: unknown): Json {
  return convert(value, [])
}

function convert(value: unknown, path: (string | number)[]): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Number.isFinite(value)) return plainNumber(value)
      throw unstorable(path, `${value}, which no JSON can say`)
    case 'bigint':
      return integer(value, path)
    case 'undefined':
      return null
    default:
      return value === null ? null : ofObject(value as object, path)
  }
}

/** As for literals: see `number.ts`. */
const integerMax = 10n ** 1000n

function integer(value: bigint, path: readonly (string | number)[]): Json {
  if (value >= integerMax || value <= -integerMax) throw unstorable(path, 'an integer of more than 1000 digits')
  return plainInteger(value)
}

function ofObject(value: object, path: (string | number)[]): Json {
  if (value instanceof Uint8Array) return fromBytes(value)
  if (path.length >= depthMax) throw unstorable([], `a value that nests deeper than ${depthMax} levels`)
  if (Array.isArray(value)) return value.map((item, place) => at(path, place, item))
  const entries = value instanceof Map ? value : Object.entries(value)
  const object: { [name: string]: Json } = {}
  for (const [key, item] of entries) {
    const name = nameOf(key, path)
    if (Object.hasOwn(object, name)) throw unstorable(path, `the name ${JSON.stringify(name)} twice`)
    put(object, name, at(path, name, item))
  }
  return object
}

function at(path: (string | number)[], segment: string | number, value: unknown): Json {
  path.push(segment)
  const converted = convert(value, path)
  path.pop()
  return converted
}

/** MessagePack and CBOR have maps whose keys are numbers. */
function nameOf(key: unknown, path: readonly (string | number)[]): string {
  if (typeof key === 'string') return key
  if (typeof key === 'number' || typeof key === 'bigint') return String(key)
  throw unstorable(path, 'a map whose keys are neither texts nor numbers')
}

/** A field may be called `__proto__`; defining it, instead of assigning, keeps it a mere field. */
export function put(object: { [name: string]: Json }, name: string, value: Json): void {
  if (name !== '__proto__') object[name] = value
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}

function unstorable(path: readonly (string | number)[], what: string): EngineError {
  const where = path.length === 0 ? '' : ` at ${whereOf(path)}`
  return new EngineError('value_unstorable', `the value holds ${what}${where}`)
}

/** `items[2].price`, as messages name a place in a value. */
export function whereOf(path: readonly (string | number)[]): string {
  return path
    .map((part, place) => (typeof part === 'number' ? `[${part}]` : `${place === 0 ? '' : '.'}${part}`))
    .join('')
    .slice(0, 200)
}
