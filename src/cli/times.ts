/** Times of the ledger for people. */

/** `2026-11-23 08:40:01.123` of `2026-11-23T08:40:01.123456Z`; UTC, as everything in the ledger. */
export function shortTime(iso: string): string {
  return iso.slice(0, 23).replace('T', ' ')
}

/** Milliseconds, as the ledger has them: to the microsecond. */
export function msBetween(from: string, to: string): number {
  return (microseconds(to) - microseconds(from)) / 1000
}

function microseconds(iso: string): number {
  return Date.parse(`${iso.slice(0, 19)}Z`) * 1000 + Number(iso.slice(20, 26))
}

/** `412 µs`, `3.2 ms`, `1.25 s`, `3 m 05 s` */
export function span(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1) return `${Math.round(ms * 1000)} µs`
  if (size < 1000) return `${ms.toFixed(1)} ms`
  if (size < 60_000) return `${(ms / 1000).toFixed(2)} s`
  return `${Math.trunc(ms / 60_000)} m ${String(Math.floor((size / 1000) % 60)).padStart(2, '0')} s`
}
