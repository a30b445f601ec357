/**
 * Arrays in Postgres' binary form, one column each: what pg sends as text costs the coordinator and the server more
 * than the rest of a commit. Layout: https://www.postgresql.org/docs/current/protocol-overview.html and array_recv.
 * A column is written straight from its rows, into a place that all columns share, and leaves with bytes of its own.
 */

type Nullable<T> = T | null
type Of<Row, T> = (row: Row) => Nullable<T>

export const int2 = (values: readonly Nullable<number>[]) => int2Of(values, itself)
export const int4 = (values: readonly Nullable<number>[]) => int4Of(values, itself)
export const int8 = (values: readonly Nullable<number>[]) => int8Of(values, itself)
/** From µs since 1970. */
export const timestamptz = (values: readonly Nullable<number>[]) => timestamptzOf(values, itself)
export const uuid = (values: readonly Nullable<string>[]) => uuidOf(values, itself)
export const text = (values: readonly Nullable<string>[]) => textOf(values, itself)
export const bytea = (values: readonly Nullable<Buffer>[]) => byteaOf(values, itself)

export function int2Of<Row>(rows: readonly Row[], of: Of<Row, number>): Buffer {
  return integers(21, 2, 0, rows, of)
}

export function int4Of<Row>(rows: readonly Row[], of: Of<Row, number>): Buffer {
  return integers(23, 4, 0, rows, of)
}

export function int8Of<Row>(rows: readonly Row[], of: Of<Row, number>): Buffer {
  return integers(20, 8, 0, rows, of)
}

/** From µs since 1970; Postgres counts from 2000. */
export function timestamptzOf<Row>(rows: readonly Row[], of: Of<Row, number>): Buffer {
  return integers(1184, 8, epoch2000Us, rows, of)
}

/** Beyond what a number holds exactly. */
export function bigintOf<Row>(rows: readonly Row[], of: Of<Row, bigint>): Buffer {
  begin(rows.length, 12)
  for (const row of rows) {
    const value = of(row)
    if (value === null) {
      writeNull()
      continue
    }
    view.setInt32(at, 8)
    view.setBigInt64(at + 4, value)
    at += 12
  }
  return end(20, rows.length)
}

export function boolOf<Row>(rows: readonly Row[], of: Of<Row, boolean>): Buffer {
  begin(rows.length, 5)
  for (const row of rows) {
    const value = of(row)
    if (value === null) {
      writeNull()
      continue
    }
    view.setInt32(at, 1)
    view.setUint8(at + 4, value ? 1 : 0)
    at += 5
  }
  return end(16, rows.length)
}

export function uuidOf<Row>(rows: readonly Row[], of: Of<Row, string>): Buffer {
  begin(rows.length, 20)
  for (const row of rows) {
    const value = of(row)
    if (value === null) writeNull()
    else writeUuid(value)
  }
  return end(2950, rows.length)
}

export function textOf<Row>(rows: readonly Row[], of: Of<Row, string>): Buffer {
  begin(rows.length, 4)
  for (const row of rows) {
    const value = of(row)
    if (value === null) writeNull()
    else writeText(value)
  }
  return end(25, rows.length)
}

export function byteaOf<Row>(rows: readonly Row[], of: Of<Row, Buffer>): Buffer {
  begin(rows.length, 4)
  for (const row of rows) {
    const value = of(row)
    if (value === null) writeNull()
    else writeBytes(value)
  }
  return end(17, rows.length)
}

const epoch2000Us = 946_684_800_000_000
const headerBytes = 20

/** Where columns are written; it grows with the largest of them, and more than this of it is not kept. */
const keptBytesMax = 4 * 1024 * 1024
let place = Buffer.allocUnsafeSlow(64 * 1024)
let view = new DataView(place.buffer, place.byteOffset, place.length)
let at = 0
let nulls = 0

/** `cellBytes`: of each value at least, so that cells of a fixed size need no further look. */
function begin(length: number, cellBytes: number): void {
  at = 0
  nulls = 0
  ensure(headerBytes + length * cellBytes)
  at = headerBytes
}

function end(oid: number, length: number): Buffer {
  if (length === 0) return empty(oid)
  view.setInt32(0, 1)
  view.setInt32(4, nulls > 0 ? 1 : 0)
  view.setInt32(8, oid)
  view.setInt32(12, length)
  view.setInt32(16, 1)
  const column = Buffer.from(place.subarray(0, at))
  if (place.length > keptBytesMax) resize(keptBytesMax)
  return column
}

function empty(oid: number): Buffer {
  const buffer = Buffer.alloc(12)
  buffer.writeInt32BE(oid, 8)
  return buffer
}

function integers<Row>(oid: number, size: 2 | 4 | 8, bias: number, rows: readonly Row[], of: Of<Row, number>): Buffer {
  begin(rows.length, 4 + size)
  for (const row of rows) {
    const value = of(row)
    if (value === null) {
      writeNull()
      continue
    }
    view.setInt32(at, size)
    if (size === 8) writeInt8(value - bias)
    else if (size === 4) view.setInt32(at + 4, value)
    else view.setInt16(at + 4, value)
    at += 4 + size
  }
  return end(oid, rows.length)
}

function writeNull(): void {
  ensure(at)
  view.setInt32(at, -1)
  at += 4
  nulls++
}

function writeInt8(value: number): void {
  view.setInt32(at + 4, Math.floor(value / 2 ** 32))
  view.setUint32(at + 8, value >>> 0)
}

/** `01234567-89ab-cdef-…`, as Postgres and we write it. */
function writeUuid(value: string): void {
  view.setInt32(at, 16)
  at += 4
  for (let from = 0; from < 36; from += 2) {
    if (value.charCodeAt(from) === dash) from++
    place[at++] = ((digitOf[value.charCodeAt(from)] as number) << 4) | (digitOf[value.charCodeAt(from + 1)] as number)
  }
}

const dash = 0x2d
const digitOf = new Uint8Array(128)
for (const [digit, letter] of [...'0123456789abcdef'].entries()) digitOf[letter.charCodeAt(0)] = digit
for (const [digit, letter] of [...'ABCDEF'].entries()) digitOf[letter.charCodeAt(0)] = 10 + digit

/** A short text is mostly ASCII, and quicker written here than given to the platform. */
const shortChars = 48

function writeText(value: string): void {
  ensure(at + 4 + value.length * 3)
  const from = at + 4
  if (value.length > shortChars || !writeAscii(value, from)) at = from + place.write(value, from, 'utf8')
  view.setInt32(from - 4, at - from)
}

function writeAscii(value: string, from: number): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code > 0x7f) return false
    place[from + index] = code
  }
  at = from + value.length
  return true
}

function writeBytes(value: Buffer): void {
  ensure(at + 4 + value.length)
  view.setInt32(at, value.length)
  value.copy(place, at + 4)
  at += 4 + value.length
}

/** Room for so many bytes in all, and for the length of one more value. */
function ensure(bytes: number): void {
  if (bytes + 4 > place.length) resize(Math.max(bytes + 4, place.length * 2))
}

function resize(bytes: number): void {
  const before = place
  place = Buffer.allocUnsafeSlow(bytes)
  view = new DataView(place.buffer, place.byteOffset, place.length)
  before.copy(place, 0, 0, Math.min(at, bytes))
}

function itself<T>(value: T): T {
  return value
}
