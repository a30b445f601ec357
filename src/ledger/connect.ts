/** Connections to Postgres, and the one place that says how they are made. */
import pg from 'pg'
import { ledgerError } from './failure.ts'

export interface LedgerSettings {
  /** postgres://user:password@host:port/database; `sslmode` and `sslrootcert` are honoured. */
  readonly databaseUrl: string
  readonly connectionsMax: number
  /** No answer within this is an outage, in milliseconds. */
  readonly answerMsMax: number
}

/** Queries whose failures are `EngineError`s (see failure.ts). */
export interface Connections {
  readonly address: string
  query<Row extends pg.QueryResultRow>(statement: pg.QueryConfig): Promise<Row[]>
  end(): Promise<void>
}

export function connect(settings: LedgerSettings): Connections {
  const address = addressOf(settings.databaseUrl)
  const pool = new pg.Pool({
    connectionString: settings.databaseUrl,
    max: settings.connectionsMax,
    application_name: 'millrace',
    connectionTimeoutMillis: 5000,
    query_timeout: settings.answerMsMax,
    keepAlive: true,
    allowExitOnIdle: false,
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

/** host:port/database, without the password. */
export function addressOf(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl)
    return `${url.hostname}:${url.port || 5432}${url.pathname}`
  } catch {
    return '(not a URL)'
  }
}
