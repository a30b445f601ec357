/** What a transition asks for: rows that go into the commit, and acts that follow it. */

import type { FunctionStep } from '../workflow/plan.ts'
import type { AttemptOutcome } from './attempt.ts'
import type { CancelAsked, ChildEnded, UndoAsked } from './event.ts'
import type { FinalState, ParentRef, StepRef } from './transaction.ts'

export type Effect = DurableEffect | LiveEffect
export type DurableEffect =
  | RecordBegun
  | RecordAttempt
  | RecordRest
  | RecordRestOver
  | RecordTaken
  | RecordPosting
  | RecordTurn
  | RecordEnding
  | RecordReopened
  | RecordMessage
  | Admit
  | Tell
export type LiveEffect = Invoke | Proceed | Abort | ArmTimer

/** "May have run": durable before a function that is not idempotent is called. */
export interface RecordBegun {
  readonly type: 'RecordBegun'
  readonly row: BegunRow
}

export interface BegunRow extends StepRef {
  readonly transactionId: string
  readonly attempt: number
}

export interface RecordAttempt {
  readonly type: 'RecordAttempt'
  readonly row: AttemptRow
}

/**
 * One ended attempt as the ledger holds it. `skipped` has attempt 0. What holds other steps, sleeps, waits or calls has one
 * row, of its end, with attempt 1.
 */
export interface AttemptRow extends StepRef {
  readonly transactionId: string
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
  /** Place among the settled steps; null where that is the order of their numbers, or nothing is settled. */
  readonly seq: number | null
  /** True when nobody knows what it did outside, and its step does not stand in doubt; else null. */
  readonly unknown: true | null
  /** Null in the first. */
  readonly round: number | null
}

/** A step sleeps, or waits for an event. */
export interface RecordRest {
  readonly type: 'RecordRest'
  readonly row: RestRow
}

export interface RestRow extends StepRef {
  readonly transactionId: string
  /** Null: never. */
  readonly dueUs: number | null
  readonly sinceUs: number
  readonly wait: WaitRow | null
  /** Nothing else of its transaction runs: its lane gives it up until then. Of one of its steps, if several rest. */
  readonly isAlone: boolean
}

/** What a waiting step waits for. */
export interface WaitRow {
  readonly topic: string
  readonly key: string
  /** No event older than this, in record time. */
  readonly notBeforeUs: number
}

/** It does not any more. */
export interface RecordRestOver {
  readonly type: 'RecordRestOver'
  readonly row: RestOverRow
}

export interface RestOverRow extends StepRef {
  readonly transactionId: string
}

/** The event that a waiting step was given is its own for good. */
export interface RecordTaken {
  readonly type: 'RecordTaken'
  readonly row: TakenRow
}

export interface TakenRow extends StepRef {
  readonly transactionId: string
  readonly signalId: string
}

/** Two postings that balance: the same amount on both sides. */
export interface RecordPosting {
  readonly type: 'RecordPosting'
  readonly row: PostingRow
}

export interface PostingRow extends StepRef {
  readonly transactionId: string
  readonly attempt: number
  /** Among those of its attempt, from 0. */
  readonly n: number
  readonly debit: string
  readonly credit: string
  /** Minor units, above 0. */
  readonly amount: bigint
  /** ISO 4217. */
  readonly currency: string
  readonly party: string | null
  /** What must not be charged twice, over all transactions; null: only this step's own place guards it. */
  readonly chargeKey: string | null
  /** Of the step whose posting it reverses: its number and `n`. */
  readonly reverses: { readonly step: number; readonly attempt: number; readonly n: number } | null
  readonly atUs: number
}

/** It will not complete: from here on it is undone. */
export interface RecordTurn {
  readonly type: 'RecordTurn'
  readonly row: TurnRow
}

export interface TurnRow {
  readonly transactionId: string
  readonly round: number
  readonly code: string
  readonly message: string
  readonly isCancel: boolean
  readonly atUs: number
}

/** A person, or its parent, opens an ended one again: its ending becomes history. */
export interface RecordReopened {
  readonly type: 'RecordReopened'
  readonly row: ReopenedRow
}

export interface ReopenedRow {
  readonly transactionId: string
  /** The one that begins. */
  readonly round: number
  /** Number of the step from which on it runs again; null: what it owes is undone. */
  readonly from: number | null
  /** JSON text: what that step is given in place of its `with`. */
  readonly input: string | null
  readonly atUs: number
  readonly by: string
}

/** A sub-workflow: a transaction of its own, in the lane of the one that called it, of the same commit. */
export interface Admit {
  readonly type: 'Admit'
  readonly childId: string
  readonly workflow: string
  readonly parent: ParentRef
  /** JSON text: the data of its event. */
  readonly data: string
  readonly atUs: number
}

/** An event for another transaction of the lane: a child that is to be undone, or a parent that waits. In the same commit. */
export interface Tell {
  readonly type: 'Tell'
  readonly transactionId: string
  readonly event: CancelAsked | UndoAsked | ChildEnded
}

export interface RecordEnding {
  readonly type: 'RecordEnding'
  readonly row: EndingRow
}

export interface EndingRow {
  readonly transactionId: string
  readonly state: FinalState
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
  /** JSON text, or bytes of another format; null: a record without a value. */
  readonly value: string | Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** It could not be made, and why: it is kept to be seen, and not published. */
  readonly error: string | null
}

/** Run a step's function. */
export interface Invoke {
  readonly type: 'Invoke'
  readonly step: FunctionStep
  readonly item: string
  readonly attempt: number
  /** `idempotencyKeyOf` this is the key. */
  readonly idempotencySeed: string
  /** Of the step that a compensation undoes; null for any other. */
  readonly forwardSeed: string | null
  /** JSON text on one line. */
  readonly input: string
  readonly notAfterUs: number | null
  /** When its delay was over; null: as soon as the commit before it has returned. */
  readonly eligibleUs: number | null
  /** In a process that runs nothing else: it was lost with others before. */
  readonly alone: boolean
}

/** Call the function that a worker process was kept for. */
export interface Proceed extends StepRef {
  readonly type: 'Proceed'
  readonly attempt: number
}

/** Nobody needs this attempt any more: its signal is aborted, and how it ends is waited for all the same. */
export interface Abort extends StepRef {
  readonly type: 'Abort'
  readonly attempt: number
}

export interface ArmTimer extends StepRef {
  readonly type: 'ArmTimer'
  readonly dueUs: number
}
