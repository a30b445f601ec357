/** Postgres' moments as µs since 1970, and back. */

/**
 * SQL: of a column; an int8, which the client reads as text. Seconds as a double are off by a quarter of a microsecond at
 * most, so that rounding gives what was; as a numeric it costs as much as reading the row.
 */
export function micros(column: string): string {
  return `(date_part('epoch', ${column}) * 1000000)::int8`
}

export function microsOf(text: string | null): number | null {
  return text === null ? null : Number(text)
}

/** With microseconds, which Date does not have. */
export function isoTime(us: number): string {
  const rest = String(us % 1000).padStart(3, '0')
  return new Date(Math.floor(us / 1000)).toISOString().replace('Z', `${rest}Z`)
}
