/**
 * What Avro's logical types mean here: decimals and times are texts that say all of them. Whatever is unknown is read as the type below it.
 * Source: https://avro.apache.org/docs/1.12.0/specification/#logical-types
 */
import avro, { type Schema } from 'avsc'
import type { Json } from '../json.ts'
import { decimalText, unscaledOf } from '../number.ts'
import { unreadable } from './text.ts'
import { momentNanos, momentText } from './time.ts'

const { LogicalType } = avro.types

type LogicalClass = new (schema: Schema, options?: unknown) => InstanceType<typeof LogicalType>

/** `write` answers undefined for what is not of the type. */
function logical<Below>(read: (value: Below) => Json, write: (value: Json) => Below | undefined): LogicalClass {
  return class extends LogicalType {
    protected override _fromValue(value: Below): Json {
      return read(value)
    }

    protected override _toValue(value: Json): Below | undefined {
      return write(value)
    }
  }
}

/** Bytes, or a fixed number of them: a big-endian integer, and how many digits of it are behind the point. */
class Decimal extends LogicalType {
  readonly #scale: number
  /** Null: as many bytes as it takes. */
  readonly #size: number | null

  constructor(schema: Schema, options?: unknown) {
    super(schema, options as never)
    const { scale = 0, size = null } = schema as unknown as { readonly scale?: number; readonly size?: number }
    this.#scale = scale
    this.#size = size
  }

  protected override _fromValue(bytes: Buffer): Json {
    if (bytes.length > bytesMax) throw unreadable('Avro', 'it holds a decimal of more than 1000 digits')
    return decimalText(signed(bytes), this.#scale)
  }

  protected override _toValue(value: Json): Buffer | undefined {
    const unscaled = unscaledOf(value, this.#scale)
    return unscaled === null ? undefined : twosComplement(unscaled, this.#size)
  }
}

const bytesMax = 400

function signed(bytes: Buffer): bigint {
  if (bytes.length === 0) return 0n
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
}

function twosComplement(value: bigint, size: number | null): Buffer | undefined {
  let length = size ?? 1
  while (size === null && BigInt.asIntN(length * 8, value) !== value) length++
  if (BigInt.asIntN(length * 8, value) !== value) return undefined
  const hex = BigInt.asUintN(length * 8, value).toString(16)
  return Buffer.from(hex.padStart(length * 2, '0'), 'hex')
}

function moment(nanosPerUnit: bigint, isLocal: boolean): LogicalClass {
  return logical<number | bigint>(
    (value) => (isLocal ? withoutZone(momentOf(value, nanosPerUnit)) : momentOf(value, nanosPerUnit)),
    (value) => unitsOf(typeof value === 'string' ? momentNanos(isLocal ? `${value}Z` : value) : null, nanosPerUnit),
  )
}

function momentOf(value: number | bigint, nanosPerUnit: bigint): string {
  const text = momentText(BigInt(value) * nanosPerUnit)
  if (text === null) throw unreadable('Avro', 'it holds a time that no calendar has')
  return text
}

function withoutZone(text: string): string {
  return text.slice(0, -1)
}

/** What is finer than the unit is not cut off, but refused. */
function unitsOf(nanos: bigint | null, nanosPerUnit: bigint): number | bigint | undefined {
  if (nanos === null || nanos % nanosPerUnit !== 0n) return undefined
  const units = nanos / nanosPerUnit
  return Number.isSafeInteger(Number(units)) ? Number(units) : units
}

const day = 86_400_000_000_000n

const date = logical<number>(
  (value) => momentOf(value, day).slice(0, 10),
  (value) => {
    const isDate = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)
    return unitsOf(isDate ? momentNanos(`${value}T00:00:00Z`) : null, day) as number | undefined
  },
)

/** `10:00:00.123`. */
function timeOfDay(nanosPerUnit: bigint): LogicalClass {
  return logical<number | bigint>(
    (value) => {
      const nanos = BigInt(value) * nanosPerUnit
      if (nanos < 0n || nanos >= day) throw unreadable('Avro', 'it holds a time that no day has')
      return momentOf(nanos, 1n).slice(11, -1)
    },
    (value) => unitsOf(typeof value === 'string' ? momentNanos(`1970-01-01T${value}Z`) : null, nanosPerUnit),
  )
}

/** Three little-endian numbers of 32 bits. */
const duration = logical<Buffer>(
  (bytes) => ({ months: bytes.readUInt32LE(0), days: bytes.readUInt32LE(4), millis: bytes.readUInt32LE(8) }),
  (value) => {
    const { months, days, millis } = (value ?? {}) as { [name: string]: Json }
    const parts = [months, days, millis] as number[]
    if (!parts.every((part) => Number.isInteger(part) && part >= 0 && part < 2 ** 32)) return undefined
    return Buffer.from(Uint32Array.from(parts).buffer)
  },
)

export const logicalTypes: Readonly<Record<string, LogicalClass>> = {
  decimal: Decimal,
  date,
  'time-millis': timeOfDay(1_000_000n),
  'time-micros': timeOfDay(1000n),
  'timestamp-millis': moment(1_000_000n, false),
  'timestamp-micros': moment(1000n, false),
  'timestamp-nanos': moment(1n, false),
  'local-timestamp-millis': moment(1_000_000n, true),
  'local-timestamp-micros': moment(1000n, true),
  'local-timestamp-nanos': moment(1n, true),
  duration,
}
