/** What SQL users may rely on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import type { TestLedger } from '../support/servers.ts'
import { attempt, baseUs, batch, ending, idOf, progress, scene, sign, take, transaction } from './scene.ts'

/** The contract: columns may be added, never taken away. */
const contract: Readonly<Record<string, string>> = {
  transactions:
    'id workflow version key event_id topic kafka_partition kafka_offset state error_code error_message produced_at fetched_at admitted_at ended_at duration_ms',
  attempts:
    'transaction_id step attempt function outcome error_code error_message eligible_at dispatched_at started_at finished_at committed_at output logs',
  steps: 'transaction_id step state attempts output committed_at',
  dead_letters: 'id topic kafka_partition kafka_offset key value headers reason code received_at state',
  latency: ['workflow step count', ...['wait', 'dispatch', 'run', 'commit', 'whole'].map(percentiles)].join(' '),
  lanes: 'topic kafka_partition epoch next_offset owner seen_at',
}

function percentiles(part: string): string {
  return [50, 95, 99].map((percent) => `${part}_p${percent}_ms`).join(' ')
}

/** Made once for the file: hooks of a test would drop it with that test. */
const db = await filledLedger()

async function filledLedger(): Promise<TestLedger> {
  const made = await scene(1)
  const lane = await take(made.ledger, 0)
  const skewed = { startedUs: baseUs + 1000, finishedUs: baseUs + 20_000 }
  const first = batch([progress(lane, 4)], {
    transactions: [0, 1, 2].map((n) => transaction(lane, made.ids.versionId, n)),
    attempts: [
      attempt(lane, 0),
      attempt(lane, 0, { step: 1, ...skewed }),
      attempt(lane, 1, { outcome: 'retry', stepState: null, output: null, nextUs: Date.now() * 1000 + 60_000_000 }),
    ],
    endings: [ending(lane, 0)],
    deadLetters: [
      {
        laneId: lane.laneId,
        id: idOf(3),
        workflowId: null,
        offset: 3,
        key: Buffer.from([255]),
        value: Buffer.from([0, 255]),
        headers: '{"a":"b"}',
        sealed: null,
        code: 'value_not_utf8',
        reason: 'no text',
        receivedUs: baseUs,
        transactionId: null,
      },
    ],
  })
  await made.ledger.commit(first)
  await made.ledger.renew({ commitId: first.commitId, returnedUs: baseUs + 12_000 }, [sign(lane)])
  return made.db
}

for (const [view, columns] of Object.entries(contract)) {
  test(`${view} has its columns, and gives rows`, async () => {
    const sql = `select ${columns.replaceAll(' ', ', ')} from millrace.${view}`
    assert.ok((await db.query(sql)).length > 0)
  })
}

test('an ended, a waiting and a fresh transaction, step by step', async () => {
  const rows = await db.query<{ at: string; step: string; state: string; attempts: number }>(
    `select t.kafka_offset as at, s.step, s.state, s.attempts from millrace.steps s
     join millrace.transactions t on t.id = s.transaction_id order by 1, s.position`,
  )
  assert.deepEqual(
    rows.map(({ at, step, state, attempts }) => `${at} ${step} ${state} ${attempts}`),
    [
      '0 first ok 1',
      '0 second ok 1',
      '1 first waiting 1',
      '1 second pending 0',
      '2 first running 0',
      '2 second pending 0',
    ],
  )
})

test('the worker’s stamps are clamped between the coordinator’s, and their skew is told', async () => {
  const [row] = await db.query<{ started: boolean; finished: boolean; skew_ms: number }>(
    `select started_at = dispatched_at as started, finished_at = received_at as finished, skew_ms
     from millrace.attempts where step = 'second'`,
  )
  assert.deepEqual(row, { started: true, finished: true, skew_ms: 11 })
})

test('latency: the parts of the path by step, and the whole from the producer on', async () => {
  const rows = await db.query<Record<string, number | string | null>>(
    `select step, count::int as count, wait_p50_ms as wait, dispatch_p50_ms as dispatch, run_p50_ms as run,
            commit_p50_ms as commit, whole_p50_ms as whole
     from millrace.latency where step is null or step = 'second' order by step nulls first`,
  )
  assert.deepEqual(rows, [
    { step: null, count: 1, wait: null, dispatch: null, run: null, commit: null, whole: 12 },
    { step: 'second', count: 1, wait: 1, dispatch: 0, run: 7, commit: 3, whole: 11 },
  ])
})

test('a dead letter has its bytes as they came', async () => {
  const [row] = await db.query('select key, value, headers, state from millrace.dead_letters')
  assert.deepEqual(row, { key: Buffer.from([255]), value: Buffer.from([0, 255]), headers: { a: 'b' }, state: 'open' })
})

test('readers select from every view, and from nothing behind them', async () => {
  const client = new pg.Client(db.databaseUrl)
  await client.connect()
  try {
    await client.query('set role millrace_reader')
    const { rows } = await client.query(`select viewname as name from pg_views where schemaname = 'millrace'`)
    assert.ok(rows.length >= Object.keys(contract).length)
    for (const { name } of rows) await client.query(`select * from millrace.${name}`)
    for (const sql of ['select * from millrace_data.transaction', 'delete from millrace_data.transaction']) {
      await assert.rejects(client.query(sql), { code: '42501' })
    }
  } finally {
    await client.end()
  }
})

test('how many have an outcome is known to Postgres, so that nothing is joined row by row', async () => {
  const { db: other, ledger, ids } = await scene(1)
  const lane = await take(ledger, 0)
  const numbers = Array.from({ length: 300 }, (_, n) => n)
  await ledger.commit(
    batch([progress(lane, 300)], {
      transactions: numbers.map((n) => transaction(lane, ids.versionId, n)),
      attempts: numbers.map((n) => attempt(lane, n)),
    }),
  )
  await other.query('analyze millrace_data.attempt')
  const [row] = await other.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    `explain (format json) select from millrace.attempts where outcome = 'ok'`,
  )
  const guess = row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
  assert.ok(guess > 200, `it takes 300 rows for ${guess}`)
  const made = await other.query<{ parts: number; known: number }>(
    `select count(*)::int as parts, count(s.oid)::int as known from pg_inherits i
     left join pg_statistic_ext s on s.stxrelid = i.inhrelid where i.inhparent = 'millrace_data.attempt'::regclass`,
  )
  assert.equal(made[0]?.known, made[0]?.parts, 'every partition, those made since too')
})
