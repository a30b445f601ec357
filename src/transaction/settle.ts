/** What an attempt's end means: recorded, then its step is settled, or tried again. */
import { EngineError, messageOf } from '../base/error.ts'
import type { FunctionStep } from '../workflow/plan.ts'
import { advance } from './advance.ts'
import { type Draft, draftOf, frameAt, type Place } from './draft.ts'
import type { AttemptRow, Effect } from './effect.ts'
import type { AttemptEnded } from './event.ts'
import { timerOf, tryInvoke } from './invoke.ts'
import { doubt, isUndone } from './lost.ts'
import { postingsOf, withMoney } from './money.ts'
import { messagesOfStep } from './publish.ts'
import { counted, judge, type Verdict } from './retry.ts'
import { leavesUnknown, nameOf, settled } from './rows.ts'
import { outputOf, progressFrom, type StepProgress, type StepRef, type Transaction } from './transaction.ts'
import type { Transition } from './transition.ts'
import { turn } from './turn.ts'
import { failStep } from './walk.ts'

export function settle(transaction: Transaction, ended: AttemptEnded): Transition {
  const draft = draftOf(transaction, ended.atUs)
  const place = awaited(draft, ended)
  if ('refused' in place) return place
  const { step, frame } = place
  const before = frame.get(step.no)
  const { event, besides } = withRows(draft, place, before, ended)
  const effectUnknown = isUnknownAfter(before, event, event !== ended)
  const after = counted(before, event.report.outcome)
  after.sinceUs ??= ended.eligibleUs
  after.effectUnknown = effectUnknown
  after.begun = false
  const verdict = verdictOf(draft, place, before, after, event)
  const row = rowOf(draft, place, event, verdict)
  follow(draft, place, after, event, verdict, row)
  for (const effect of besides) draft.effects.push(effect)
  return advance(draft)
}

/**
 * `isRefused`: it did what it was for, and what it asked for besides cannot be, so that is to be undone. One that is to be tried
 * again says nothing of those before it.
 */
function isUnknownAfter(before: StepProgress, { report }: AttemptEnded, isRefused: boolean): boolean {
  const isLastWord = report.outcome === 'ok' || report.outcome === 'fail'
  return isRefused || report.effectUnknown || (before.effectUnknown && !isLastWord)
}

/** The step whose attempt this is, or why it is nobody's. */
export function awaited(
  draft: Draft,
  event: StepRef & { readonly attempt: number },
): Place<FunctionStep> | { readonly refused: string } {
  const place = placeOf(draft, event)
  if (place === null || !('uses' in place.step)) {
    return { refused: `there is no such step: ${event.step}${event.item === '' ? '' : `[${event.item}]`}` }
  }
  const { step, frame } = place
  const { state, attempts } = frame.get(step.no)
  const name = nameOf(step, frame.item)
  if (state !== 'running') return { refused: `step ${name} awaits no attempt` }
  if (event.attempt !== attempts + 1) return { refused: `step ${name} awaits another attempt` }
  return { step, frame }
}

export function placeOf(draft: Draft, { step: no, item }: StepRef): Place | null {
  const { plan } = draft.transaction
  const step = plan.steps[no]
  const frame = step ? frameAt(draft.root, plan, step, item) : null
  return step && frame ? { step, frame } : null
}

/** One that ended well, with what it posts and publishes; if that cannot be, it has failed for good. */
function withRows(draft: Draft, place: Place<FunctionStep>, before: StepProgress, event: AttemptEnded): WithRows {
  const { outcome, emitted = none, posted = none } = event.report
  const { step, frame } = place
  if (outcome !== 'ok') return { event, besides: none }
  const isUndo = step.kind === 'undo'
  if (step.publish.length === 0 && emitted.length === 0 && posted.length === 0 && !isUndo) {
    return { event, besides: none }
  }
  try {
    frame.set(step.no, ok(before, event))
    const money = postingsOf(draft, place, event)
    return { event, besides: [...money, ...messagesOfStep(draft.transaction, place, emitted)] }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const said = { outcome: 'fail', errorCode: error.code, errorMessage: messageOf(error), output: null } as const
    return { event: { ...event, report: { ...event.report, ...said } }, besides: none }
  } finally {
    frame.set(step.no, before)
  }
}

interface WithRows {
  readonly event: AttemptEnded
  readonly besides: readonly Effect[]
}

const none: readonly never[] = Object.freeze([])

