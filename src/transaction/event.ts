/** Everything that may happen to a transaction. Time arrives in the event; µs since 1970. */
import type { AttemptReport } from './attempt.ts'
import type { ChildEnd, StepRef } from './transaction.ts'

export type TransactionEvent =
  | Started
  | AttemptReserved
  | AttemptEnded
  | TimerDue
  | SignalArrived
  | ChildEnded
  | StepResolved
  | CancelAsked
  | UndoAsked
  | RetryAsked

/** Its turn has come: it was admitted with nothing of its key before it, its predecessor ended, or its lane was opened. */
export interface Started {
  readonly type: 'Started'
  readonly atUs: number
  /** Another coordinator may have run some of it, and was lost before it could write so. */
  readonly isTakenOver?: boolean
}

/** Its function is not idempotent, and a worker process is kept for it: it may run once that is durable. */
export interface AttemptReserved extends StepRef {
  readonly type: 'AttemptReserved'
  readonly atUs: number
  readonly attempt: number
}

export interface AttemptEnded extends StepRef {
  readonly type: 'AttemptEnded'
  readonly atUs: number
  /** From 1; an event for another attempt than the one awaited is refused. */
  readonly attempt: number
  /** When it could first have been dispatched; null when it was not. */
  readonly eligibleUs: number | null
  readonly report: AttemptReport
}

/** The delay before a step's next attempt is over, or its sleep, or its wait for an event. */
export interface TimerDue extends StepRef {
  readonly type: 'TimerDue'
  readonly atUs: number
}

/** An event of a topic, with the business key that a step waits for; it is this step's by now. */
export interface SignalArrived extends StepRef {
  readonly type: 'SignalArrived'
  readonly atUs: number
  readonly signal: Signal
}

/** A kept event, as its waiter sees it. */
export interface Signal {
  readonly id: string
  /** JSON text: `{ id, type, source, time, key, data }`. */
  readonly text: string
}

/** The sub-workflow that a step called has ended, or is undone. */
export interface ChildEnded extends StepRef {
  readonly type: 'ChildEnded'
  readonly atUs: number
  readonly childId: string
  readonly end: ChildEnd
}

/** A person says what became of a step in doubt. */
export interface StepResolved {
  readonly type: 'StepResolved'
  readonly atUs: number
  /** The step's id; with the item's places behind it, if it is of one: `bill[3]`. */
  readonly step: string
  readonly outcome: 'ok' | 'fail'
  /** JSON text, when `ok`. */
  readonly output: string | null
  /** Who, and why. */
  readonly by: string
}

/** It is to go no further, and what it did is to be undone. Also the parent's word to one that runs. */
export interface CancelAsked {
  readonly type: 'CancelAsked'
  readonly atUs: number
  /** Who, and why. */
  readonly by: string
}

/** A person wants undone what a failed compensation left; or the parent, what its completed child did. */
export interface UndoAsked {
  readonly type: 'UndoAsked'
  readonly atUs: number
  readonly by: string
}

/** A person wants it to go on where it failed, or from a step on; it opens another round. */
export interface RetryAsked {
  readonly type: 'RetryAsked'
  readonly atUs: number
  /** The step's id; null: the one that failed. */
  readonly from: string | null
  /** JSON text: what the step is given in place of its `with`; null: that. */
  readonly input: string | null
  readonly by: string
}

export type EventType = TransactionEvent['type']
export const eventTypes = [
  'Started',
  'AttemptReserved',
  'AttemptEnded',
  'TimerDue',
  'SignalArrived',
  'ChildEnded',
  'StepResolved',
  'CancelAsked',
  'UndoAsked',
  'RetryAsked',
] as const satisfies readonly EventType[]
