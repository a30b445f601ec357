/** The ledger as its readers know it: docs/ledger.md against a migrated database, and the documented queries as a reader. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { packageRoot } from '../../src/base/package-root.ts'
import { atEnd } from '../support/at-end.ts'
import { freshLedger } from '../support/servers.ts'

const ledger = await freshLedger()

/** What was promised when there were no docs yet; docs may only add to it. */
const promised: Readonly<Record<string, string>> = {
  transactions:
    'id workflow version key event_id topic kafka_partition kafka_offset state error_code error_message produced_at fetched_at admitted_at ended_at duration_ms',
  attempts:
    'transaction_id step attempt function outcome error_code error_message eligible_at dispatched_at started_at finished_at committed_at output logs',
  steps: 'transaction_id step state attempts output committed_at',
  dead_letters: 'id topic kafka_partition kafka_offset key value headers reason code received_at state',
  lanes: 'topic kafka_partition epoch next_offset owner seen_at',
}

test('docs/ledger.md lists the columns of every view, with their types and in their order', async () => {
  const rows = await ledger.query<{ view: string; columns: string[] }>(
    `select c.relname as view, array_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
     where c.relnamespace = 'millrace'::regnamespace and c.relkind in ('v', 'r', 'm') group by 1`,
  )
  const views = Object.fromEntries(rows.map(({ view, columns }) => [view, columns]))
  assert.deepEqual(documented(), views)
})

test('nothing that was promised has gone', () => {
  const views = documented()
  for (const [view, columns] of Object.entries(promised)) {
    const names = views[view]?.map((column) => column.split(' ')[0])
    assert.deepEqual(
      columns.split(' ').filter((column) => !names?.includes(column)),
      [],
      view,
    )
  }
})

test('a reader may read every view, run the documented queries, and do nothing else', async () => {
  const reader = new pg.Client(ledger.databaseUrl)
  await reader.connect()
  atEnd(() => reader.end())
  await reader.query('set role millrace_reader')
  const views = Object.keys(documented())
  for (const view of views) await reader.query(`select * from millrace.${view}`)
  const queries = documentedQueries()
  assert.ok(queries.length >= 6)
  for (const sql of queries) await reader.query(sql)
  const denied = [
    ...views.map((view) => `delete from millrace.${view}`),
    'select * from millrace_data.transaction',
    `insert into millrace_data.engine (name) values ('mine')`,
    'create table millrace.mine ()',
  ]
  for (const sql of denied) await assert.rejects(reader.query(sql), /permission denied|cannot delete/, sql)
})

/** View -> `name type` of each of its columns, as the page's tables have them. */
function documented(): Record<string, string[]> {
  const sections = read('docs/ledger.md').split(/^## /m).slice(1)
  return Object.fromEntries(
    sections.map((section) => {
      const rows = [...section.matchAll(/^\| (\w+) \| ([^|]+?) \|/gm)].map(([, name, type]) => `${name} ${type}`)
      return [section.split('\n')[0], rows.slice(1)]
    }),
  )
}

function documentedQueries(): string[] {
  const text = read('README.md') + read('docs/operations.md')
  const blocks = [...text.matchAll(/^```sql\n(.*?)^```/gms)].map(([, block]) => block ?? '')
  return blocks.flatMap((block) => block.split(/;\s*$/m)).filter((sql) => sql.trim() !== '')
}

function read(path: string): string {
  return readFileSync(join(packageRoot(), path), 'utf8')
}
