/** A day of which more is open than one short transaction can move. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/ledger/connect.ts'
import { idAt } from '../../src/ledger/room/families.ts'
import { makeRoom } from '../../src/ledger/room/make.ts'
import { prune } from '../../src/ledger/room/prune.ts'
import { atEnd } from '../support/at-end.ts'
import { emptySince } from '../support/partitions.ts'
import { batch, progress, scene, take } from './scene.ts'

const dayMs = 86_400_000

test('what is open of a day moves in portions, and what has ended of it goes; nobody waits for long', async () => {
  const { db, ledger, ids } = await scene(1)
  const connections = connect({ databaseUrl: db.databaseUrl, connectionsMax: 1, answerMsMax: 120_000 })
  atEnd(() => connections.end())
  const oldMs = Math.floor(Date.now() / dayMs - 50) * dayMs
  await emptySince(db, oldMs - dayMs)
  await makeRoom(connections)
  const lane = await take(ledger, 0)
  await ledger.commit(batch([progress(lane, 40_000, idAt(oldMs))]))
  // Some of one millisecond stay together; three of four are open.
  await db.query(
    `insert into millrace_data.transaction (id, lane_id, version_id, kafka_offset, event_id, envelope, fetched_at, admitted_at, commit_id)
     select (left(millrace.first_id($1::timestamptz + n / 3 * interval '1 ms')::text, 13) || '-8000-8000-' || lpad(n::text, 12, '0'))::uuid,
            $2, $3, n, 'e' || n, '{"key":null,"type":null,"source":null,"time":"2026-01-01T00:00:00Z","meta":{},"data":null}', $1, $1, 1
     from generate_series(1, 32000) n`,
    [new Date(oldMs), lane.laneId, ids.versionId],
  )
  await db.query(`insert into millrace_data.attempt (transaction_id, step, attempt, outcome, next_at, commit_id)
    select id, 0, 1, 2, now() + interval '1 year', 1 from millrace_data.transaction`)
  await db.query(
    `insert into millrace_data.ending (transaction_id, state, ended_at, commit_id)
     select id, 1, $1, 1 from millrace_data.transaction where kafka_offset % 4 = 0`,
    [new Date(oldMs)],
  )
  const report = await prune(connections, { keepMs: 30 * dayMs, dryRun: false })
  assert.equal(report.problem, null)
  const [dropped] = report.dropped.filter(({ transactions }) => (transactions ?? 0) > 0)
  assert.deepEqual([dropped?.transactions, dropped?.kept.length], [8000, 24_000])
  assert.ok((dropped?.took?.lockMs ?? 0) < 3000, `writers waited for ${dropped?.took?.lockMs} ms`)
  assert.equal(new Set(dropped?.kept.map(({ id }) => id)).size, 24_000)
  const [left] = await db.query<{ open: number; attempts: number; ended: number }>(
    `select (select count(*)::int from millrace_data.transaction_attic) as open,
            (select count(*)::int from millrace_data.attempt_attic) as attempts,
            (select count(*)::int from millrace.transactions where ended_at is not null) as ended`,
  )
  assert.deepEqual(left, { open: 24_000, attempts: 24_000, ended: 0 })
  assert.equal((await take(ledger, 0)).open.length, 24_000)
  assert.deepEqual((await prune(connections, { keepMs: 30 * dayMs, dryRun: false })).dropped, [])
})
