/** A figure and the limit it is held to. */
import { type Align, table } from '../demo/table.ts'

export interface Verdict {
  readonly row: string
  /** Empty: only to be read. */
  readonly limit: string
  readonly measured: string
  readonly passed: boolean
  /** What else is to be known of it, a line each. */
  readonly more?: readonly string[]
}

/** At most `limit`. */
export function held(row: string, value: number, limit: number, shown: (value: number) => string): Verdict {
  return { row, limit: `≤ ${limit}`, measured: shown(value), passed: value <= limit }
}

export function verdictTable(all: readonly Verdict[]): string[] {
  const rows = all.map(({ row, limit, measured, passed }) => [
    row,
    measured,
    limit,
    limit === '' ? '' : passed ? 'passed' : 'short',
  ])
  const align: Align[] = ['left', 'left', 'left', 'left']
  const more = all.flatMap(({ row, more: lines = [] }) =>
    lines.length > 0 ? ['', `${row}:`, ...lines.map((line) => `  ${line}`)] : [],
  )
  return [...table([['', 'measured', 'limit', ''], ...rows], align), ...more]
}
