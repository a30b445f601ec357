/** `millrace dead-letters`: records that were given up on, with their reason and their bytes. */
import { type DeadLetterRead, latestDeadLetters } from '../ledger/read/dead-letters.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { type Column, table, terminalWidth } from './table.ts'
import { shortTime } from './times.ts'

export interface DeadLettersOptions {
  readonly state?: string
  readonly limit: number
  readonly json?: boolean
}

export async function deadLetters({ state, limit, json }: DeadLettersOptions): Promise<void> {
  const rows = await query((db) => latestDeadLetters(db, { state: state ?? null, limit }))
  if (json) return printJson(rows.map(documentOf))
  if (rows.length === 0) return print('no dead letters')
  for (const line of table(columns, rows, terminalWidth(process.stdout))) print(line)
}

function documentOf({ key, value, ...row }: DeadLetterRead): object {
  return { ...row, key: bytes(key), value: row.is_sealed ? '[sealed]' : bytes(value) }
}

const columns: Column<DeadLetterRead>[] = [
  { title: 'ID', text: (row) => row.id },
  { title: 'TOPIC', text: (row) => `${row.topic}/${row.kafka_partition}` },
  { title: 'OFFSET', text: (row) => String(row.kafka_offset) },
  { title: 'RECEIVED (UTC)', text: (row) => shortTime(row.received_at) },
  { title: 'WORKFLOW', text: (row) => row.workflow ?? '' },
  { title: 'STATE', text: (row) => row.state },
  { title: 'CODE', text: (row) => row.code },
  { title: 'REASON', text: (row) => row.reason },
]

/** Text where it is UTF-8, as with headers in the ledger. */
function bytes(value: Buffer | null): string | null | { base64: string } {
  if (value === null) return null
  const text = value.toString('utf8')
  return Buffer.from(text).equals(value) ? text : { base64: value.toString('base64') }
}
