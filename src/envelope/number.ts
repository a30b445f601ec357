/**
 * Number literals as the engine carries them: a double where that says the same, a bigint for any other integer, and the
 * literal itself, as text, for a fraction that no double can say. Nothing is rounded in silence.
 */
import type { Json } from './json.ts'

/** Postgres' numeric, as which the ledger's views show numbers, ends far beyond; what is longer is no number of anybody's. */
const charsMax = 1000
const exponentMax = 1000

/** A number that nobody can hold. */
export class TooManyDigits extends RangeError {
  constructor() {
    super(`a number of more than ${charsMax} digits`)
  }
}

/** Of a literal as JSON writes it. Throws `TooManyDigits`. */
export function exactNumber(literal: string): number | bigint | string {
  const parts = partsOf(literal)
  if (literal.length > charsMax || Math.abs(parts.exponent) > exponentMax) {
    throw new TooManyDigits()
  }
  if (parts.isInteger) return plainInteger(BigInt(literal))
  const double = Number(literal)
  return saysTheSame(double, parts) ? plainNumber(double) : literal
}

/** A double as JSON gives it back: one beyond 2^53 without a fraction is written as an integer, and read as one. */
export function plainNumber(double: number): number | bigint {
  if (Number.isSafeInteger(double)) return double === 0 ? 0 : double
  return Number.isInteger(double) && Math.abs(double) < 1e21 ? BigInt(double) : double
}

export function plainInteger(value: bigint): number | bigint {
  const double = Number(value)
  return Number.isSafeInteger(double) ? double : value
}

/** Digits and a scale, as Avro, CBOR and databases keep decimals: 1230n, 2 is `12.30`. The scale may be negative. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The other way; null: it is no decimal, or has more digits behind the point. */
export function unscaledOf(value: Json, scale: number): bigint | null {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return null
  const match = /^(-?)(\d{1,400})(?:\.(\d{1,400}))?$/.exec(String(value))
  if (!match) return null
  const [, sign, whole, fraction = ''] = match as unknown as [string, string, string, string?]
  const kept = fraction.replace(/0+$/, '')
  if (kept.length > scale) return null
  const unscaled = BigInt(whole + kept.padEnd(scale, '0'))
  return sign === '-' ? -unscaled : unscaled
}

interface Parts {
  readonly isInteger: boolean
  /** Without zeros at either end; empty for zero. */
  readonly digits: string
  /** Of the first digit. */
  readonly exponent: number
}

function partsOf(literal: string): Parts {
  const match = /^[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(literal) as RegExpExecArray
  const [, whole = '', fraction, exponent] = match
  const all = whole + (fraction ?? '')
  const zeros = /^0*/.exec(all)![0].length
  const digits = all.slice(zeros).replace(/0+$/, '')
  const first = whole.length - zeros - 1 + Number(exponent ?? 0)
  return { isInteger: fraction === undefined && exponent === undefined, digits, exponent: digits === '' ? 0 : first }
}

/** True when the literal is what the double prints at as many digits: so each shortest form, and each longer one of it. */
function saysTheSame(double: number, { digits, exponent }: Parts): boolean {
  if (digits === '') return true
  if (!Number.isFinite(double) || double === 0 || digits.length > 100) return false
  const [mantissa, power] = Math.abs(double)
    .toExponential(digits.length - 1)
    .split('e') as [string, string]
  return mantissa.replace('.', '') === digits && Number(power) === exponent
}
