/**
 * The heart: `transition(transaction, event)` gives the transaction as it is after the event, and what must be written
 * and done. No I/O, no clock, no randomness. The table is data: a state without an answer to an event does not compile.
 */
import { assert } from '../base/assert.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { Step } from '../workflow/plan.ts'
import {
  advance,
  type Draft,
  draftOf,
  emptyRow,
  failStep,
  invoke,
  type Moved,
  type StepError,
  timedOut,
} from './advance.ts'
import type { AttemptRow, Effect } from './effect.ts'
import type {
  AttemptEnded,
  AttemptReserved,
  EventType,
  Started,
  StepResolved,
  TimerDue,
  TransactionEvent,
} from './event.ts'
import { messagesOfStep } from './publish.ts'
import { counted, judge, type Verdict } from './retry.ts'
import {
  outputOf,
  progressOf,
  type StepProgress,
  type Transaction,
  type TransactionState,
  untouched,
} from './transaction.ts'

/** A refused event changes nothing; `reason` is for the channel `refusal`. */
export type Transition = Moved | { readonly refused: string }

export function transition(transaction: Transaction, event: TransactionEvent): Transition {
  const handler = table[transaction.state][event.type] as Handler<TransactionEvent>
  return handler(transaction, event)
}

type Handler<Event> = (transaction: Transaction, event: Event) => Transition
type Row = { readonly [Type in EventType]: Handler<Extract<TransactionEvent, { type: Type }>> }

const refusal: Row = {
  Started: refuse,
  AttemptReserved: refuse,
  AttemptEnded: refuse,
  TimerDue: refuse,
  StepResolved: refuse,
}

const table: { readonly [State in TransactionState]: Row } = {
  queued: { ...refusal, Started: start },
  running: { ...refusal, AttemptReserved: begin, AttemptEnded: settle, TimerDue: tryAgain },
  in_doubt: { ...refusal, StepResolved: resolve },
  completed: refusal,
  failed: refusal,
}

/** The documented diagram is compared with this. */
export function handlerName(state: TransactionState, event: EventType): string {
  return table[state][event].name
}

/** Takes it up where it stands: at its first step, or, when its lane was opened again, at whatever it waited for. */
function start(transaction: Transaction, event: Started): Transition {
  const draft = draftOf(transaction)
  draft.transaction.state = 'running'
  const begun = transaction.steps.findIndex((progress) => progress.begun)
  if (begun >= 0) return lose(draft, stepOf(transaction, begun), event)
  transaction.steps.forEach((progress, no) => {
    if (progress.state === 'waiting') draft.effects.push(timerOf(transaction, stepOf(transaction, no)))
  })
  return advance(draft, event.atUs)
}

/** It may have run when its coordinator was lost, and nobody knows what it did. */
function lose(draft: Draft, step: Step, event: Started): Moved {
  const { transaction, effects } = draft
  const progress = progressOf(transaction, step.no)
  const lost = { ...counted(progress, 'lost'), begun: false }
  const what = { attempt: lost.attempts, outcome: 'lost', stepState: 'in_doubt' } as const
  const message = 'its coordinator was lost while it may have run'
  const row = { ...emptyRow(transaction, step, what), errorCode: 'coordinator_lost', errorMessage: message }
  effects.push({ type: 'RecordAttempt', row: { ...row, receivedUs: event.atUs } })
  return doubt(draft, step, lost)
}

function doubt(draft: Draft, step: Step, progress: StepProgress): Moved {
  draft.transaction.steps[step.no] = { ...progress, state: 'in_doubt', dueUs: null }
  draft.transaction.state = 'in_doubt'
  return draft
}

