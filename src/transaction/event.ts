/** Everything that may happen to a transaction. Time arrives in the event; µs since 1970. */
import type { AttemptReport } from './attempt.ts'

export type TransactionEvent = Started | AttemptEnded | TimerDue

/** Its turn has come: it was admitted with nothing of its key before it, its predecessor ended, or its lane was opened. */
export interface Started {
  readonly type: 'Started'
  readonly atUs: number
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

export type EventType = TransactionEvent['type']
export const eventTypes = ['Started', 'AttemptEnded', 'TimerDue'] as const satisfies readonly EventType[]
