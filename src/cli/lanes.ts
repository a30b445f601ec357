/** `millrace lanes`: one line for each partition an engine reads, and for what operators have paused. */
import { type LaneRead, lanes as readLanes } from '../ledger/read/lanes.ts'
import { openPauses, type PauseRead } from '../ledger/read/pauses.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { type Column, table, terminalWidth } from './table.ts'
import { shortTime } from './times.ts'

export async function lanes({ topic, json }: { topic?: string; json?: boolean }): Promise<void> {
  const { rows, pauses } = await query(async (db) => {
    const rows = await readLanes(db, topic ?? null)
    return { rows, pauses: await openPauses(db) }
  })
  if (json)
    return printJson(rows.map((row) => ({ ...row, pauses: pauses.filter(({ engine }) => engine === row.engine) })))
  if (rows.length === 0) print('no lanes: no coordinator has read a topic yet')
  else printTable(columns, rows)
  if (pauses.length === 0) return
  print('')
  printTable(pauseColumns, pauses)
}

function printTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
  for (const line of table(columns, rows, terminalWidth(process.stdout))) print(line)
}

const columns: Column<LaneRead>[] = [
  { title: 'LANE', text: (row) => `${row.topic}/${row.kafka_partition}` },
  { title: 'STATE', text: (row) => row.state },
  { title: 'OWNER', text: (row) => row.owner ?? '' },
  { title: 'NEXT OFFSET', text: (row) => String(row.next_offset) },
  { title: 'RUNNING', text: (row) => String(row.running) },
  { title: 'QUEUED', text: (row) => String(row.queued) },
  { title: 'SEEN (UTC)', text: (row) => shortTime(row.seen_at) },
  { title: 'NOT READ, BECAUSE', text: (row) => row.paused ?? '' },
]

const pauseColumns: Column<PauseRead>[] = [
  { title: 'PAUSED', text: (row) => row.workflow },
  { title: 'KEY', text: (row) => row.key ?? '(all)' },
  { title: 'ENGINE', text: (row) => row.engine },
  { title: 'SINCE (UTC)', text: (row) => shortTime(row.paused_at) },
  { title: 'BY', text: (row) => row.paused_by },
  { title: 'WHY', text: (row) => row.why ?? '' },
]
