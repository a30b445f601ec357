/** Connections to Postgres, and the one place that says how they are made. */
import pg from 'pg'
import { ledgerError } from './failure.ts'
import { type Way, wayTo } from './way.ts'

export interface LedgerSettings {
  /** postgres://user:password@host:port/database; `sslmode`, `sslrootcert`, `sslcert` and `sslkey` are honoured (way.ts). */
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
  const way = wayTo(settings.databaseUrl)
  const pool = new pg.Pool({
    Client: clientBy(way),
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
        throw ledgerError(error, address, way.tls)
      }
    },
    end() {
      ended ??= pool.end()
      return ended
    },
  }
}

/** The pool makes each of its connections by itself: how is to be asked anew each time. */
function clientBy(way: Way): typeof pg.Client {
  return class extends pg.Client {
    constructor(config: pg.ClientConfig) {
      super({ ...config, ...way.config() })
    }
  }
}

/**
 * Since version 17 the server bounds whole transactions; before, those that are idle in the middle. A statement is planned
 * once for all partitions (planning costs more than a small commit) and while some are empty: without the last three it
 * would go on reading those from end to end when they are full.
 */
async function bound(client: pg.ClientBase, heldMsMax: number): Promise<void> {
  const settings = {
    transaction_timeout: String(heldMsMax),
    idle_in_transaction_session_timeout: String(heldMsMax),
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    jit: 'off',
  }
  await client.query(
    `select set_config(name, value, false) from pg_settings join unnest($1::text[], $2::text[]) as w (name, value) using (name)`,
    [Object.keys(settings), Object.values(settings)],
  )
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
