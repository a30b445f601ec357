/** `millrace lanes`: one line for each partition an engine reads. */
import { type LaneRead, lanes as readLanes } from '../ledger/read/lanes.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { type Column, table, terminalWidth } from './table.ts'
import { shortTime } from './times.ts'

export async function lanes({ topic, json }: { topic?: string; json?: boolean }): Promise<void> {
  const rows = await query((db) => readLanes(db, topic ?? null))
  if (json) return printJson(rows)
  if (rows.length === 0) return print('no lanes: no coordinator has read a topic yet')
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
