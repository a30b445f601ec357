/**
 * Arrays in Postgres' binary form that are filled in place and used again: the length before each element of a fixed
 * size is written once, when the buffer is made.
 */
const headerBytes = 20
const epoch2000Us = 946_684_800_000_000

export class Fixed {
  readonly #size: number
  readonly #buffer: Buffer
  readonly #view: DataView
  #at = headerBytes

  constructor(oid: number, size: number, rowsMax: number) {
    this.#size = size
    this.#buffer = Buffer.alloc(headerBytes + rowsMax * (4 + size))
    this.#view = viewOf(this.#buffer, oid)
    for (let at = headerBytes; at < this.#buffer.length; at += 4 + size) this.#view.setInt32(at, size)
  }

  int2(value: number): void {
    this.#view.setInt16(this.#at + 4, value)
    this.#at += 6
  }

  int8(high: number, low: number): void {
    this.#view.setInt32(this.#at + 4, high)
    this.#view.setInt32(this.#at + 8, low)
    this.#at += 12
  }

  number(value: number): void {
    this.int8(Math.floor(value / 4_294_967_296), value)
  }

  /** µs since 1970. */
  stamp(us: number): void {
    this.number(us - epoch2000Us)
  }

  /** All that was written, until the next write; the column is empty then. */
  take(): Buffer {
    this.#view.setInt32(12, (this.#at - headerBytes) / (4 + this.#size))
    const taken = this.#buffer.subarray(0, this.#at)
    this.#at = headerBytes
    return taken
  }
}

export class Text {
  #buffer: Buffer
  #view: DataView
  #at = headerBytes
  #rows = 0

  constructor(bytes: number) {
    this.#buffer = Buffer.alloc(headerBytes + bytes)
    this.#view = viewOf(this.#buffer, 25)
  }

  /** `from[start, end)` as it is. */
  bytes(from: Uint8Array, start: number, end: number): void {
    const size = end - start
    if (this.#at + 4 + size > this.#buffer.length) this.#grow(size)
    this.#view.setInt32(this.#at, size)
    copy(from, start, end, this.#buffer, this.#at + 4)
    this.#at += 4 + size
    this.#rows++
  }

  take(): Buffer {
    this.#view.setInt32(12, this.#rows)
    const taken = this.#buffer.subarray(0, this.#at)
    this.#at = headerBytes
    this.#rows = 0
    return taken
  }

  #grow(size: number): void {
    const larger = Buffer.alloc((this.#buffer.length + size) * 2)
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.length)
  }
}

/** A call into the runtime costs more than a few bytes. */
const inlineBytesMax = 48

export function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > inlineBytesMax) to.set(from.subarray(start, end), at)
  else for (let index = start; index < end; index++) to[at++] = from[index] as number
}

function viewOf(buffer: Buffer, oid: number): DataView {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  view.setInt32(0, 1)
  view.setInt32(8, oid)
  view.setInt32(16, 1)
  return view
}
