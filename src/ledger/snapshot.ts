/** A look at the whole ledger at one moment of it, however long the look takes: nothing is written, nobody is held up. */
import pg from 'pg'
import type { TlsFiles } from '../base/tls.ts'
import { addressOf } from './connect.ts'
import { ledgerError } from './failure.ts'
import { wayTo } from './way.ts'

export interface Snapshot {
  /** Two at once are two at once. */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
}

/** Failures are `EngineError`s (see failure.ts). */
export async function withSnapshot<T>(databaseUrl: string, act: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const views: View[] = []
  try {
    const first = await open(databaseUrl, views)
    const [exported] = await first.query<{ id: string }>('select pg_export_snapshot() as id')
    // One connection is enough where there is no second to be had.
    await open(databaseUrl, views, exported?.id).catch(() => undefined)
    return await act({ query: (text, values) => idlest(views).query(text, values) })
  } finally {
    await Promise.all(views.map((view) => view.end()))
  }
}

/** One is in `views` as soon as it is of use, so that it is closed whatever comes. */
async function open(databaseUrl: string, views: View[], snapshot?: string): Promise<View> {
  const view = new View(databaseUrl)
  try {
    await view.start(snapshot)
    views.push(view)
    return view
  } catch (error) {
    await view.end()
    throw error
  }
}

function idlest(views: readonly View[]): View {
  return views.reduce((best, view) => (view.busy < best.busy ? view : best))
}

class View {
  /** Queries that have not been answered. */
  busy = 0
  readonly #client: pg.Client
  readonly #address: string
  readonly #tls: TlsFiles

  constructor(databaseUrl: string) {
    const way = wayTo(databaseUrl)
    this.#address = addressOf(databaseUrl)
    this.#tls = way.tls
    this.#client = new pg.Client({
      ...way.config(),
      application_name: 'millrace verify',
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    })
    // Lost between two queries: the next one says so.
    this.#client.on('error', () => undefined)
  }

  async start(snapshot: string | undefined): Promise<void> {
    await this.#asked(() => this.#client.connect())
    await this.query('begin isolation level repeatable read read only')
    if (snapshot !== undefined) await this.query(`set transaction snapshot ${pg.escapeLiteral(snapshot)}`)
    for (const setting of settings) await this.query(`set local ${setting}`)
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#asked(async () => (await this.#client.query(text, [...values])).rows as Row[])
  }

  async end(): Promise<void> {
    await this.#client.end().catch(() => undefined)
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    this.busy++
    try {
      return await ask()
    } catch (error) {
      throw ledgerError(error, this.#address, this.#tls)
    } finally {
      this.busy--
    }
  }
}

/**
 * Big sorts and joins, few of them: memory is worth more to them than what compiling them would gain. How many rows come out
 * of a join is guessed, and a loop within a loop that was guessed to be short takes hours.
 */
const settings = [
  "work_mem = '128MB'",
  'jit = off',
  'enable_nestloop = off',
  'statement_timeout = 0',
  'idle_in_transaction_session_timeout = 0',
]
