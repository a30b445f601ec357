/** Moves a running transaction on to the next thing it must wait for: an attempt, a timer, or its end. */
import { EngineError, messageOf } from '../base/error.ts'
import { isStorable, stringifyJson } from '../envelope/json.ts'
import type { Block, Step } from '../workflow/plan.ts'
import type { AttemptRow, Effect } from './effect.ts'
import { idempotencySeed } from './ids.ts'
import { messagesOfCompleted, messagesOfFailed } from './publish.ts'
import { lostBeforeAlone } from './retry.ts'
import {
  isSettled,
  nothing,
  progressOf,
  type StepProgress,
  scopeOf,
  type Transaction,
  withProgress,
} from './transaction.ts'

/** A transaction on its way, with what it has asked for so far. */
export interface Moved {
  readonly transaction: Transaction
  readonly effects: readonly Effect[]
}

export function advance(from: Moved, atUs: number): Moved {
  let moved = from
  for (;;) {
    const next = nextOf(moved.transaction.plan.body, moved.transaction)
    if (next === 'held') return moved
    if (next === 'settled') return end(moved, atUs)
    moved = begin(moved, next, atUs)
    if (moved.transaction.state === 'failed') return moved
  }
}

/** Settles a step as failed; what that means for the transaction is the step's `optional`. */
export function failStep(moved: Moved, step: Step, progress: StepProgress, error: StepError, atUs: number): Moved {
  const failed = { ...progress, state: 'failed', dueUs: null, output: nothing } as const
  const transaction = withProgress(moved.transaction, step.no, failed)
  const then = { transaction, effects: moved.effects }
  if (step.optional && error.code !== timedOut) return then
  return end(then, atUs, { code: error.code, message: `step ${step.id}: ${error.message}` })
}

export interface StepError {
  readonly code: string
  readonly message: string
}

/** The transaction's own limit, which no `optional` excuses. */
export const timedOut = 'transaction_timeout'

/** What it publishes when it has completed may fail, and it with it. */
export function end(moved: Moved, atUs: number, error: StepError | null = null): Moved {
  const { transaction } = moved
  if (error !== null) return ended(moved, atUs, error, messagesOfFailed(transaction, error))
  try {
    return ended(moved, atUs, null, messagesOfCompleted(transaction))
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown
    return end(moved, atUs, { code: thrown.code, message: messageOf(thrown) })
  }
}

function ended(moved: Moved, atUs: number, error: StepError | null, messages: readonly Effect[]): Moved {
  const state = error === null ? 'completed' : 'failed'
  const row = {
    transactionId: moved.transaction.id,
    state,
    errorCode: error?.code ?? null,
    errorMessage: error?.message ?? null,
    endedUs: atUs,
    recordKept: moved.transaction.plan.deadLetter.failed,
  } as const
  return {
    transaction: { ...moved.transaction, state },
    effects: [...moved.effects, { type: 'RecordEnding', row }, ...messages],
  }
}

function nextOf(block: Block, transaction: Transaction): Step | 'held' | 'settled' {
  if (block.kind === 'step') return nextOfStep(block.step, progressOf(transaction, block.step.no))
  for (const inner of block.blocks) {
    const next = nextOf(inner, transaction)
    if (next !== 'settled') return next
  }
  return 'settled'
}

function nextOfStep(step: Step, progress: StepProgress): Step | 'held' | 'settled' {
  if (progress.state === 'pending') return step
  return isSettled(progress) ? 'settled' : 'held'
}

function begin(moved: Moved, step: Step, atUs: number): Moved {
  const { transaction } = moved
  if (transaction.notAfterUs !== null && atUs >= transaction.notAfterUs) {
    return end(moved, atUs, { code: timedOut, message: `ran out of time before step ${step.id}` })
  }
  try {
    if (step.when !== null && !wanted(step, transaction)) return skip(moved, step)
    return invoke(moved, step, progressOf(transaction, step.no))
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return refuse(moved, step, { code: error.code, message: messageOf(error) }, atUs)
  }
}

function wanted(step: Step, transaction: Transaction): boolean {
  const answer = step.when?.evaluate(scopeOf(transaction))
  if (typeof answer === 'boolean') return answer
  throw new EngineError('expression_failed', `when: gave ${JSON.stringify(answer)}, expected true or false`)
}

/** Asks for the step's next attempt. */
export function invoke(moved: Moved, step: Step, progress: StepProgress, eligibleUs: number | null = null): Moved {
  const { transaction } = moved
  const effect = {
    type: 'Invoke',
    step,
    attempt: progress.attempts + 1,
    idempotencySeed: idempotencySeed(transaction, step.id),
    input: inputOf(step, transaction),
    notAfterUs: transaction.notAfterUs,
    eligibleUs,
    alone: progress.lost >= lostBeforeAlone,
  } as const
  return {
    transaction: withProgress(transaction, step.no, { ...progress, state: 'running', dueUs: null }),
    effects: [...moved.effects, effect],
  }
}

function inputOf(step: Step, transaction: Transaction): string {
  const text = stringifyJson(step.with.render(scopeOf(transaction)))
  if (isStorable(text)) return text
  throw new EngineError('input_unstorable', 'with: holds a NUL or half a character')
}

function skip(moved: Moved, step: Step): Moved {
  const progress = progressOf(moved.transaction, step.no)
  const row = emptyRow(moved.transaction, step, { attempt: 0, outcome: 'skipped', stepState: 'skipped' })
  return {
    transaction: withProgress(moved.transaction, step.no, { ...progress, state: 'skipped' }),
    effects: [...moved.effects, { type: 'RecordAttempt', row }],
  }
}

/** The step cannot even be asked for: its expression fails. Recorded as an attempt that ended at once. */
function refuse(moved: Moved, step: Step, error: StepError, atUs: number): Moved {
  const progress = progressOf(moved.transaction, step.no)
  const attempt = progress.attempts + 1
  const row = emptyRow(moved.transaction, step, { attempt, outcome: 'fail', stepState: 'failed' })
  const recorded = { ...row, errorCode: error.code, errorMessage: error.message }
  const then = { ...moved, effects: [...moved.effects, { type: 'RecordAttempt', row: recorded } as const] }
  return failStep(then, step, progress, error, atUs)
}

export function emptyRow(
  transaction: Transaction,
  step: Step,
  what: Pick<AttemptRow, 'attempt' | 'outcome' | 'stepState'>,
): AttemptRow {
  return {
    transactionId: transaction.id,
    step: step.no,
    ...what,
    errorCode: null,
    errorMessage: null,
    output: null,
    logs: null,
    nextUs: null,
    eligibleUs: null,
    dispatchedUs: null,
    startedUs: null,
    finishedUs: null,
    receivedUs: null,
    resolvedBy: null,
  }
}
