/** The coverage as people read it: a row for each fault, a column for each state, `.` for what could be met and never was. */
import { type Coverage, ends, faults, isPossible, kinds, states } from './coverage.ts'
import { linkFaults } from './ledger/link.ts'
import { statementNames } from './ledger/statements.ts'

export function tableOf(coverage: Coverage): string {
  const ofStates = rowsOf(coverage, faults, states)
  const ofStatements = rowsOf(coverage, linkFaults, statementNames)
  const ofKinds = rowsOf(coverage, kinds, ends)
  return `how often each fault met each state of lanes, commits and steps (. never, though it could)\n\n${ofStates}\n\n${ofStatements}\n\nhow often each kind of step came to what\n\n${ofKinds}\n`
}

/** `fault, state` of every pair that could be met and never was. */
export function blindOf(coverage: Coverage): string[] {
  const pairs = [
    ...faults.flatMap((fault) => states.map((state) => [fault, state] as const)),
    ...kinds.flatMap((kind) => ends.map((end) => [kind, end] as const)),
    ...linkFaults.flatMap((fault) => statementNames.map((name) => [fault, name] as const)),
  ]
  return pairs
    .filter(([fault, state]) => isPossible(fault, state) && coverage.of(fault, state) === 0)
    .map((pair) => pair.join(', '))
}

function rowsOf(coverage: Coverage, of: readonly string[], columns: readonly string[]): string {
  const wide = Math.max(...of.map((fault) => fault.length))
  const head = `${' '.repeat(wide)} ${columns.map((column) => column.padStart(widthOf(column))).join(' ')}`
  const rows = of.map((fault) => {
    const cells = columns.map((column) => cellOf(coverage, fault, column).padStart(widthOf(column)))
    return `${fault.padEnd(wide)} ${cells.join(' ')}`
  })
  return [head, ...rows].join('\n')
}

function widthOf(column: string): number {
  return Math.max(column.length, 6)
}

function cellOf(coverage: Coverage, fault: string, state: string): string {
  if (!isPossible(fault, state)) return ''
  const count = coverage.of(fault, state)
  return count === 0 ? '.' : String(count)
}
