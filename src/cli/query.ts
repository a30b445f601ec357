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
    throw isUndefined(error) ? notMigrated(address, error) : error
  }
}

/** A table, view or column that is not there: none of this name at all, or an older ledger. */
function isUndefined(error: unknown): boolean {
  return error instanceof EngineError && ['42P01', '42703'].includes(String(error.details.sqlState))
}

function notMigrated(address: string, cause: unknown): EngineError {
  const message = `there is no ledger in Postgres at ${address} yet, or an older one: run \`millrace migrate\` first`
  return new EngineError('ledger_not_migrated', message, { cause })
}
