/** A look at the whole ledger at one moment of it, however long the look takes: nothing is written, nobody is held up. */
import pg from 'pg'
import { addressOf } from './connect.ts'
import { ledgerError } from './failure.ts'

export interface Snapshot {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
}

/** Failures are `EngineError`s (see failure.ts). */
export async function withSnapshot<T>(databaseUrl: string, act: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const address = addressOf(databaseUrl)
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'millrace verify',
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  // Lost between two queries: the next one says so.
  client.on('error', () => undefined)
  const query = async <Row extends object>(text: string, values: readonly unknown[] = []) => {
    try {
      return (await client.query(text, [...values])).rows as Row[]
    } catch (error) {
      throw ledgerError(error, address)
    }
  }
  try {
    await connected(client, address)
    for (const statement of opening) await query(statement)
    return await act({ query })
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function connected(client: pg.Client, address: string): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    throw ledgerError(error, address)
  }
}

/** Big sorts and joins, few of them: memory is worth more to them than what compiling them would gain. */
const opening = [
  'begin isolation level repeatable read read only',
  "set local work_mem = '128MB'",
  'set local jit = off',
  'set local statement_timeout = 0',
  'set local idle_in_transaction_session_timeout = 0',
]
