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
  type TransactionState,
} from './transaction.ts'

/** What a transition gives: the transaction as it is now, and what it asks for. */
export interface Moved {
  readonly transaction: Transaction
  readonly effects: readonly Effect[]
}

/** A transaction on its way: a copy that nobody else has, changed in place until the transition is done. */
export interface Draft extends Moved {
  readonly transaction: Copy
  readonly effects: Effect[]
}

interface Copy extends Transaction {
  state: TransactionState
  readonly steps: StepProgress[]
}

export function draftOf(transaction: Transaction): Draft {
  return { transaction: { ...transaction, steps: transaction.steps.slice() }, effects: [] }
}

export function advance(draft: Draft, atUs: number): Draft {
  for (;;) {
    const next = nextOf(draft.transaction.plan.body, draft.transaction)
    if (next === 'held') return draft
    if (next === 'settled') return end(draft, atUs)
    begin(draft, next, atUs)
    if (draft.transaction.state === 'failed') return draft
  }
}

/** Settles a step as failed; what that means for the transaction is the step's `optional`. */
export function failStep(draft: Draft, step: Step, progress: StepProgress, error: StepError, atUs: number): Draft {
  draft.transaction.steps[step.no] = { ...progress, state: 'failed', dueUs: null, output: nothing }
  if (step.optional && error.code !== timedOut) return draft
  return end(draft, atUs, { code: error.code, message: `step ${step.id}: ${error.message}` })
}

export interface StepError {
  readonly code: string
  readonly message: string
}

/** The transaction's own limit, which no `optional` excuses. */
export const timedOut = 'transaction_timeout'

/** What it publishes when it has completed may fail, and it with it. */
export function end(draft: Draft, atUs: number, error: StepError | null = null): Draft {
  const { transaction } = draft
  if (error !== null) return ended(draft, atUs, error, messagesOfFailed(transaction, error))
  try {
    return ended(draft, atUs, null, messagesOfCompleted(transaction))
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown
    return end(draft, atUs, { code: thrown.code, message: messageOf(thrown) })
  }
}

function ended(draft: Draft, atUs: number, error: StepError | null, messages: readonly Effect[]): Draft {
  const { transaction, effects } = draft
  const state = error === null ? 'completed' : 'failed'
  const row = {
    transactionId: transaction.id,
    state,
    errorCode: error?.code ?? null,
    errorMessage: error?.message ?? null,
    endedUs: atUs,
    recordKept: transaction.plan.deadLetter.failed,
  } as const
  transaction.state = state
  effects.push({ type: 'RecordEnding', row }, ...messages)
  return draft
}

function nextOf(block: Block, transaction: Transaction): Step | 'held' | 'settled' {
  if (block.kind === 'step') return nextOfStep(block.step, progressOf(transaction, block.step.no))
  const { blocks } = block
  for (let at = 0; at < blocks.length; at++) {
    const next = nextOf(blocks[at] as Block, transaction)
    if (next !== 'settled') return next
  }
  return 'settled'
}

function nextOfStep(step: Step, progress: StepProgress): Step | 'held' | 'settled' {
  if (progress.state === 'pending') return step
  return isSettled(progress) ? 'settled' : 'held'
}

function begin(draft: Draft, step: Step, atUs: number): Draft {
  const { transaction } = draft
  if (transaction.notAfterUs !== null && atUs >= transaction.notAfterUs) {
    return end(draft, atUs, { code: timedOut, message: `ran out of time before step ${step.id}` })
  }
  try {
    if (step.when !== null && !wanted(step, transaction)) return skip(draft, step)
    return invoke(draft, step, progressOf(transaction, step.no))
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return refuse(draft, step, { code: error.code, message: messageOf(error) }, atUs)
  }
}

function wanted(step: Step, transaction: Transaction): boolean {
  const answer = step.when?.evaluate(scopeOf(transaction))
  if (typeof answer === 'boolean') return answer
  throw new EngineError('expression_failed', `when: gave ${JSON.stringify(answer)}, expected true or false`)
}

/** Asks for the step's next attempt. */
export function invoke(draft: Draft, step: Step, progress: StepProgress, eligibleUs: number | null = null): Draft {
  const { transaction, effects } = draft
  effects.push({
    type: 'Invoke',
    step,
    attempt: progress.attempts + 1,
    idempotencySeed: idempotencySeed(transaction, step.id),
    input: inputOf(step, transaction),
    notAfterUs: transaction.notAfterUs,
    eligibleUs,
    alone: progress.lost >= lostBeforeAlone,
  })
  transaction.steps[step.no] = { ...progress, state: 'running', dueUs: null }
  return draft
}

function inputOf(step: Step, transaction: Transaction): string {
  const text = stringifyJson(step.with.render(scopeOf(transaction)))
  if (isStorable(text)) return text
  throw new EngineError('input_unstorable', 'with: holds a NUL or half a character')
}

function skip(draft: Draft, step: Step): Draft {
  const { transaction, effects } = draft
  const row = emptyRow(transaction, step, { attempt: 0, outcome: 'skipped', stepState: 'skipped' })
  effects.push({ type: 'RecordAttempt', row })
  transaction.steps[step.no] = { ...progressOf(transaction, step.no), state: 'skipped' }
  return draft
}

/** The step cannot even be asked for: its expression fails. Recorded as an attempt that ended at once. */
function refuse(draft: Draft, step: Step, error: StepError, atUs: number): Draft {
  const { transaction, effects } = draft
  const progress = progressOf(transaction, step.no)
  const row = emptyRow(transaction, step, { attempt: progress.attempts + 1, outcome: 'fail', stepState: 'failed' })
  effects.push({ type: 'RecordAttempt', row: { ...row, errorCode: error.code, errorMessage: error.message } })
  return failStep(draft, step, progress, error, atUs)
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
