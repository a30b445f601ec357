/**
 * Values in Postgres' binary form, each behind its length, in one place that grows with the largest array and is used again:
 * what is written leaves it with bytes of its own. A value makes its own room.
 */

/** More than this of the place is not kept. */
const keptBytesMax = 4 * 1024 * 1024
let place = Buffer.allocUnsafeSlow(64 * 1024)
let view = new DataView(place.buffer, place.byteOffset, place.length)
let at = 0
let nulls = 0

const headerBytes = 20

export function beginArray(): void {
  at = headerBytes
  nulls = 0
}

/** Layout: array_recv. `oid`: of its elements. */
export function endArray(oid: number, length: number): Buffer {
  if (length === 0) return empty(oid)
  view.setInt32(0, 1)
  view.setInt32(4, nulls > 0 ? 1 : 0)
  view.setInt32(8, oid)
  view.setInt32(12, length)
  view.setInt32(16, 1)
  const array = Buffer.from(place.subarray(0, at))
  if (place.length > keptBytesMax) resize(keptBytesMax)
  return array
}

function empty(oid: number): Buffer {
  const buffer = Buffer.alloc(12)
  buffer.writeInt32BE(oid, 8)
  return buffer
}

/** A row of so many columns, each behind its type (record_recv). Answers where it begins, for `endRow`. */
export function beginRow(columns: number): number {
  ensure(8)
  view.setInt32(at + 4, columns)
  at += 8
  return at
}

export function endRow(begin: number): void {
  view.setInt32(begin - 8, at - begin + 4)
}

/** The type of the column that follows, with room for it where it is of a fixed size. */
export function type(oid: number): void {
  if (at + 24 > place.length) ensure(24)
  view.setInt32(at, oid)
  at += 4
}

export function none(): void {
  ensure(4)
  view.setInt32(at, -1)
  at += 4
  nulls++
}

export function bool(value: boolean): void {
  ensure(5)
  view.setInt32(at, 1)
  view.setUint8(at + 4, value ? 1 : 0)
  at += 5
}

export function int2(value: number): void {
  ensure(6)
  view.setInt32(at, 2)
  view.setInt16(at + 4, value)
  at += 6
}

export function int4(value: number): void {
  ensure(8)
  view.setInt32(at, 4)
  view.setInt32(at + 4, value)
  at += 8
}

export function int8(value: number): void {
  ensure(12)
  view.setInt32(at, 8)
  view.setInt32(at + 4, Math.floor(value / 2 ** 32))
  view.setUint32(at + 8, value >>> 0)
  at += 12
}

/** Beyond what a number holds exactly. */
export function bigint(value: bigint): void {
  ensure(12)
  view.setInt32(at, 8)
  view.setBigInt64(at + 4, value)
  at += 12
}

const epoch2000Us = 946_684_800_000_000

/** From µs since 1970; Postgres counts from 2000. */
export function timestamptz(value: number): void {
  int8(value - epoch2000Us)
}

/** `01234567-89ab-cdef-…`, as Postgres and we write it. */
export function uuid(value: string): void {
  ensure(20)
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

export function text(value: string): void {
  ensure(4 + value.length * 3)
  const from = at + 4
  if (value.length > shortChars || !ascii(value, from)) at = from + place.write(value, from, 'utf8')
  view.setInt32(from - 4, at - from)
}

function ascii(value: string, from: number): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code > 0x7f) return false
    place[from + index] = code
  }
  at = from + value.length
  return true
}

export function bytea(value: Buffer): void {
  ensure(4 + value.length)
  view.setInt32(at, value.length)
  value.copy(place, at + 4)
  at += 4 + value.length
}

function ensure(bytes: number): void {
  if (at + bytes > place.length) resize(Math.max(at + bytes, place.length * 2))
}

function resize(bytes: number): void {
  const before = place
  place = Buffer.allocUnsafeSlow(bytes)
  view = new DataView(place.buffer, place.byteOffset, place.length)
  before.copy(place, 0, 0, Math.min(at, bytes))
}
