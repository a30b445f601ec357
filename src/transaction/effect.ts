/** What a transition asks for: rows that go into the commit, and acts that follow it. */

import type { Step } from '../workflow/plan.ts'
import type { AttemptOutcome } from './attempt.ts'

export type Effect = DurableEffect | LiveEffect
export type DurableEffect = RecordBegun | RecordAttempt | RecordEnding | RecordMessage
export type LiveEffect = Invoke | Proceed | ArmTimer

/** "May have run": durable before a function that is not idempotent is called. */
export interface RecordBegun {
  readonly type: 'RecordBegun'
  readonly row: BegunRow
}

export interface BegunRow {
  readonly transactionId: string
  readonly step: number
  readonly attempt: number
}

export interface RecordAttempt {
  readonly type: 'RecordAttempt'
  readonly row: AttemptRow
}

/** One ended attempt as the ledger holds it. `skipped` has attempt 0. */
export interface AttemptRow {
  readonly transactionId: string
  readonly step: number
  readonly attempt: number
  readonly outcome: AttemptOutcome | 'skipped'
  /** What it left its step in; null when another attempt follows. */
  readonly stepState: 'ok' | 'skipped' | 'failed' | 'in_doubt' | null
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly output: string | null
  readonly logs: string | null
  /** When the attempt that follows is due. */
  readonly nextUs: number | null
  readonly eligibleUs: number | null
  readonly dispatchedUs: number | null
  readonly startedUs: number | null
  readonly finishedUs: number | null
  readonly receivedUs: number | null
  /** No attempt but a person's word on the one before it: who, and why. */
  readonly resolvedBy: string | null
}

export interface RecordEnding {
  readonly type: 'RecordEnding'
  readonly row: EndingRow
}

export interface EndingRow {
  readonly transactionId: string
  readonly state: 'completed' | 'failed'
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly endedUs: number
  /** Its record was kept in case it failed: it can go now. */
  readonly recordKept: boolean
}

export interface RecordMessage {
  readonly type: 'RecordMessage'
  readonly row: OutgoingRow
}

/** A message to Kafka, in the commit of what caused it. */
export interface OutgoingRow {
  readonly id: string
  readonly transactionId: string
  /** Null: of the transaction's end. */
  readonly step: number | null
  /** Among those of its step or end, from 0. */
  readonly n: number
  readonly topic: string
  readonly key: string | null
  /** JSON text; null: a record without a value. */
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
  /** It could not be made, and why: it is kept to be seen, and not published. */
  readonly error: string | null
}

/** Run a step's function. */
export interface Invoke {
  readonly type: 'Invoke'
  readonly step: Step
  readonly attempt: number
  /** `idempotencyKeyOf` this is the key. */
  readonly idempotencySeed: string
  /** JSON text on one line. */
  readonly input: string
  readonly notAfterUs: number | null
  /** When its delay was over; null: as soon as the commit before it has returned. */
  readonly eligibleUs: number | null
  /** In a process that runs nothing else: it was lost with others before. */
  readonly alone: boolean
}

/** Call the function that a worker process was kept for. */
export interface Proceed {
  readonly type: 'Proceed'
  readonly step: number
  readonly attempt: number
}

export interface ArmTimer {
  readonly type: 'ArmTimer'
  readonly step: number
  readonly dueUs: number
}
