/** `verify` after a prune: it does not miss what was dropped, and is not blind to what should be there. */
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from '../../src/ledger/connect.ts'
import { bite } from '../../src/ledger/room/bites.ts'
import { commits, transactions } from '../../src/ledger/room/families.ts'
import { retire } from '../../src/ledger/room/retire.ts'
import { atEnd } from '../support/at-end.ts'
import { cut } from '../support/partitions.ts'
import { freshGround, type Ground, tampered } from './ground.ts'

const ground = await freshGround(4000)
const { query } = ground.ledger
const horizonMs = await middle()
const kept = await stands(ground)
await cut(ground.ledger, transactions, horizonMs, '20200101')
await cut(ground.ledger, commits, horizonMs - 1000, '20200101')
const before = await counts()
const db = connect({ databaseUrl: ground.ledger.databaseUrl, connectionsMax: 1, answerMsMax: 30_000 })
atEnd(() => db.end())
const old = { suffix: '20200101' }
const retired = await retire(db, transactions, { ...old, toMs: horizonMs }, horizonMs)
await retire(db, commits, { ...old, toMs: horizonMs - 1000 }, horizonMs)
const rows = await bite(db, horizonMs)

const dir = mkdtempSync(join(tmpdir(), 'millrace-book-'))
function bookFile(name: string, lines: readonly string[]): string {
  const file = join(dir, name)
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  return file
}

test('what was dropped is not missed, nor are the book’s lines of it', async () => {
  const after = await counts()
  assert.ok(before.transactions - after.transactions > 20 && after.transactions > 20, JSON.stringify({ before, after }))
  assert.ok(
    before.commits > after.commits && rows.duplicates + rows.commands > 0,
    JSON.stringify({ before, after, rows }),
  )
  assert.ok(retired.old.kept.some(({ id, why }) => id === kept && why === 'in_doubt'))
  const { report } = await tampered(ground, 'select 1', { bookFile: bookFile('whole', ground.book) })
  assert.deepEqual(
    report.checks.flatMap((each) => each.findings),
    [],
  )
})

test('a line of the book that belongs to nobody is told when it is of after the horizon', async () => {
  const foreign = JSON.stringify({ key: 'f'.repeat(32), status: 'succeeded' })
  const { report } = await tampered(ground, 'select 1', { bookFile: bookFile('foreign', [...ground.book, foreign]) })
  assert.equal(report.first?.kind, 'charged_by_nobody')
})

const table = 'millrace_data.'
const fresh = `(select id from millrace.transactions where workflow = 'sale' and state = 'completed' and redriven_from is null
                order by id desc limit 1 offset 6)`

for (const [name, sql, kind] of [
  ['a transaction of after the horizon deleted, with all of it', gone(fresh), 'missing'],
  ['its row alone', `delete from ${table}transaction where id = ${fresh}`, 'missing'],
  [
    'a passed offset',
    `delete from ${table}passed where (lane_id, from_offset) in (select lane_id, max(from_offset) from ${table}passed group by 1 order by 1 limit 1)`,
    'missing',
  ],
  [
    'its commit',
    `delete from ${table}commit where id = (select commit_id from ${table}ending where transaction_id = ${fresh})`,
    'commit_missing',
  ],
  [
    'its commit changed to one below the horizon',
    `update ${table}transaction set commit_id = 4242 where id = ${fresh}`,
    'commit_missing',
  ],
  ['an open one’s row in the attic', `delete from ${table}transaction where id = '${kept}'`, 'no_transaction'],
  ['its way back', `delete from ${table}parked where transaction_id = '${kept}'`, 'unreachable'],
  ['that it may have run', `delete from ${table}begun where transaction_id = '${kept}'`, 'begun_missing'],
  ['its attempt', `update ${table}attempt set step = 1 where transaction_id = '${kept}'`, 'step_missing'],
  ['the horizon of a lane', `delete from ${table}lane_horizon`, 'missing'],
] as const) {
  test(`${name}: ${kind}`, async () => {
    const { report } = await tampered(ground, sql)
    const found = report.checks.flatMap((each) => each.findings)
    assert.equal(report.first?.kind, kind, JSON.stringify(found, null, 1))
  })
}

function gone(id: string): string {
  return `with id as materialized (select ${id} as id),
    a as (delete from ${table}attempt where transaction_id = (select id from id)),
    e as (delete from ${table}ending where transaction_id = (select id from id)),
    b as (delete from ${table}begun where transaction_id = (select id from id)),
    o as (delete from ${table}outbox where transaction_id = (select id from id)),
    d as (delete from ${table}dedup where transaction_id = (select id from id))
    delete from ${table}transaction where id = (select id from id)`
}

/** In the pause between what happened early and the rest, a second before its end. */
async function middle(): Promise<number> {
  const [row] = await query<{ ms: string }>(
    `select (extract(epoch from admitted_at) * 1000)::int8 - 1000 as ms from (
       select admitted_at, admitted_at - lag(admitted_at) over (order by admitted_at) as pause from millrace.transactions) t
     order by pause desc nulls last limit 1`,
  )
  return Number(row?.ms)
}

/** One of before the horizon is made to stand in doubt, as if its function were not idempotent. */
async function stands({ ledger }: Ground): Promise<string> {
  const [row] = await ledger.query<{ id: string }>(
    `select id from millrace.transactions where workflow = 'typed' order by id limit 1 offset 3`,
  )
  const id = row?.id as string
  for (const sql of [
    'delete from millrace_data.ending where transaction_id = $1',
    `update millrace_data.attempt set outcome = 6, step_state = 4, error_code = 'lost', output = null where transaction_id = $1`,
    `insert into millrace_data.begun select transaction_id, step, attempt, commit_id from millrace_data.attempt where transaction_id = $1`,
    `insert into millrace_data.parked select id, lane_id from millrace_data.transaction where id = $1`,
  ])
    await ledger.query(sql, [id])
  return id
}

async function counts(): Promise<{ transactions: number; commits: number }> {
  const [row] = await query<{ transactions: number; commits: number }>(
    `select (select count(*)::int from millrace_data.transaction) as transactions, (select count(*)::int from millrace_data.commit) as commits`,
  )
  return row as { transactions: number; commits: number }
}
