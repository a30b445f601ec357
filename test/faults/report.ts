/** What came of the rows: a table for people, one object for programs, and what failed first. */
import { table } from '../../demo/table.ts'
import type { Outcome } from './row.ts'

export interface Result extends Outcome {
  readonly fault: string
  readonly seconds: number
}

export interface Figures {
  readonly ok: boolean
  readonly seed: string
  readonly rows: readonly (Omit<Result, 'recoveries'> & {
    readonly ok: boolean
    readonly recoverySecondsMedian: number | null
    readonly recoverySecondsMax: number | null
  })[]
}

export function figures(results: readonly Result[], seed: string): Figures {
  const rows = results.map(({ recoveries, ...rest }) => ({
    ...rest,
    ok: rest.problems.length === 0,
    recoverySecondsMedian: median(recoveries),
    recoverySecondsMax: recoveries.length === 0 ? null : rounded(Math.max(...recoveries)),
  }))
  return { ok: rows.every((row) => row.ok), seed, rows }
}

export function tableOf({ rows }: Figures): string[] {
  const head = ['fault', 'rounds', 'events', 'lost', 'doubled', 'out of order', 'charged twice', 'recovers s (max)', '']
  const lines = rows.map((row) => [
    row.fault,
    String(row.rounds),
    String(row.events),
    String(row.lost),
    String(row.doubled),
    String(row.disordered),
    String(row.chargedTwice),
    row.recoverySecondsMedian === null ? '-' : `${row.recoverySecondsMedian} (${row.recoverySecondsMax})`,
    row.notRun ?? (row.ok ? 'ok' : 'failed'),
  ])
  const align = ['left', ...Array.from({ length: 7 }, () => 'right'), 'left'] as ('left' | 'right')[]
  return table([head, ...lines], align)
}

export function failuresOf({ rows }: Figures): string[] {
  return rows
    .filter((row) => !row.ok)
    .flatMap((row) => [
      `${row.fault}:`,
      ...row.problems.map((problem) => `  ${problem}`),
      ...row.kept.map((where) => `  kept: ${where}`),
    ])
}

function median(numbers: readonly number[]): number | null {
  if (numbers.length === 0) return null
  const sorted = [...numbers].sort((a, b) => a - b)
  return rounded(sorted[Math.floor((sorted.length - 1) / 2)] as number)
}

const rounded = (seconds: number) => Math.round(seconds * 10) / 10