/** A process is kept for an attempt: that it may run is written first. */
function begin(transaction: Transaction, event: AttemptReserved): Transition {
  const step = stepOf(transaction, event.step)
  const progress = progressOf(transaction, event.step)
  if (progress.state !== 'running') return { refused: `step ${step.id} awaits no attempt` }
  if (event.attempt !== progress.attempts + 1) return { refused: `step ${step.id} awaits another attempt` }
  if (progress.begun) return { refused: `step ${step.id} may run already` }
  const row = { transactionId: transaction.id, step: event.step, attempt: event.attempt }
  const draft = draftOf(transaction)
  draft.transaction.steps[step.no] = { ...progress, begun: true }
  draft.effects.push({ type: 'RecordBegun', row }, { type: 'Proceed', step: event.step, attempt: event.attempt })
  return draft
}

function timerOf(transaction: Transaction, step: Step): Effect {
  return { type: 'ArmTimer', step: step.no, dueUs: progressOf(transaction, step.no).dueUs ?? 0 }
}

/** An attempt has ended: record it, then settle the step or wait for the next attempt. */
function settle(transaction: Transaction, ended: AttemptEnded): Transition {
  const step = stepOf(transaction, ended.step)
  const before = progressOf(transaction, ended.step)
  if (before.state !== 'running') return { refused: `step ${step.id} awaits no attempt` }
  if (ended.attempt !== before.attempts + 1) return { refused: `step ${step.id} awaits another attempt` }
  const { event, messages } = withMessages(transaction, step, before, ended)
  const tried = counted(before, event.report.outcome)
  const verdict = inTime(transaction, event, judge(step, tried, event.report, event.atUs, transaction.id + step.id))
  const draft = draftOf(transaction)
  draft.effects.push({ type: 'RecordAttempt', row: rowOf(transaction, event, verdict) })
  if (messages.length > 0) draft.effects.push(...messages)
  return follow(draft, step, tried.begun ? { ...tried, begun: false } : tried, event, verdict)
}

/** One that ended well, with what it publishes; if that cannot be made, it has failed for good. */
function withMessages(
  transaction: Transaction,
  step: Step,
  progress: StepProgress,
  event: AttemptEnded,
): { readonly event: AttemptEnded; readonly messages: readonly Effect[] } {
  const { outcome, emitted = none } = event.report
  if (outcome !== 'ok' || (step.publish.length === 0 && emitted.length === 0)) return { event, messages: none }
  try {
    const { transaction: settled } = done(draftOf(transaction), step, progress, event)
    return { event, messages: messagesOfStep(settled, step, emitted) }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const said = { outcome: 'fail', errorCode: error.code, errorMessage: messageOf(error), output: null } as const
    return { event: { ...event, report: { ...event.report, ...said } }, messages: none }
  }
}

const none: readonly never[] = Object.freeze([])

/** An attempt cut off by the transaction's own limit, or to be tried again only after it, ends the transaction. */
function inTime(transaction: Transaction, event: AttemptEnded, verdict: Verdict): Verdict {
  const { notAfterUs } = transaction
  if (notAfterUs === null || verdict.kind === 'ok' || verdict.kind === 'in_doubt') return verdict
  const over =
    verdict.kind === 'again'
      ? verdict.dueUs >= notAfterUs
      : event.report.outcome === 'timeout' && event.atUs >= notAfterUs
  return over ? { kind: 'failed', code: timedOut, message: 'the workflow ran out of time' } : verdict
}

function follow(draft: Draft, step: Step, progress: StepProgress, event: AttemptEnded, verdict: Verdict): Moved {
  switch (verdict.kind) {
    case 'ok':
      return advance(done(draft, step, progress, event), event.atUs)
    case 'again':
      return wait(draft, step, progress, verdict.dueUs, event.atUs)
    case 'in_doubt':
      return doubt(draft, step, progress)
    case 'failed': {
      const failed = failStep(draft, step, progress, verdict, event.atUs)
      return failed.transaction.state === 'failed' ? failed : advance(failed, event.atUs)
    }
  }
}

