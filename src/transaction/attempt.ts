/** What came back from one attempt at a step. */
import type { Form } from '../envelope/written.ts'

export type AttemptOutcome = 'ok' | 'retry' | 'fail' | 'timeout' | 'crash' | 'lost'

/** Everything known about an ended attempt; stamps are µs since 1970, null where there was none. */
export interface AttemptReport {
  readonly outcome: AttemptOutcome
  /** JSON text, when `ok`. */
  readonly output: string | null
  readonly errorCode: string | null
  readonly errorMessage: string | null
  /** The function's wish for a delay before the next attempt. */
  readonly retryAfterMs: number | null
  /** Nobody knows what it did outside: it was killed, got lost, threw, or answered what makes no sense. */
  readonly effectUnknown: boolean
  readonly dispatchedUs: number | null
  /** The worker's own clock. */
  readonly startedUs: number | null
  readonly finishedUs: number | null
  readonly receivedUs: number
  readonly logs: string | null
  /** What its function gave to `context.emit`; without it, nothing. Only one that ends `ok` publishes it. */
  readonly emitted?: readonly Emitted[]
  /** What it gave to `context.post`, as `emitted`. */
  readonly posted?: readonly Posted[]
}

/** A movement of money as a function asks for it. */
export interface Posted {
  readonly debit: string
  readonly credit: string
  /** Decimal digits: minor units, above 0. */
  readonly amount: string
  readonly currency: string
  readonly party: string | null
  readonly key: string | null
}

export interface Emitted {
  readonly topic: string
  readonly key: string | null
  /** JSON text; null: a record without a value. */
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
  /** How it is to be written; without it, as JSON. */
  readonly form?: Form
}
