/**
 * Arrays in Postgres' binary form, one column each: what pg sends as text costs the coordinator and the server more
 * than the rest of a commit. Layout: https://www.postgresql.org/docs/current/protocol-overview.html and array_recv.
 */

type Nullable<T> = T | null

export function int2(values: readonly Nullable<number>[]): Buffer {
  return fixed(21, 2, values, (buffer, value, at) => buffer.writeInt16BE(value, at))
}

export function int4(values: readonly Nullable<number>[]): Buffer {
  return fixed(23, 4, values, (buffer, value, at) => buffer.writeInt32BE(value, at))
}

export function int8(values: readonly Nullable<number>[]): Buffer {
  return fixed(20, 8, values, writeInt8)
}

/** From µs since 1970; Postgres counts from 2000. */
export function timestamptz(values: readonly Nullable<number>[]): Buffer {
  return fixed(1184, 8, values, (buffer, value, at) => writeInt8(buffer, value - epoch2000Us, at))
}

export function uuid(values: readonly Nullable<string>[]): Buffer {
  return fixed(2950, 16, values, (buffer, value, at) => void buffer.write(value.replaceAll('-', ''), at, 'hex'))
}

export function text(values: readonly Nullable<string>[]): Buffer {
  const sizes = values.map((value) => (value === null ? 0 : Buffer.byteLength(value)))
  return variable(25, values, sizes, (buffer, value, at) => void buffer.write(value, at, 'utf8'))
}

export function bytea(values: readonly Nullable<Buffer>[]): Buffer {
  const sizes = values.map((value) => value?.length ?? 0)
  return variable(17, values, sizes, (buffer, value, at) => void value.copy(buffer, at))
}

const epoch2000Us = 946_684_800_000_000
const headerBytes = 20

function fixed<T>(
  oid: number,
  size: number,
  values: readonly Nullable<T>[],
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer {
  if (values.length === 0) return empty(oid)
  const nulls = values.reduce((count, value) => count + (value === null ? 1 : 0), 0)
  const buffer = Buffer.allocUnsafe(headerBytes + values.length * 4 + (values.length - nulls) * size)
  let at = header(buffer, oid, values.length, nulls > 0)
  for (const value of values) {
    at = buffer.writeInt32BE(value === null ? -1 : size, at)
    if (value === null) continue
    write(buffer, value, at)
    at += size
  }
  return buffer
}

function variable<T>(
  oid: number,
  values: readonly Nullable<T>[],
  sizes: readonly number[],
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer {
  if (values.length === 0) return empty(oid)
  const buffer = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size + 4, headerBytes))
  let at = header(buffer, oid, values.length, values.includes(null))
  values.forEach((value, index) => {
    const size = sizes[index] as number
    at = buffer.writeInt32BE(value === null ? -1 : size, at)
    if (value === null) return
    write(buffer, value, at)
    at += size
  })
  return buffer
}

function empty(oid: number): Buffer {
  const buffer = Buffer.alloc(12)
  buffer.writeInt32BE(oid, 8)
  return buffer
}

function header(buffer: Buffer, oid: number, length: number, hasNull: boolean): number {
  buffer.writeInt32BE(1, 0)
  buffer.writeInt32BE(hasNull ? 1 : 0, 4)
  buffer.writeInt32BE(oid, 8)
  buffer.writeInt32BE(length, 12)
  return buffer.writeInt32BE(1, 16)
}

function writeInt8(buffer: Buffer, value: number, at: number): void {
  buffer.writeInt32BE(Math.floor(value / 2 ** 32), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}
