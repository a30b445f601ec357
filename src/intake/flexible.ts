/**
 * The encoding of Kafka's newer ("flexible") requests, as far as we need it: lengths are varints and one more than they
 * say (zero is null), and every structure ends with tagged fields.
 */
export class FlexibleWriter {
  readonly #parts: Buffer[] = []

  bytes(value: Buffer): this {
    this.#parts.push(value)
    return this
  }

  boolean(value: boolean): this {
    return this.bytes(Buffer.from([value ? 1 : 0]))
  }

  string(value: string): this {
    const text = Buffer.from(value)
    return this.#varint(text.length + 1).bytes(text)
  }

  array<T>(values: readonly T[], write: (value: T) => void): this {
    this.#varint(values.length + 1)
    for (const each of values) write(each)
    return this
  }

  noTags(): this {
    return this.#varint(0)
  }

  end(): Buffer {
    return Buffer.concat(this.#parts)
  }

  #varint(value: number): this {
    const bytes: number[] = []
    for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
    return this.bytes(Buffer.from([...bytes, value]))
  }
}

/** Throws `RangeError` where the bytes end too early. */
export class FlexibleReader {
  readonly #from: Buffer
  #at = 0

  constructor(from: Buffer) {
    this.#from = from
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#from.length) throw new RangeError('the answer ends too early')
    this.#at += length
    return this.#from.subarray(this.#at - length, this.#at)
  }

  int16(): number {
    return this.bytes(2).readInt16BE()
  }

  int32(): number {
    return this.bytes(4).readInt32BE()
  }

  boolean(): boolean {
    return this.bytes(1)[0] !== 0
  }

  string(): string | null {
    const length = this.#varint()
    return length === 0 ? null : this.bytes(length - 1).toString()
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.#varint() - 1) }, read)
  }

  tags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint()
      this.bytes(this.#varint())
    }
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes(1)[0] as number
      value += (byte & 0x7f) * 2 ** shift
      if (byte <= 0x7f) return value
    }
  }
}
