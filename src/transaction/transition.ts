/**
 * The heart: `transition(transaction, event)` gives the transaction as it is after the event, and what must be written
 * and done. No I/O, no clock, no randomness. The table is data: a state without an answer to an event does not compile.
 */
import { assert } from '../base/assert.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { Step } from '../workflow/plan.ts'
import { advance, emptyRow, failStep, invoke, type Moved, type StepError, timedOut } from './advance.ts'
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
  withProgress,
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
  const running: Transaction = { ...transaction, state: 'running' }
  const begun = running.plan.steps.find((step) => progressOf(running, step.no).begun)
  if (begun) return lose(running, begun, event)
  const waiting = running.plan.steps.filter((step) => progressOf(running, step.no).state === 'waiting')
  const timers = waiting.map((step) => timerOf(running, step))
  return advance({ transaction: running, effects: timers }, event.atUs)
}

/** It may have run when its coordinator was lost, and nobody knows what it did. */
function lose(transaction: Transaction, step: Step, event: Started): Moved {
  const progress = progressOf(transaction, step.no)
  const lost = { ...counted(progress, 'lost'), begun: false }
  const what = { attempt: lost.attempts, outcome: 'lost', stepState: 'in_doubt' } as const
  const message = 'its coordinator was lost while it may have run'
  const row = { ...emptyRow(transaction, step, what), errorCode: 'coordinator_lost', errorMessage: message }
  const effects = [{ type: 'RecordAttempt', row: { ...row, receivedUs: event.atUs } } as const]
  return doubt({ transaction, effects }, step, lost)
}

function doubt({ transaction, effects }: Moved, step: Step, progress: StepProgress): Moved {
  const doubted = { ...progress, state: 'in_doubt', dueUs: null } as const
  return { transaction: withProgress(transaction, step.no, doubted, 'in_doubt'), effects }
}

/** A process is kept for an attempt: that it may run is written first. */
function begin(transaction: Transaction, event: AttemptReserved): Transition {
  const step = stepOf(transaction, event.step)
  const progress = progressOf(transaction, event.step)
  if (progress.state !== 'running') return { refused: `step ${step.id} awaits no attempt` }
  if (event.attempt !== progress.attempts + 1) return { refused: `step ${step.id} awaits another attempt` }
  if (progress.begun) return { refused: `step ${step.id} may run already` }
  const row = { transactionId: transaction.id, step: event.step, attempt: event.attempt }
  return {
    transaction: withProgress(transaction, step.no, { ...progress, begun: true }),
    effects: [
      { type: 'RecordBegun', row },
      { type: 'Proceed', step: event.step, attempt: event.attempt },
    ],
  }
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
  const record = { type: 'RecordAttempt', row: rowOf(transaction, event, verdict) } as const
  const effects = messages.length === 0 ? [record] : [record, ...messages]
  return follow({ transaction, effects }, step, { ...tried, begun: false }, event, verdict)
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
    return { event, messages: messagesOfStep(done(transaction, step, progress, event), step, emitted) }
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

function follow(moved: Moved, step: Step, progress: StepProgress, event: AttemptEnded, verdict: Verdict): Moved {
  switch (verdict.kind) {
    case 'ok':
      return advance(
        { transaction: done(moved.transaction, step, progress, event), effects: moved.effects },
        event.atUs,
      )
    case 'again':
      return wait(moved, step, progress, verdict.dueUs, event.atUs)
    case 'in_doubt':
      return doubt(moved, step, progress)
    case 'failed': {
      const failed = failStep(moved, step, progress, verdict, event.atUs)
      return failed.transaction.state === 'failed' ? failed : advance(failed, event.atUs)
    }
  }
}

function done(transaction: Transaction, step: Step, progress: StepProgress, { report }: AttemptEnded): Transaction {
  const settled = { ...progress, state: 'ok', dueUs: null, output: outputOf(report.output) } as const
  return withProgress(transaction, step.no, settled)
}

function wait(moved: Moved, step: Step, progress: StepProgress, dueUs: number, atUs: number): Moved {
  if (dueUs <= atUs) return invoke(moved, step, progress)
  return {
    transaction: withProgress(moved.transaction, step.no, { ...progress, state: 'waiting', dueUs }),
    effects: [...moved.effects, { type: 'ArmTimer', step: step.no, dueUs }],
  }
}

function tryAgain(transaction: Transaction, event: TimerDue): Transition {
  const step = stepOf(transaction, event.step)
  const progress = progressOf(transaction, event.step)
  if (progress.state !== 'waiting') return { refused: `step ${step.id} waits for no timer` }
  return invoke({ transaction, effects: none }, step, progress, progress.dueUs)
}

/** What a person knows settles the step. What follows waits for its turn: another of its key may run by now. */
function resolve(transaction: Transaction, event: StepResolved): Transition {
  const step = transaction.plan.steps.find((each) => each.id === event.step)
  const before = step ? progressOf(transaction, step.no) : untouched
  if (!step || before.state !== 'in_doubt') return { refused: `step ${event.step} is not in doubt` }
  const queued: Transaction = { ...transaction, state: 'queued' }
  const settled = counted(before, event.outcome)
  const record = { type: 'RecordAttempt', row: resolution(transaction, step, event) } as const
  if (event.outcome === 'fail') {
    return failStep({ transaction: queued, effects: [record] }, step, settled, resolvedError(event), event.atUs)
  }
  const answered = { ...settled, state: 'ok', output: outputOf(event.output) } as const
  return publishing(withProgress(queued, step.no, answered), step, record)
}

/** An output that its step's messages cannot be made of is refused: another one may be given. */
function publishing(settled: Transaction, step: Step, record: Effect): Transition {
  try {
    return { transaction: settled, effects: [record, ...messagesOfStep(settled, step, [])] }
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
