/** Everything that may happen to a transaction. Time arrives in the event; µs since 1970. */
import type { AttemptReport } from './attempt.ts'

export type TransactionEvent = Started | AttemptReserved | AttemptEnded | TimerDue | StepResolved

/** Its turn has come: it was admitted with nothing of its key before it, its predecessor ended, or its lane was opened. */
export interface Started {
  readonly type: 'Started'
  readonly atUs: number
}

/** Its function is not idempotent, and a worker process is kept for it: it may run once that is durable. */
export interface AttemptReserved {
  readonly type: 'AttemptReserved'
  readonly atUs: number
  readonly step: number
  readonly attempt: number
}

export interface AttemptEnded {
  readonly type: 'AttemptEnded'
  readonly atUs: number
  readonly step: number
  /** From 1; an event for another attempt than the one awaited is refused. */
  readonly attempt: number
  /** When it could first have been dispatched; null when it was not. */
  readonly eligibleUs: number | null
  readonly report: AttemptReport
}

/** The delay before a step's next attempt is over. */
export interface TimerDue {
  readonly type: 'TimerDue'
  readonly atUs: number
  readonly step: number
}

/** A person says what became of a step in doubt. */
export interface StepResolved {
  readonly type: 'StepResolved'
  readonly atUs: number
  /** The step's id. */
  readonly step: string
  readonly outcome: 'ok' | 'fail'
  /** JSON text, when `ok`. */
  readonly output: string | null
  /** Who, and why. */
  readonly by: string
}

export type EventType = TransactionEvent['type']
export const eventTypes = [
  'Started',
  'AttemptReserved',
  'AttemptEnded',
  'TimerDue',
  'StepResolved',
] as const satisfies readonly EventType[]
