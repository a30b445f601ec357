/** MessagePack. Its timestamps become RFC 3339 texts, its bytes `{ base64 }`; other extensions are refused. */
import { decode, Encoder, ExtensionCodec } from '@msgpack/msgpack'
import type { Format } from '../format.ts'
import { depthMax, type Json } from '../json.ts'
import { toBytes } from './bytes.ts'
import { scan } from './msgpack-scan.ts'
import { plain } from './plain.ts'
import { reading, unreadable, unwritable } from './text.ts'
import { momentText } from './time.ts'

export const msgpack: Format = {
  mediaTypes: ['application/vnd.msgpack', 'application/msgpack', 'application/x-msgpack'],
  decode(bytes) {
    scan(bytes)
    return plain(reading('MessagePack', () => decode(bytes, { useBigInt64: true, extensionCodec: extensions })))
  },
  encode: (value) => Buffer.from(new Encoder({ useBigInt64: true, maxDepth: depthMax + 2 }).encode(writable(value))),
}

const extensions = new ExtensionCodec()
extensions.register({ type: -1, encode: () => null, decode: timestamp })
// Whatever is of another type stays an object of the library's, which says nothing to anybody.
for (let type = -128; type < 128; type++)
  if (type !== -1) extensions.register({ type, encode: () => null, decode: () => refuse(type) })

function refuse(type: number): never {
  throw unreadable('MessagePack', `its extension type ${type} is not known`)
}

/** Source: https://github.com/msgpack/msgpack/blob/master/spec.md#timestamp-extension-type */
function timestamp(bytes: Uint8Array): string {
  const text = momentText(nanosOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)))
  if (text === null) throw unreadable('MessagePack', 'it holds a time that no calendar has')
  return text
}

const second = 1_000_000_000n

function nanosOf(bytes: Buffer): bigint {
  if (bytes.length === 4) return BigInt(bytes.readUInt32BE()) * second
  if (bytes.length === 8) {
    const both = bytes.readBigUInt64BE()
    return (both & 0x3ffffffffn) * second + (both >> 34n)
  }
  if (bytes.length === 12) return bytes.readBigInt64BE(4) * second + BigInt(bytes.readUInt32BE())
  throw unreadable('MessagePack', `it holds a timestamp of ${bytes.length} bytes`)
}

/** As the library takes it: bytes as bytes, and integers it would write as fractions as what it writes as integers. */
function writable(value: Json): unknown {
  if (typeof value === 'bigint') return integer(value)
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && Math.abs(value) > 0x7fffffff ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(writable)
  return toBytes(value) ?? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, writable(each)]))
}

function integer(value: bigint): bigint {
  if (value >= -(2n ** 63n) && value < 2n ** 64n) return value
  throw unwritable('MessagePack', `the integer ${String(value).slice(0, 40)}: it has at most 64 bits`)
}
