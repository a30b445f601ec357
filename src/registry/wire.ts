/**
 * The wire format of schema registries: a zero byte, the id of the schema in four bytes, what was written by it. Of Protobuf a path to the
 * message's type stands before that.
 * Source: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */
import { EngineError } from '../base/error.ts'

export const magic = 0
const headBytes = 5

export interface Wired {
  readonly id: number
  readonly payload: Buffer
}

/** Throws `EngineError` `wire_format_broken`. */
export function unwire(value: Buffer): Wired {
  if (value[0] !== magic) {
    throw broken(value.length === 0 ? 'it is empty' : `it begins with byte ${value[0]}, not with 0`)
  }
  if (value.length < headBytes) throw broken(`it has ${value.length} bytes`)
  return { id: value.readUInt32BE(1), payload: value.subarray(headBytes) }
}

export function wire(id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, payload])
}

function broken(why: string): EngineError {
  const wanted = 'a zero byte, a schema id of four bytes, and a value'
  return new EngineError(
    'wire_format_broken',
    `the value is not in a registry's wire format: ${why}; expected ${wanted}`,
  )
}

/** Where in its schema a Protobuf message's type stands: among the outermost ones, then within that, and so on. */
export interface Typed {
  readonly path: readonly number[]
  readonly payload: Buffer
}

/** Types nest no deeper in any schema that people read. */
const depthMax = 32

/** Throws `EngineError` `wire_format_broken`. */
export function untype(bytes: Buffer): Typed {
  const reader = { bytes, at: 0 }
  const count = varint(reader)
  if (count === 0) return { path: [0], payload: bytes.subarray(reader.at) }
  if (count < 0 || count > depthMax) throw broken(`its path to a message type has ${count} parts`)
  const path = Array.from({ length: count }, () => varint(reader))
  return { path, payload: bytes.subarray(reader.at) }
}

export function typed(path: readonly number[], payload: Buffer): Buffer {
  const isFirst = path.length === 1 && path[0] === 0
  const head = isFirst ? [0] : [path.length, ...path].flatMap(varintBytes)
  return Buffer.concat([Buffer.from(head), payload])
}

/** Zigzag, as Avro writes its integers. */
function varint(reader: { readonly bytes: Buffer; at: number }): number {
  let value = 0
  for (let shift = 0; shift < 32; shift += 7) {
    const byte = reader.bytes[reader.at++]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  throw broken('its path to a message type is cut off')
}

function varintBytes(value: number): number[] {
  const bytes: number[] = []
  let rest = value * 2
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return [...bytes, rest]
}