function ok(progress: StepProgress, { report }: AttemptEnded): StepProgress {
  const after = progressFrom(progress)
  after.state = 'ok'
  after.dueUs = null
  after.output = outputOf(report.output)
  after.error = null
  return after
}

function verdictOf(
  { transaction }: Draft,
  { step, frame }: Place<FunctionStep>,
  { stopping, begun }: StepProgress,
  after: StepProgress,
  event: AttemptEnded,
): Verdict {
  const { report, atUs } = event
  // Nobody need know what it did if it is undone in any case.
  const mayDoubt = begun && !(stopping && isUndone(step))
  const verdict = judge(
    step,
    mayDoubt ? { ...after, begun: true } : after,
    report,
    atUs,
    transaction.id + step.id + frame.item,
  )
  if (verdict.kind === 'again' && stopping) return given(event)
  return step.kind === 'undo' ? verdict : inTime(transaction, event, verdict)
}

function given({ report }: AttemptEnded): Extract<Verdict, { kind: 'failed' }> {
  return {
    kind: 'failed',
    code: report.errorCode ?? 'cancelled',
    message: report.errorMessage ?? 'it was not needed any more',
  }
}

/** An attempt cut off by the transaction's own limit, or to be tried again only after it, ends the transaction. */
function inTime({ notAfterUs, failure }: Transaction, event: AttemptEnded, verdict: Verdict): Verdict {
  if (notAfterUs === null || failure !== null || verdict.kind === 'ok' || verdict.kind === 'in_doubt') return verdict
  const over =
    verdict.kind === 'again'
      ? verdict.dueUs >= notAfterUs
      : event.report.outcome === 'timeout' && event.atUs >= notAfterUs
  return over ? { kind: 'failed', code: timedOut, message: 'the workflow ran out of time' } : verdict
}

/** The transaction's own limit, which no `optional` excuses. */
const timedOut = 'transaction_timeout'

function follow(
  draft: Draft,
  place: Place<FunctionStep>,
  after: StepProgress,
  event: AttemptEnded,
  verdict: Verdict,
  row: AttemptRow,
): void {
  const { step, frame } = place
  const { effects } = draft
  switch (verdict.kind) {
    case 'ok':
      settled(draft, place, withMoney(step, ok(after, event), event), row)
      break
    case 'again':
      effects.push({ type: 'RecordAttempt', row: leavesUnknown(step, after) ? { ...row, unknown: true } : row })
      wait(draft, place, after, verdict.dueUs)
      break
    case 'in_doubt':
      effects.push({ type: 'RecordAttempt', row })
      doubt(place, after)
      break
    case 'failed': {
      const { code, message } = verdict
      const error = code === timedOut ? given(event) : { code, message }
      settled(draft, place, { ...after, state: 'failed', error: { code: error.code, message: error.message } }, row)
      const name = nameOf(step, frame.item)
      if (code === timedOut) turn(draft, { code, message: `step ${name}: ${message}`, isCancel: false })
    }
  }
}

function wait(draft: Draft, place: Place<FunctionStep>, progress: StepProgress, dueUs: number): void {
  const { step, frame } = place
  if (dueUs <= draft.atUs) {
    frame.set(step.no, progress)
    again(draft, place, null)
  } else {
    frame.set(step.no, { ...progress, state: 'waiting', dueUs })
    draft.effects.push(timerOf(place, dueUs))
  }
}

/** Another attempt; its input may not be there any more. */
export function again(draft: Draft, place: Place<FunctionStep>, eligibleUs: number | null): void {
  try {
    tryInvoke(draft, place, eligibleUs)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    failStep(draft, place, { code: error.code, message: messageOf(error) })
  }
}

function rowOf(draft: Draft, place: Place, event: AttemptEnded, verdict: Verdict): AttemptRow {
  const { id, round } = draft.transaction
  const { report } = event
  return {
    transactionId: id,
    step: place.step.no,
    item: place.frame.item,
    attempt: event.attempt,
    outcome: report.outcome,
    stepState: verdict.kind === 'again' ? null : verdict.kind,
    errorCode: report.errorCode,
    errorMessage: report.errorMessage,
    output: report.output,
    logs: report.logs,
    nextUs: verdict.kind === 'again' ? verdict.dueUs : null,
    eligibleUs: event.eligibleUs,
    dispatchedUs: report.dispatchedUs,
    startedUs: report.startedUs,
    finishedUs: report.finishedUs,
    receivedUs: report.receivedUs,
    resolvedBy: null,
    seq: null,
    unknown: null,
    round: round === 1 ? null : round,
  }
}
