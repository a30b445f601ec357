/** Steps of which nobody knows what their last attempt did. */
import type { Step } from '../workflow/plan.ts'
import type { Draft, Place } from './draft.ts'
import type { AttemptRow } from './effect.ts'
import { counted } from './retry.ts'
import { emptyRow, settled } from './rows.ts'
import type { StepProgress } from './transaction.ts'

/** It may have run when its coordinator was lost, and its function is not idempotent: a person must say what it did. */
export function lose(draft: Draft, place: Place): void {
  const lost = lostOf(place)
  draft.effects.push({ type: 'RecordAttempt', row: lostRow(draft, place, lost, 'in_doubt') })
  doubt(place, lost)
}

/** It may have run, and is not to be tried again: it is undone like any other of unknown effect. */
export function giveUpLost(draft: Draft, place: Place): void {
  const lost = lostOf(place)
  settled(draft, place, { ...lost, state: 'failed', effectUnknown: true, error }, lostRow(draft, place, lost, 'failed'))
}

/** Whatever it did, a compensation takes it back. */
export function isUndone(step: Step): boolean {
  return step.kind === 'invoke' && step.compensate !== null
}

/** The coordinator before may have asked for it. */
export function mayRun(draft: Draft, { step, frame }: Place): boolean {
  return draft.mayRun.some((ref) => ref.step === step.no && ref.item === frame.item)
}

export function doubt({ step, frame }: Place, progress: StepProgress): void {
  frame.set(step.no, { ...progress, state: 'in_doubt', dueUs: null, effectUnknown: true })
}

const error = Object.freeze({ code: 'coordinator_lost', message: 'its coordinator was lost while it may have run' })

function lostOf({ step, frame }: Place): StepProgress {
  return { ...counted(frame.get(step.no), 'lost'), begun: false }
}

function lostRow(draft: Draft, place: Place, { attempts }: StepProgress, stepState: 'in_doubt' | 'failed'): AttemptRow {
  const row = emptyRow(draft, place, { attempt: attempts, outcome: 'lost', stepState })
  return { ...row, errorCode: error.code, errorMessage: error.message, receivedUs: draft.atUs }
}
