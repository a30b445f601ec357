/** Avro's lists, maps, texts and longs, read with suspicion: a count is no promise, bytes are not text, and no integer is rounded. */
import { isUtf8 } from 'node:buffer'
import avro, { type Schema, type Type } from 'avsc'
import { EngineError } from '../../base/error.ts'
import type { Json } from '../json.ts'
import { plainInteger } from '../number.ts'
import { put } from './plain.ts'
import { unreadable } from './text.ts'

/** What the library reads from. */
interface Tap {
  readonly buf: Buffer
  readonly pos: number
  readLong(): number
  readBytes(): Buffer | undefined
}

interface Readable {
  _read(tap: Tap): Json
}

class List extends avro.types.ArrayType {
  /** The library makes a list as long as its count says, before it has seen an item. */
  _read(tap: Tap): Json[] {
    const items: Json[] = []
    const type = this.itemsType as unknown as Readable
    for (let count = countOf(tap); count > 0; count = countOf(tap)) {
      while (count-- > 0) items.push(type._read(tap))
    }
    return items
  }
}

class Dictionary extends avro.types.MapType {
  /** A name such as `__proto__` is a name like others. */
  _read(tap: Tap): Json {
    const object: { [name: string]: Json } = {}
    const type = this.valuesType as unknown as Readable
    for (let count = countOf(tap); count > 0; count = countOf(tap)) {
      while (count-- > 0) put(object, textFrom(tap), type._read(tap))
    }
    return object
  }
}

class Text extends avro.types.StringType {
  _read(tap: Tap): string {
    return textFrom(tap)
  }
}

export const textType: Type = new Text() as Type

export function listType(schema: Schema, options: object): Type {
  return new List(schema, options) as Type
}

export function mapType(schema: Schema, options: object): Type {
  return new Dictionary(schema, options) as Type
}

/** Of a block; a negative one is followed by the block's size. No item is smaller than a byte. */
function countOf(tap: Tap): number {
  const count = tap.readLong()
  if (count < 0) tap.readLong()
  const items = Math.abs(count)
  if (items > tap.buf.length - tap.pos) throw unreadable('Avro', 'it is cut off')
  return items
}

function textFrom(tap: Tap): string {
  const bytes = tap.readBytes()
  if (bytes === undefined) throw unreadable('Avro', 'it is cut off')
  if (!isUtf8(bytes)) throw new EngineError('value_not_utf8', 'the value holds a text that is not UTF-8')
  return bytes.toString('utf8')
}

const longMax = 2n ** 63n

/** A number where that is exact, else a bigint. */
export const longType: Type = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => plainInteger(bytes.readBigInt64LE()),
  toBuffer(value: number | bigint) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(value))
    return bytes
  },
  fromJSON: (value: number) => value,
  toJSON: (value: number | bigint) => Number(value),
  isValid: isLong,
  compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
}) as unknown as Type

function isLong(value: unknown): boolean {
  if (typeof value === 'bigint') return value >= -longMax && value < longMax
  return Number.isSafeInteger(value)
}
