import assert from 'node:assert/strict'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'pg'
import { isAlive } from '../../src/local/life.ts'
import { startPostgres } from '../../src/local/postgres.ts'
import { folderFor } from './folder.ts'

test('rows outlive a stop and a kill, in one folder that only one may use', async (t) => {
  const dataDir = join(folderFor(t), 'postgres')
  {
    await using postgres = await startPostgres({ dataDir })
    assert.deepEqual(await query(postgres.url, 'select 1 as one'), [{ one: 1 }])
    await query(postgres.url, 'create table films (name text)')
    await query(postgres.url, "insert into films values ('first')")
    await assert.rejects(startPostgres({ dataDir }), { code: 'data_dir_in_use', message: new RegExp(dataDir) })
    await postgres.stop()
    assert.equal(isAlive(postgres.pid), false)
  }
  {
    await using postgres = await startPostgres({ dataDir })
    await query(postgres.url, "insert into films values ('second')")
    process.kill(postgres.pid, 'SIGKILL')
    assert.equal(await postgres.exited, 128 + 9)
  }
  await using postgres = await startPostgres({ dataDir })
  assert.deepEqual(await query(postgres.url, 'select name from films'), [{ name: 'first' }, { name: 'second' }])
})

test('it is durable, it is on this machine only, and it asks for a password that others cannot read', async (t) => {
  const dataDir = join(folderFor(t), 'postgres')
  await using postgres = await startPostgres({ dataDir })
  const settings = "select string_agg(setting, ' ' order by name) as s from pg_settings where name in "
  const rows = await query(postgres.url, `${settings} ('fsync', 'synchronous_commit', 'listen_addresses')`)
  assert.deepEqual(rows, [{ s: 'on 127.0.0.1 on' }])
  assert.equal(statSync(join(dataDir, 'password')).mode & 0o777, 0o600)
  const wrong = new URL(postgres.url)
  wrong.password = 'wrong'
  await assert.rejects(query(wrong.href, 'select 1'), { code: '28P01' })
})

test('a port that is taken is named', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  await assert.rejects(startPostgres({ dataDir: folderFor(t), port }), { code: 'port_in_use', details: { port } })
})

test('a folder that cannot be one is named', async (t) => {
  const dataDir = join(folderFor(t), 'file')
  writeFileSync(dataDir, '')
  await assert.rejects(startPostgres({ dataDir }), { code: 'data_dir_unusable', message: new RegExp(dataDir) })
})

const notRoot = process.getuid?.() === 0 ? false : 'only root runs Postgres as somebody else'

test('below a folder that only root may enter', { skip: notRoot }, async (t) => {
  const dir = folderFor(t)
  chmodSync(dir, 0o700)
  const dataDir = join(dir, 'postgres')
  for (const expected of [[], [{ name: 'first' }]]) {
    await using postgres = await startPostgres({ dataDir })
    assert.match(postgres.notes.join(), /keeps its data in \/var\/lib\/millrace\/postgres-/)
    await query(postgres.url, 'create table if not exists films (name text)')
    assert.deepEqual(await query(postgres.url, 'select name from films'), expected)
    await query(postgres.url, "insert into films values ('first')")
  }
  assert.ok(readdirSync(dataDir).includes('elsewhere'))
})

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
