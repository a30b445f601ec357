/** Migrations run once, whoever runs them and however many at once. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import pg from 'pg'
import { migrationsDir } from '../../src/engine.ts'
import { migrate, pendingMigrations } from '../../src/ledger/migrate.ts'
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
