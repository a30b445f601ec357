/** Makes a transaction again of its rows. It stands `queued`: a `Started` takes it up wherever it was. */
import type { Envelope } from '../envelope/envelope.ts'
import type { Plan } from '../workflow/plan.ts'
import { notAfterUs } from './admit.ts'
import type { AttemptOutcome } from './attempt.ts'
import { failureCounts } from './retry.ts'
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

/** An attempt as read back, in order of step and attempt. */
export interface AttemptRecord {
  readonly step: number
  readonly attempt: number
  readonly outcome: AttemptOutcome | 'skipped'
  readonly stepState: 'ok' | 'skipped' | 'failed' | null
  readonly output: string | null
  readonly nextUs: number | null
}

export function restore(record: TransactionRecord, attempts: readonly AttemptRecord[]): Transaction {
  const steps: StepProgress[] = record.plan.steps.map(() => untouched)
  for (const attempt of attempts) steps[attempt.step] = evolve(steps[attempt.step] ?? untouched, attempt)
  return { ...record, notAfterUs: notAfterUs(record.plan, record.admittedUs), state: 'queued', steps }
}

function evolve(progress: StepProgress, record: AttemptRecord): StepProgress {
  const counted = failureCounts(progress, record.outcome)
  const state: StepState = record.stepState ?? 'waiting'
  return { ...progress, ...counted, state, dueUs: record.nextUs, output: outputOf(record.output) }
}
