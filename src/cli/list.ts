/** `millrace list`: the latest transactions. */
import { latestTransactions, type TransactionSummary } from '../ledger/read/transactions.ts'
import { type Paint, paintFor } from './paint.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { colourOf } from './state-colour.ts'
import { type Column, table, terminalWidth } from './table.ts'
import { shortTime, span } from './times.ts'

export interface ListOptions {
  readonly state?: string
  readonly workflow?: string
  readonly key?: string
  readonly event?: string
  readonly limit: number
  readonly json?: boolean
}

export async function list({ state, workflow, key, event, limit, json }: ListOptions): Promise<void> {
  const filter = { state: state ?? null, workflow: workflow ?? null, key: key ?? null, event: event ?? null, limit }
  const rows = await query((db) => latestTransactions(db, filter))
  if (json) return printJson(rows)
  if (rows.length === 0) return print('no transactions')
  for (const line of table(columnsWith(paintFor(process.stdout)), rows, terminalWidth(process.stdout))) print(line)
}

function columnsWith(paint: Paint): Column<TransactionSummary>[] {
  return [
    { title: 'ID', text: (row) => row.id },
    { title: 'WORKFLOW', text: (row) => row.workflow },
    { title: 'STATE', text: (row) => row.state, paint: (row, cell) => paint(colourOf(row.state), cell) },
    { title: 'ADMITTED (UTC)', text: (row) => shortTime(row.admitted_at) },
    { title: 'TOOK', text: (row) => (row.duration_ms === null ? '' : span(row.duration_ms)) },
    { title: 'KEY', text: (row) => (row.key ?? '').slice(0, 32) },
    { title: 'ERROR', text: (row) => (row.error_code === null ? '' : `${row.error_code}: ${row.error_message}`) },
  ]
}
