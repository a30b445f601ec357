/**
 * Tables that are cut by time together: by an id or number that begins with a time, so a bound is that time with nothing
 * behind it.
 */

export interface Family {
  /** Of the table that the others follow. */
  readonly name: 'transaction' | 'posting' | 'signal' | 'commit'
  /** Every commit takes its tables in this order, so whoever locks several does too. */
  readonly tables: readonly string[]
  /** How much time a partition holds, and for how long from now on there are some, in milliseconds. */
  readonly widthMs: number
  readonly aheadMs: number
  /** SQL literal of the bound at this moment, and back. */
  bound(ms: number): string
  timeOf(bound: string): number
}

const dayMs = 86_400_000

const byId = { bound: (ms: number) => `'${idAt(ms)}'`, timeOf: timeOfId } as const

/** Each insert looks only into its own partition. */
export const transactions: Family = {
  name: 'transaction',
  tables: ['transaction', 'attempt', 'ending', 'begun'],
  widthMs: dayMs,
  aheadMs: 7 * dayMs,
  ...byId,
}

/** By their transaction's id. Apart from it, because what goes of them is added to the balances first. */
export const postings: Family = { ...transactions, name: 'posting', tables: ['posting'] }

/** By their own id, which begins with the time at which they were read. */
export const signals: Family = { ...transactions, name: 'signal', tables: ['signal', 'taken'] }

/** Each commit writes to its predecessor's row as well, and for that all partitions are locked: few, so wide ones. */
export const commits: Family = {
  name: 'commit',
  tables: ['commit', 'passed'],
  widthMs: 7 * dayMs,
  aheadMs: 14 * dayMs,
  bound: (ms) => `'${commitAt(ms)}'`,
  timeOf: (bound) => (bound === '0' ? 0 : timeOfCommit(BigInt(bound))),
}

/** In the order in which what is old of them goes. */
export const families: readonly Family[] = [transactions, postings, signals, commits]

/** The least id of that moment, as `transaction/ids.ts` makes them. */
export function idAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

const from2020S = Date.UTC(2020, 0, 1) / 1000

/** The least number of that moment, as `coordinator/commit-ids.ts` makes them. */
export function commitAt(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000) - from2020S) << 32n
}

export function timeOfCommit(id: bigint): number {
  return (Number(id >> 32n) + from2020S) * 1000
}
