/** Makes a transaction again of its rows. It stands `queued`, and a `Started` takes it up wherever it was; or in doubt. */
import type { Envelope } from '../envelope/envelope.ts'
import type { Plan } from '../workflow/plan.ts'
import { notAfterUs } from './admit.ts'
import type { AttemptOutcome } from './attempt.ts'
import { counted } from './retry.ts'
import {
  outputOf,
  type Position,
  type StepProgress,
  type StepState,
  type Transaction,
  untouched,
} from './transaction.ts'

export interface TransactionRecord {
  readonly id: string
  readonly plan: Plan
  readonly position: Position
  readonly key: string | null
  readonly envelope: Envelope
  readonly admittedUs: number
}

/** An attempt as read back, in order of step, item and attempt. */
export interface AttemptRecord extends StepRef {
  readonly attempt: number
  readonly outcome: AttemptOutcome | 'skipped'
  readonly stepState: 'ok' | 'skipped' | 'failed' | 'in_doubt' | null
  readonly output: string | null
  readonly nextUs: number | null
  /** Of one that has failed. */
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly seq: number | null
  readonly unknown: boolean
  /** From 1. */
  readonly round: number
}

/** An attempt that may have run and has no outcome. */
export interface BegunRecord extends StepRef {
  readonly attempt: number
}

/** A step that sleeps, or waits for an event. */
export interface RestRecord extends StepRef {
  readonly dueUs: number | null
  readonly sinceUs: number
  readonly isAlone: boolean
  /** The event that was claimed for it. */
  readonly signal: Signal | null
}

/** A sub-workflow that a step has called. */
export interface ChildRecord extends StepRef {
  readonly id: string
  /** Null while it is open. */
  readonly ended: ChildEnd | null
}

/** What a step has posted; those of a compensation, too. */
export interface PostingRecord extends StepRef {
  readonly attempt: number
  readonly n: number
  readonly debit: string
  readonly credit: string
  readonly amount: bigint
  readonly currency: string
  readonly party: string | null
}

export function restore(
  record: TransactionRecord,
  attempts: readonly AttemptRecord[],
  begun: readonly BegunRecord[],
): Transaction {
  const steps: StepProgress[] = record.plan.steps.map(() => untouched)
  for (const attempt of attempts) steps[attempt.step] = evolve(steps[attempt.step] ?? untouched, attempt)
  for (const { step } of begun) steps[step] = { ...(steps[step] ?? untouched), state: 'running', begun: true }
  const state = steps.some((step) => step.state === 'in_doubt') ? 'in_doubt' : 'queued'
  return { ...record, notAfterUs: notAfterUs(record.plan, record.admittedUs), state, steps }
}

function evolve(progress: StepProgress, record: AttemptRecord): StepProgress {
  const state: StepState = record.stepState ?? 'waiting'
  return { ...counted(progress, record.outcome), state, dueUs: record.nextUs, output: outputOf(record.output) }
}
