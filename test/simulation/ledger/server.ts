/** The database server: statements arrive, wait for locks, land or not. What a client believes about that is its own affair. */
import { EngineError } from '../../../src/base/error.ts'
import { epochUs } from '../process.ts'
import type { Schedule } from '../schedule.ts'
import type { Statement } from './statements.ts'
import { Tables } from './tables.ts'

/** What the server says to a statement. */
export type Reply = { readonly value: unknown } | { readonly error: EngineError }

export interface Request {
  readonly from: string
  readonly statement: Statement<unknown>
  /** How long it holds its locks before it lands. */
  readonly holdUs: number
  readonly reply: (reply: Reply) => void
}

export class Server {
  readonly tables = new Tables()
  readonly #schedule: Schedule
  readonly #locked = new Set<string>()
  readonly #held = new Set<Request>()
  #waiting: Request[] = []
  up = true

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  get nowUs(): number {
    return epochUs + this.#schedule.nowUs
  }

  arrive(request: Request): void {
    if (this.up) this.#lock(request)
    else request.reply({ error: connectionLost() })
  }

  #lock(request: Request): void {
    const locks = request.statement.locks?.() ?? []
    if (locks.some((each) => this.#locked.has(each))) {
      this.#waiting.push(request)
      return
    }
    if (request.holdUs === 0) this.#land(request)
    else this.#hold(request, locks)
  }

  #hold(request: Request, locks: readonly string[]): void {
    for (const each of locks) this.#locked.add(each)
    this.#held.add(request)
    const { from, statement } = request
    this.#schedule.after(request.holdUs, `${from} ${statement.name} lands at last`, () => {
      if (!this.#held.delete(request)) return
      this.#land(request)
      this.#unlock(locks)
    })
  }

  /** Whatever has not landed never will. */
  crash(): void {
    this.up = false
    const lost = [...this.#held, ...this.#waiting]
    this.#held.clear()
    this.#locked.clear()
    this.#waiting = []
    for (const request of lost) request.reply({ error: connectionLost() })
  }

  recover(): void {
    this.up = true
  }

  #land({ statement, reply, from }: Request): void {
    try {
      const value = statement.act(this.nowUs)
      if (statement.name === 'commit') this.#schedule.tell(`${from} commit ${statement.about} is in`)
      reply({ value })
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      reply({ error })
    }
  }

  #unlock(locks: readonly string[]): void {
    for (const each of locks) this.#locked.delete(each)
    const waiting = this.#waiting
    this.#waiting = []
    for (const request of waiting) this.arrive(request)
  }
}

/** No answer, or the session ended around the statement: it may have been carried out. */
export function connectionLost(): EngineError {
  return new EngineError('ledger_outage', 'connection lost', { retryable: true, details: { ambiguous: true } })
}
