/** Moments of binary formats as RFC 3339 texts in UTC, finer than the platform's milliseconds, and back. */

/** So many digits behind the second as say it: 3, 6 or 9. Null: no calendar has it. */
export function momentText(nanos: bigint): string | null {
  const ms = floorDiv(nanos, 1_000_000n)
  const rest = nanos - ms * 1_000_000n
  const date = new Date(Number(ms))
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999) return null
  const text = date.toISOString()
  if (rest === 0n) return text
  const digits = String(rest).padStart(6, '0')
  return `${text.slice(0, -1)}${digits.endsWith('000') ? digits.slice(0, 3) : digits}Z`
}

const moment = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** Null: it is no RFC 3339 time. */
export function momentNanos(text: string): bigint | null {
  const match = moment.exec(text)
  if (!match) return null
  const [, second = '', fraction = '', zone] = match
  if (!isDay(second.slice(0, 10))) return null
  const ms = Date.parse(`${second}${zone}`)
  if (Number.isNaN(ms)) return null
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** The platform takes the 31st of February for the 3rd of March. */
export function isDay(text: string): boolean {
  const midnight = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(text)
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}
