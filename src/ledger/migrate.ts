/** Brings the ledger's schema up to date: plain forward-only SQL files, run by knex through a source of our own. */
import { readdir, readFile } from 'node:fs/promises'
import knex, { type Knex } from 'knex'
import { EngineError, messageOf } from '../base/error.ts'
import { addressOf } from './connect.ts'

/** Answers with the names of the files that were run; none when the schema was up to date. */
export async function migrate(databaseUrl: string, directory: string): Promise<string[]> {
  const db = knex({ client: 'pg', connection: databaseUrl, pool: { min: 1, max: 2 } })
  try {
    return await alone(db, async () => {
      await db.migrate.forceFreeMigrationsLock(await options(directory))
      const [, names] = (await db.migrate.latest(await options(directory))) as [number, string[]]
      return names
    })
  } catch (error) {
    throw new EngineError('migration_failed', `the ledger at ${addressOf(databaseUrl)}: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    await db.destroy()
  }
}

/** An advisory lock instead of knex's own, whose row stays locked for ever when a migration is killed. */
async function alone<T>(db: Knex, act: () => Promise<T>): Promise<T> {
  return db.transaction(async (holder) => {
    await holder.raw('select pg_advisory_xact_lock(?)', [lockKey])
    return act()
  })
}

/** Any number no one else takes: "millrace" as bytes, cut to 48 bits. */
const lockKey = 0x6d696c6c7261

async function options(directory: string): Promise<Knex.MigratorConfig> {
  const files = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  return {
    tableName: 'millrace_migrations',
    migrationSource: {
      getMigrations: async () => files,
      getMigrationName: (file: string) => file,
      getMigration: async (file: string) => migration(await readFile(`${directory}/${file}`, 'utf8')),
    },
  }
}

function migration(sql: string): Knex.Migration {
  return {
    up: async (db: Knex) => void (await db.raw(sql.replaceAll('?', '\\?'))),
    down: async () => {
      throw new Error('migrations go forward only')
    },
  }
}
