/**
 * Hears at once that an event came for somebody who waits in a lane of ours, though it was read elsewhere: a connection of
 * its own that listens. Without it the next sign of life tells, so it may fail quietly, and comes back.
 */
import pg from 'pg'
import { publish } from '../telemetry/channels.ts'
import { type Way, wayTo } from './way.ts'

/** Payload: ids of lanes, with blanks between. */
export const nudgeChannel = 'millrace_nudge'

const againMs = { first: 1000, most: 30_000 }

export class Nudges implements AsyncDisposable {
  readonly #way: Way
  #client: pg.Client | null = null
  #onNudge: ((laneIds: readonly number[]) => void) | null = null
  #timer: NodeJS.Timeout | undefined
  #pauseMs = againMs.first
  #stopped = false

  constructor(databaseUrl: string) {
    this.#way = wayTo(databaseUrl)
  }

  /** Hears from now on; of all lanes, ours or not. */
  start(onNudge: (laneIds: readonly number[]) => void): void {
    const isFirst = this.#onNudge === null
    this.#onNudge = onNudge
    if (isFirst) void this.#listen()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #listen(): Promise<void> {
    const client = new pg.Client({
      ...this.#way.config(),
      application_name: 'millrace nudges',
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    })
    this.#client = client
    client.on('notification', ({ payload }) => this.#hear(payload ?? ''))
    client.on('error', () => undefined)
    client.once('end', () => this.#again(client))
    try {
      await client.connect()
      await client.query(`listen ${nudgeChannel}`)
      this.#pauseMs = againMs.first
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error)
      publish('notice', { level: 'debug', message: 'nudges from elsewhere are heard of later', cause })
      await client.end().catch(() => undefined)
      this.#again(client)
    }
  }

  #hear(payload: string): void {
    const laneIds = payload.split(' ').map(Number).filter(Number.isInteger)
    if (laneIds.length > 0) this.#onNudge?.(laneIds)
  }

  #again(client: pg.Client): void {
    if (this.#stopped || this.#client !== client) return
    this.#client = null
    this.#timer = setTimeout(() => void this.#listen(), this.#pauseMs)
    this.#pauseMs = Math.min(this.#pauseMs * 2, againMs.most)
  }
}