function done(draft: Draft, step: Step, progress: StepProgress, { report }: AttemptEnded): Draft {
  draft.transaction.steps[step.no] = { ...progress, state: 'ok', dueUs: null, output: outputOf(report.output) }
  return draft
}

function wait(draft: Draft, step: Step, progress: StepProgress, dueUs: number, atUs: number): Moved {
  if (dueUs <= atUs) return invoke(draft, step, progress)
  draft.transaction.steps[step.no] = { ...progress, state: 'waiting', dueUs }
  draft.effects.push({ type: 'ArmTimer', step: step.no, dueUs })
  return draft
}

function tryAgain(transaction: Transaction, event: TimerDue): Transition {
  const step = stepOf(transaction, event.step)
  const progress = progressOf(transaction, event.step)
  if (progress.state !== 'waiting') return { refused: `step ${step.id} waits for no timer` }
  return invoke(draftOf(transaction), step, progress, progress.dueUs)
}

/** What a person knows settles the step. What follows waits for its turn: another of its key may run by now. */
function resolve(transaction: Transaction, event: StepResolved): Transition {
  const step = transaction.plan.steps.find((each) => each.id === event.step)
  const before = step ? progressOf(transaction, step.no) : untouched
  if (!step || before.state !== 'in_doubt') return { refused: `step ${event.step} is not in doubt` }
  const settled = counted(before, event.outcome)
  const draft = draftOf(transaction)
  draft.transaction.state = 'queued'
  draft.effects.push({ type: 'RecordAttempt', row: resolution(transaction, step, event) })
  if (event.outcome === 'fail') return failStep(draft, step, settled, resolvedError(event), event.atUs)
  draft.transaction.steps[step.no] = { ...settled, state: 'ok', output: outputOf(event.output) }
  return publishing(draft, step)
}

/** An output that its step's messages cannot be made of is refused: another one may be given. */
function publishing(draft: Draft, step: Step): Transition {
  try {
    draft.effects.push(...messagesOfStep(draft.transaction, step, []))
    return draft
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { refused: messageOf(error) }
  }
}

function resolvedError({ by }: StepResolved): StepError {
  return { code: 'resolved_failed', message: `settled as failed by ${by}` }
}

function resolution(transaction: Transaction, step: Step, event: StepResolved): AttemptRow {
  const { outcome, output, by } = event
  const attempt = progressOf(transaction, step.no).attempts + 1
  const row = emptyRow(transaction, step, { attempt, outcome, stepState: outcome === 'ok' ? 'ok' : 'failed' })
  const { code, message } = resolvedError(event)
  const said = outcome === 'fail' ? { errorCode: code, errorMessage: message } : { output }
  return { ...row, ...said, receivedUs: event.atUs, resolvedBy: by }
}

function refuse(transaction: Transaction, event: TransactionEvent): Transition {
  if (event.type !== 'StepResolved') return { refused: `${event.type} while ${transaction.state}` }
  return { refused: `step ${event.step} is not in doubt: the transaction is ${transaction.state}` }
}

function stepOf(transaction: Transaction, no: number): Step {
  const step = transaction.plan.steps[no]
  assert(step, `workflow ${transaction.plan.name} has no step ${no}`)
  return step
}

function rowOf(transaction: Transaction, event: AttemptEnded, verdict: Verdict): AttemptRow {
  const { outcome, output, logs, dispatchedUs, startedUs, finishedUs, receivedUs } = event.report
  return {
    transactionId: transaction.id,
    step: event.step,
    attempt: event.attempt,
    outcome,
    stepState: verdict.kind === 'again' ? null : verdict.kind,
    errorCode: event.report.errorCode,
    errorMessage: event.report.errorMessage,
    output,
    logs,
    nextUs: verdict.kind === 'again' ? verdict.dueUs : null,
    eligibleUs: event.eligibleUs,
    dispatchedUs,
    startedUs,
    finishedUs,
    receivedUs,
    resolvedBy: null,
  }
}
