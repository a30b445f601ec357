/** `millrace prune` as people and cron jobs run it: with Postgres alone. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idAt } from '../../src/ledger/room/families.ts'
import { emptySince, idOfMoment } from '../support/partitions.ts'
import { freshProject } from '../support/project.ts'
import { freshDatabase, freshLedger } from '../support/servers.ts'
import { millrace } from './millrace.ts'

const dayMs = 86_400_000
const today = Math.floor(Date.now() / dayMs) * dayMs

test('what it made, what it dropped and how long that took, and what it kept', async () => {
  const ledger = await freshLedger()
  const env = { DATABASE_URL: ledger.databaseUrl }
  const cwd = await freshProject({})
  await emptySince(ledger, today - 35 * dayMs)
  const made = await millrace(cwd, ['prune', '--keep', '60d'], { env })
  assert.match(made.stdout, /^made {5}transaction_\d{8}, attempt_\d{8}, ending_\d{8}, begun_\d{8}: \d+ ms$/m)
  assert.match(made.stdout, /^kept what is open or ended after 20.* \(\d+\.\d s\)$/m)
  assert.equal(made.code, 0, made.stderr)
  const open = await admit(ledger, 33, false)
  await admit(ledger, 33, true)
  const dry = await millrace(cwd, ['prune', '--keep', '30d', '--dry-run'], { env })
  assert.match(dry.stdout, /^would drop transaction_\d{8}, .* with 1 transaction$/m)
  assert.match(dry.stdout, new RegExp(`^ {2}kept {3}${open}: running$`, 'm'))
  assert.match(dry.stdout, /^nothing was changed/m)
  const json = await millrace(cwd, ['prune', '--keep', '30d', '--json'], { env })
  const report = JSON.parse(json.stdout)
  const all = report.dropped.filter((each: { transactions: number | null }) => each.transactions !== null)
  assert.equal(all.length, 5)
  assert.deepEqual(
    all.flatMap((each: { kept: unknown[] }) => each.kept),
    [{ id: open, why: 'running' }],
  )
  const again = await millrace(cwd, ['prune', '--keep', '30d'], { env })
  assert.doesNotMatch(again.stdout, /dropped|made/)
  assert.deepEqual(await ledger.query('select id, state from millrace.transactions'), [{ id: open, state: 'running' }])

  async function admit(db: typeof ledger, days: number, ended: boolean): Promise<string> {
    const id = idOfMoment(today - days * dayMs + 1000, ended ? 1 : 2)
    assert.ok(id >= idAt(0))
    await db.query(
      `insert into millrace_data.transaction (id, lane_id, version_id, kafka_offset, event_id, envelope, fetched_at, admitted_at, commit_id)
       values ($1, 1, 1, 1, 'e', '{}', now(), now(), 1)`,
      [id],
    )
    await db.query(
      `insert into millrace_data.engine (name) select 'e' where not exists (select from millrace_data.engine)`,
    )
    await db.query(
      `insert into millrace_data.topic (name) select 't' where not exists (select from millrace_data.topic)`,
    )
    await db.query(
      `insert into millrace_data.lane (engine_id, topic_id, kafka_partition) select 1, 1, 0 where not exists (select from millrace_data.lane)`,
    )
    await db.query(
      `insert into millrace_data.workflow (name) select 'w' where not exists (select from millrace_data.workflow)`,
    )
    await db.query(
      `insert into millrace_data.version (workflow_id, hash, source, step_ids, step_functions)
       select 1, repeat('a', 64), '', '{}', '{}' where not exists (select from millrace_data.version)`,
    )
    if (ended)
      await db.query(
        `insert into millrace_data.ending (transaction_id, state, ended_at, commit_id) values ($1, 1, now() - interval '32 days', 1)`,
        [id],
      )
    return id
  }
})

for (const [args, message] of [
  [['prune'], /required option '--keep <duration>'/],
  [['prune', '--keep', '30'], /--keep 30: expected a duration such as 30d/],
  [['prune', '--keep', '30 days'], /--keep 30 days: expected a duration such as 30d; did you mean 30d\?/],
  [['prune', '--keep', '2h'], /--keep 2h: at least 1d must be kept/],
] as const) {
  test(`millrace ${args.join(' ')}: exit code 2 and what was wrong`, async () => {
    const { code, stderr } = await millrace(await freshProject({}), args)
    assert.match(stderr, message)
    assert.equal(code, 2)
  })
}

test('a ledger that is away, or was never made', async () => {
  const cwd = await freshProject({})
  const away = await millrace(cwd, ['prune', '--keep', '30d'], {
    env: { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/db' },
  })
  assert.match(away.stderr, /^error: Postgres at 127\.0\.0\.1:1\/db: .*\(ledger_outage\)$/m)
  assert.equal(away.code, 1)
  const none = await millrace(cwd, ['prune', '--keep', '30d'], { env: { DATABASE_URL: await freshDatabase() } })
  assert.match(none.stderr, /there is no ledger in Postgres .* run `millrace migrate` first \(ledger_not_migrated\)/)
  assert.equal(none.code, 1)
})
