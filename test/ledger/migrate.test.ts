/** Migrations run once, whoever runs them and however many at once. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { migrationsDir } from '../../src/engine.ts'
import { checkWriters, ledgerVersion, migrate, pendingMigrations } from '../../src/ledger/migrate.ts'
import { freshLedger, servers, unique } from '../support/servers.ts'

test('a second run finds nothing to do', async () => {
  const { databaseUrl } = await freshLedger()
  assert.deepEqual(await migrate(databaseUrl, migrationsDir()), [])
  assert.deepEqual(await pendingMigrations(databaseUrl, migrationsDir()), [])
})

test('two at once: one does it all, the other waits and finds nothing to do', async () => {
  const databaseUrl = await emptyDatabase()
  const pending = await pendingMigrations(databaseUrl, migrationsDir())
  assert.ok(pending.length >= 2)
  const done = await Promise.all([migrate(databaseUrl, migrationsDir()), migrate(databaseUrl, migrationsDir())])
  assert.deepEqual(
    done.toSorted((a, b) => a.length - b.length),
    [[], pending],
  )
})

test('a newer version has run files of its own: this one runs beside it, until that one contracts', async () => {
  const { databaseUrl, query } = await freshLedger()
  await query(
    `insert into millrace_data.migrations (name, batch, migration_time) values ('9999_newer.sql', 9, clock_timestamp())`,
  )
  assert.deepEqual(await migrate(databaseUrl, migrationsDir()), [])
  await checkWriters(databaseUrl)
  await query('update millrace_data.writers set schema_from = $1', [ledgerVersion + 1])
  await assert.rejects(checkWriters(databaseUrl), { code: 'ledger_too_new', retryable: false })
})

test('the version that a coordinator writes is that of the latest migration', async () => {
  const files = (await readdir(migrationsDir())).filter((name) => name.endsWith('.sql')).sort()
  assert.equal(Number(files.at(-1)?.slice(0, 4)), ledgerVersion)
})

test('history of before partitions becomes the first of them, with its rights', async () => {
  const databaseUrl = await emptyDatabase()
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const role = unique('writer')
  try {
    await migratedTo(client, '0005')
    await client.query(`create role ${role}; grant select, insert on millrace_data.transaction to ${role}`)
    const id = '019a0000-0000-8000-8000-000000000001'
    await client.query(
      `insert into millrace_data.engine (name) values ('e'); insert into millrace_data.topic (name) values ('t');
       insert into millrace_data.workflow (name) values ('w'); insert into millrace_data.lane (engine_id, topic_id, kafka_partition) values (1, 1, 0);
       insert into millrace_data.version (workflow_id, hash, source, step_ids, step_functions) values (1, repeat('a', 64), '', '{s}', '{f}');
       insert into millrace_data.transaction (id, lane_id, version_id, kafka_offset, event_id, envelope, fetched_at, admitted_at, commit_id)
       values ('${id}', 1, 1, 0, 'e', '{}', now(), now(), 7::int8 << 32);
       insert into millrace_data.attempt (transaction_id, step, attempt, outcome, step_state, commit_id) values ('${id}', 0, 1, 1, 1, 7::int8 << 32);
       insert into millrace_data.commit values (7::int8 << 32, '{1}', now(), now());
       insert into millrace_data.passed values (1, 1, 1, 2, 1, 7::int8 << 32)`,
    )
    assert.ok((await migrate(databaseUrl, migrationsDir())).length >= 3)
    const { rows } = await client.query(
      `select (select count(*)::int from millrace.steps where committed_at is not null) as steps,
              (select count(*)::int from millrace_data.transaction_first) as first,
              (select count(*)::int from millrace_data.passed_first) as passed,
              has_table_privilege($1, 'millrace_data.transaction', 'insert') as may,
              (select count(*)::int from pg_constraint where conname = 'room') as left`,
      [role],
    )
    assert.deepEqual(rows, [{ steps: 1, first: 1, passed: 1, may: true, left: 0 }])
    await assert.rejects(
      client.query(`insert into millrace_data.attempt select * from millrace_data.attempt`),
      /duplicate key/,
    )
  } finally {
    await client.query(`drop owned by ${role}; drop role ${role}`).catch(() => undefined)
    await client.end()
  }
})

test('keys get their item beside writers, also where an index was left half made', async () => {
  const databaseUrl = await emptyDatabase()
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    await migratedTo(client, '0009')
    const id = '019a0000-0000-8000-8000-000000000001'
    const attempted = `insert into millrace_data.attempt (transaction_id, step, attempt, outcome, step_state, commit_id) values ('${id}', 0, 1, 1, 1, 7)`
    await client.query(`${attempted}; insert into millrace_data.begun values ('${id}', 0, 1, 7)`)
    await client.query('create unique index attempt_first_with_item on millrace_data.attempt_first (step)')
    await client.query(
      `update pg_index set indisvalid = false where indexrelid = 'millrace_data.attempt_first_with_item'::regclass`,
    )
    await migrate(databaseUrl, migrationsDir())
    const { rows } = await client.query(
      `select i.indrelid::regclass::text as of, pg_get_indexdef(i.indexrelid) as def from pg_index i
       join pg_class c on c.oid = i.indexrelid where c.relname in ('attempt_first_pkey', 'begun_first_pkey') and i.indisvalid order by 1`,
    )
    assert.deepEqual(
      rows.map(({ of, def }) => [of, /\((.*)\)/.exec(def)?.[1]]),
      ['attempt', 'begun'].map((name) => [`millrace_data.${name}_first`, 'transaction_id, step, attempt, item']),
    )
    await assert.rejects(client.query(attempted), { code: '23505' })
    await client.query(attempted.replace('commit_id)', 'commit_id, item)').replace('7)', "7, '3')"))
    const { rows: left } = await client.query(`select relname from pg_class where relname like '%with_item%'`)
    assert.deepEqual(left, [])
    const { rows: unchecked } = await client.query(
      `select conname from pg_constraint where not convalidated and connamespace = 'millrace_data'::regnamespace`,
    )
    assert.deepEqual(unchecked, [])
  } finally {
    await client.end()
  }
})

/** As it was before the file of this name. */
async function migratedTo(client: pg.Client, name: string): Promise<void> {
  await client.query(
    'create schema millrace_data; create table millrace_data.migrations (id serial, name text, batch int, migration_time timestamptz)',
  )
  const files = (await readdir(migrationsDir())).filter((each) => each.endsWith('.sql') && each < name).sort()
  for (const each of files) {
    await client.query(await readFile(join(migrationsDir(), each), 'utf8'))
    await client.query('insert into millrace_data.migrations (name, batch, migration_time) values ($1, 1, now())', [
      each,
    ])
  }
}

async function emptyDatabase(): Promise<string> {
  const { databaseUrl } = await servers()
  const name = unique('empty')
  await administer(databaseUrl, `create database ${name}`)
  after(() => administer(databaseUrl, `drop database ${name} with (force)`))
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return url.href
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(sql)
  await client.end()
}
