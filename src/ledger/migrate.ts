/** Brings the ledger's schema up to date: plain forward-only SQL files, run by knex through a source of our own. */
import { readdir, readFile } from 'node:fs/promises'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import { EngineError } from '../base/error.ts'
import { addressOf, connect } from './connect.ts'
import { ledgerError } from './failure.ts'
import { makeRoom } from './room/make.ts'
import { wayTo } from './way.ts'

/** Answers with the names of the files that were run; none when the schema was up to date. Makes the partitions to come, too. */
export async function migrate(databaseUrl: string, directory: string): Promise<string[]> {
  const names = await runFiles(databaseUrl, directory)
  const db = connect({ databaseUrl, connectionsMax: 1, answerMsMax: 60_000 })
  try {
    await makeRoom(db)
  } finally {
    await db.end()
  }
  return names
}

function runFiles(databaseUrl: string, directory: string): Promise<string[]> {
  return alone(databaseUrl, () =>
    withKnex(databaseUrl, async (db) => {
      await db.raw('create schema if not exists millrace_data')
      await db.migrate.forceFreeMigrationsLock(await options(directory))
      const [, names] = (await db.migrate.latest(await options(directory))) as [number, string[]]
      return names
    }),
  )
}

/** The number of the latest migration that this version of the engine knows how to write to. */
export const ledgerVersion = 14

/**
 * A newer version may have migrated the ledger. As long as it only expanded, this one goes on beside it; throws
 * `ledger_too_new` once a migration has contracted, for what this version writes would not be understood any more.
 */
export async function checkWriters(databaseUrl: string): Promise<void> {
  await withKnex(databaseUrl, async (db) => {
    const { rows } = await db.raw('select schema_from from millrace_data.writers')
    const from = Number(rows[0]?.schema_from ?? 0)
    if (from <= ledgerVersion) return
    const message = `the ledger is of a newer version: it takes writers of schema ${from} and above, and this one writes ${ledgerVersion}`
    throw new EngineError('ledger_too_new', `${message}; run the version of millrace that migrated it, or a newer one`)
  })
}

/** Names of the files that were not run yet. Changes nothing. */
export async function pendingMigrations(databaseUrl: string, directory: string): Promise<string[]> {
  const names = await migrationFiles(directory)
  return withKnex(databaseUrl, async (db) => {
    const { rows } = await db.raw(`select to_regclass('millrace_data.${tableName}') is not null as there`)
    const done = rows[0].there ? await db.withSchema('millrace_data').from(tableName).select('name') : []
    const run = new Set(done.map((row: { name: string }) => row.name))
    return names.filter((name) => !run.has(name))
  })
}

async function withKnex<T>(databaseUrl: string, act: (db: Knex) => Promise<T>): Promise<T> {
  const way = wayTo(databaseUrl)
  const db = knex({
    client: 'pg',
    connection: { ...way.config(), connectionTimeoutMillis: 5000, application_name: 'millrace migrate' },
    pool: { min: 0, max: 2 },
    acquireConnectionTimeout: 8000,
    log: silence,
  })
  try {
    return await act(db)
  } catch (error) {
    throw ledgerError(error, addressOf(databaseUrl), way.tls)
  } finally {
    await db.destroy()
  }
}

/** Knex writes to the console what it throws as well; who asked tells it, once. */
const silence = { warn() {}, error() {}, debug() {}, deprecate() {} }

/**
 * An advisory lock instead of knex's own, whose row stays locked for ever when a migration is killed. A connection of its own
 * holds it, in no transaction, and asks for it again and again: an index that is built beside writers waits for every
 * transaction that had begun before, so it would wait for its own holder, or for who waits for that.
 */
async function alone<T>(databaseUrl: string, act: () => Promise<T>): Promise<T> {
  const way = wayTo(databaseUrl)
  const holder = new pg.Client({ ...way.config(), connectionTimeoutMillis: 5000, keepAlive: true })
  holder.on('error', () => undefined)
  try {
    await holder.connect()
    while (!(await holder.query(`select pg_try_advisory_lock(${lockKey}) as held`)).rows[0].held) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return await act()
  } catch (error) {
    throw ledgerError(error, addressOf(databaseUrl), way.tls)
  } finally {
    await holder.end().catch(() => undefined)
  }
}

/** Any number no one else takes: "millrace" as bytes, cut to 48 bits. */
const lockKey = 0x6d696c6c7261

const tableName = 'migrations'

async function migrationFiles(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
}

async function options(directory: string): Promise<Knex.MigratorConfig> {
  const files = await migrationFiles(directory)
  return {
    schemaName: 'millrace_data',
    tableName,
    // A newer version may have run files that this one does not have.
    disableMigrationsListValidation: true,
    migrationSource: {
      getMigrations: async () => files,
      getMigrationName: (file: string) => file,
      getMigration: async (file: string) => migration(await readFile(`${directory}/${file}`, 'utf8')),
    },
  }
}

/** psql's word for: each row is a statement, to be run by itself. Whatever holds nobody up for long is made so. */
const each = /\\gexec\s*$/

function migration(sql: string): Knex.Migration & { config?: { transaction: boolean } } {
  const down = async () => {
    throw new Error('migrations go forward only')
  }
  if (!each.test(sql)) return { up: async (db: Knex) => void (await db.raw(escaped(sql))), down }
  const up = async (db: Knex) => {
    const { rows } = await db.raw(escaped(sql.replace(each, '')))
    for (const { statement } of rows) await db.raw(escaped(statement))
  }
  return { up, down, config: { transaction: false } }
}

/** A question mark would be a parameter. */
function escaped(sql: string): string {
  return sql.replaceAll('?', '\\?')
}
