/** Migrations run once, whoever runs them and however many at once. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
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
