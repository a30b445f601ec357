/**
 * CBOR (RFC 8949). Of its tags those are known that say a number, a time or a text; others are refused. Big integers stay exact,
 * decimal fractions become texts such as `12.30`, bytes `{ base64 }`.
 */
import { isUtf8 } from 'node:buffer'
import { type DecodeOptions, decode, encode, type TagDecoder, type Token, Tokenizer, Type } from 'cborg'
import { bigIntEncoder } from 'cborg/taglib'
import { EngineError } from '../../base/error.ts'
import type { Format } from '../format.ts'
import type { Json } from '../json.ts'
import { decimalText } from '../number.ts'
import { toBytes } from './bytes.ts'
import { plain } from './plain.ts'
import { reading, unreadable } from './text.ts'
import { momentText } from './time.ts'

export const cbor: Format = {
  mediaTypes: ['application/cbor'],
  decode: (bytes) =>
    plain(reading('CBOR', () => decode(bytes, { ...options, tokenizer: new StrictTokens(bytes, options) }))),
  encode: (value) => Buffer.from(encode(writable(value), { typeEncoders: { bigint: bigIntEncoder } })),
}

const passed: TagDecoder = (content) => content()

const tags: { readonly [tag: number]: TagDecoder } = {
  0: passed,
  1: (content) => epoch(content()),
  2: (content) => bigInteger(content()),
  3: (content) => -1n - bigInteger(content()),
  4: (content) => decimalFraction(content()),
  // What bytes are to become in JSON, an address, text in base64, MIME, "this is CBOR".
  21: passed,
  22: passed,
  23: passed,
  32: passed,
  33: passed,
  34: passed,
  36: passed,
  55799: passed,
}

const options: DecodeOptions = {
  allowBigInt: true,
  allowIndefinite: true,
  allowUndefined: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
  tags: { ...tags },
}

/** The library takes what is no UTF-8 for text, and a byte order mark for nothing. */
class StrictTokens extends Tokenizer {
  override next(): Token {
    const token = super.next()
    if (!Type.equals(token.type, Type.string)) return token
    const { byteValue } = token
    if (byteValue === undefined) return token // the empty text, which the library has ready
    if (!isUtf8(byteValue)) {
      throw new EngineError('value_not_utf8', 'the value holds a text that is not UTF-8')
    }
    if (byteValue[0] === 0xef) token.value = Buffer.from(byteValue).toString('utf8')
    return token
  }
}

const bigBytesMax = 400

function bigInteger(content: unknown): bigint {
  if (!(content instanceof Uint8Array)) throw unreadable('CBOR', 'its big integer is not made of bytes')
  if (content.length > bigBytesMax)
    throw new EngineError('value_unstorable', 'the value holds an integer of more than 1000 digits')
  return content.length === 0 ? 0n : BigInt(`0x${Buffer.from(content).toString('hex')}`)
}

const exponentMax = 1000

/** Exponent to base 10, mantissa. */
function decimalFraction(content: unknown): string {
  const [exponent, mantissa, more] = Array.isArray(content) ? content : []
  const isWhole = typeof mantissa === 'bigint' || Number.isSafeInteger(mantissa)
  if (!Number.isSafeInteger(exponent) || !isWhole || more !== undefined) {
    throw unreadable('CBOR', 'its decimal fraction is no pair of integers')
  }
  if (Math.abs(exponent) > exponentMax)
    throw new EngineError('value_unstorable', 'the value holds a decimal of more than 1000 digits')
  return decimalText(BigInt(mantissa), -exponent)
}

/** Seconds; a fraction of them is told to the microsecond, which is what a double holds. */
function epoch(content: unknown): string {
  const isNumber = typeof content === 'number' && Number.isFinite(content) && Math.abs(content) < 1e12
  const text = isNumber ? momentText(nanosOf(content)) : null
  if (text === null) throw unreadable('CBOR', 'it holds a time that no calendar has')
  return text
}

function nanosOf(seconds: number): bigint {
  const whole = Math.floor(seconds)
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((seconds - whole) * 1e6)) * 1000n
}

function writable(value: Json): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(writable)
  return toBytes(value) ?? new Map(Object.entries(value).map(([name, each]) => [name, writable(each)]))
}
