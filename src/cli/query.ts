/** One look into the ledger. */
import { EngineError } from '../base/error.ts'
import { loadConfig } from '../config.ts'
import { type Connections, connect } from '../ledger/connect.ts'
import { databaseUrl } from './addresses.ts'

/** Throws `EngineError`: `ledger_not_migrated`, or what ledger/failure.ts says. */
export async function query<T>(ask: (db: Connections) => Promise<T>): Promise<T> {
  const answerMsMax = loadConfig()['postgres.answerTimeout']
  const db = connect({ databaseUrl: databaseUrl(), connectionsMax: 2, answerMsMax })
  try {
    return await explained(db.address, ask(db))
  } finally {
    await db.end()
  }
}

/** The answer, or what its failure means to whoever has not run `migrate`. */
export async function explained<T>(address: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw isUndefinedTable(error) ? notMigrated(address, error) : error
  }
}

function isUndefinedTable(error: unknown): boolean {
  return error instanceof EngineError && error.details.sqlState === '42P01'
}

function notMigrated(address: string, cause: unknown): EngineError {
  const message = `there is no ledger in Postgres at ${address} yet: run \`millrace migrate\` first`
  return new EngineError('ledger_not_migrated', message, { cause })
}
