/** Connections to Postgres, and the one place that says how they are made. */
import pg from 'pg'
import { ledgerError } from './failure.ts'

export interface LedgerSettings {
  /** postgres://user:password@host:port/database; `sslmode` and `sslrootcert` are honoured. */
  readonly databaseUrl: string
  readonly connectionsMax: number
  /** No answer within this is an outage, in milliseconds. */
  readonly answerMsMax: number
  /** The server ends a transaction of ours that is older than this, in milliseconds; without it, none. */
  readonly heldMsMax?: number
}

/** Queries whose failures are `EngineError`s (see failure.ts). */
export interface Connections {
  readonly address: string
  query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<Row[]>
  end(): Promise<void>
}

export function connect(settings: LedgerSettings): Connections {
  const address = addressOf(settings.databaseUrl)
  const { heldMsMax } = settings
  const pool = new pg.Pool({
    connectionString: settings.databaseUrl,
    max: settings.connectionsMax,
    application_name: 'millrace',
    connectionTimeoutMillis: 5000,
    query_timeout: settings.answerMsMax,
    keepAlive: true,
    allowExitOnIdle: false,
    ...(heldMsMax === undefined ? {} : { onConnect: (client: pg.ClientBase) => bound(client, heldMsMax) }),
  })
  // A connection that dies while idle is simply replaced; the next query tells of an outage.
  pool.on('error', () => undefined)
  let ended: Promise<void> | undefined
  return {
    address,
    async query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig) {
      try {
        return (await pool.query<Row>(statement)).rows
      } catch (error) {
        throw ledgerError(error, address)
      }
    },
    end() {
      ended ??= pool.end()
      return ended
    },
  }
}

/** Since version 17 the server bounds whole transactions; before, those that are idle in the middle. */
async function bound(client: pg.ClientBase, heldMsMax: number): Promise<void> {
  const names = `'transaction_timeout', 'idle_in_transaction_session_timeout'`
  await client.query(`select set_config(name, $1, false) from pg_settings where name in (${names})`, [
    String(heldMsMax),
  ])
}

/** host:port/database, without the password. */
export function addressOf(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl)
    return `${url.hostname}:${url.port || 5432}${url.pathname}`
  } catch {
    return '(not a URL)'
  }
}
