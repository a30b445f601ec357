/** People who cancel what runs and have what has ended run again, while everything else goes on. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { EngineError } from '../../../src/base/error.ts'
import { ask } from '../../../src/ledger/command.ts'
import { type Connections, connect } from '../../../src/ledger/connect.ts'
import type { Arena } from '../arena.ts'
import type { Random } from '../random.ts'

interface Target {
  readonly id: string
  readonly state: string
  readonly eventId: string
}

/** `onAgain`: who waits for something has it taken back, and needs another. */
export class Operators {
  readonly #arena: Arena
  readonly #random: Random
  readonly #onAgain: (eventId: string) => Promise<void>
  readonly #db: Connections
  readonly #stopping = new AbortController()
  #asked = 0
  #loop: Promise<void> | undefined

  constructor(arena: Arena, random: Random, onAgain: (eventId: string) => Promise<void>) {
    this.#arena = arena
    this.#random = random
    this.#onAgain = onAgain
    this.#db = connect({ databaseUrl: arena.databaseUrl, connectionsMax: 1, answerMsMax: 5000 })
    arena.defer(() => this.stop())
  }

  get asked(): number {
    return this.#asked
  }

  start(everyMs: number): void {
    this.#loop ??= this.#run(everyMs)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    await this.#db.end()
  }

  async #run(everyMs: number): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.#act().catch((error) => {
        if (!(error instanceof EngineError) && !isOutage(error)) throw error
      })
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Half of the time somebody who runs is cancelled, else somebody who has ended badly begins anew. */
  async #act(): Promise<void> {
    const cancels = this.#random.fraction() < 0.6
    const states = cancels ? ['running', 'waiting', 'compensating'] : ['compensated', 'cancelled', 'failed']
    const targets = await this.#arena.query<Target & { id: string }>(
      `select id, state, event_id as "eventId" from millrace.transactions
       where state = any($1) and parent_id is null and round < 3 order by admitted_at desc limit 50`,
      [states],
    )
    if (targets.length === 0) return
    const { id, eventId } = this.#random.oneOf(targets)
    const kind = cancels ? 'cancel' : 'retry'
    await ask(this.#db, [{ kind, target: id, args: '{}' }], { askedBy: 'an operator', why: null })
    this.#asked++
    if (!cancels) await this.#onAgain(eventId)
  }
}

/** Of a server that is killed while it is asked. */
const isOutage = (error: unknown) =>
  error instanceof pg.DatabaseError || /ECONN|terminated|timeout/i.test(String(error))
