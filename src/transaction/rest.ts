/** Steps that sleep, or wait for an event: they cost a row, and nothing else while nothing else of their transaction runs. */
import { EngineError } from '../base/error.ts'
import { isStorable, parseJson, stringifyJson } from '../envelope/json.ts'
import { keyText } from '../workflow/expression/compile.ts'
import { limits } from '../workflow/limits.ts'
import { parseTime } from '../workflow/model/fields.ts'
import type { SignalTopic, SleepStep, WaitStep } from '../workflow/plan.ts'
import { endStep } from './blocks.ts'
import { type Draft, frameAt, type Place, rootOf } from './draft.ts'
import type { WaitRow } from './effect.ts'
import type { Signal } from './event.ts'
import type { Went } from './join.ts'
import { refOf } from './rows.ts'
import type { Rest, StepRef, Transaction } from './transaction.ts'
import { ranOut, turn } from './turn.ts'
import { failStep } from './walk.ts'

export function beginRest(draft: Draft, { step, frame }: Place<SleepStep | WaitStep>): Went {
  const { atUs, transaction } = draft
  const wakesUs = step.kind === 'sleep' ? wakingUs(step, frame, atUs) : timeoutUs(step, atUs)
  if (step.kind === 'wait') waitRow(draft, { step, frame }) // fails now, or never
  const dueUs = earliest(wakesUs, transaction.notAfterUs)
  const inside: Rest = { kind: 'rest', sinceUs: atUs, isAlone: null, signal: null }
  frame.set(step.no, { ...frame.get(step.no), state: 'asleep', dueUs, inside })
  return goOnResting(draft, { step, frame })
}

/** The event it waits for is there, or its time is over. */
export function goOnResting(draft: Draft, place: Place<SleepStep | WaitStep>): Went {
  const { step, frame } = place
  const { dueUs, inside } = frame.get(step.no)
  const { signal } = inside as Rest
  if (step.kind === 'wait' && signal !== null) return take(draft, { step, frame }, signal)
  if (ranOut(draft)) {
    turn(draft, { code: 'transaction_timeout', message: `ran out of time in step ${step.id}`, isCancel: false })
    return 'held'
  }
  if (dueUs === null || draft.atUs < dueUs) return 'held'
  restOver(draft, place)
  if (step.kind === 'wait' && step.onTimeout === 'fail') {
    return failStep(draft, place, { code: 'wait_timeout', message: `no event of ${step.topic} came in time` })
  }
  return endedAt(draft, place, null)
}

/** Its rest is over, however it ends: of a step that has no row yet there is none to go. */
export function restOver(draft: Draft, { step, frame }: Place): void {
  const { inside } = frame.get(step.no)
  if (inside?.kind !== 'rest' || inside.isAlone === null) return
  draft.effects.push({
    type: 'RecordRestOver',
    row: { transactionId: draft.transaction.id, step: step.no, item: frame.item },
  })
}

/**
 * Written when it begins, and when it comes to be the only thing left of its transaction, or is not any more; also of one that
 * was woken too early, by a clock that was ahead: so its lane hears when it is due.
 */
export function recordRest(draft: Draft, { step, frame }: Place, isAlone: boolean): void {
  const progress = frame.get(step.no)
  const inside = progress.inside as Rest
  if (inside.isAlone === isAlone && !draft.isFresh) return
  const isNew = inside.isAlone === null
  const wait = isNew && step.kind === 'wait' ? waitRow(draft, { step, frame }) : null
  const { sinceUs } = inside
  const row = {
    transactionId: draft.transaction.id,
    ...refOf({ step, frame }),
    dueUs: progress.dueUs,
    sinceUs,
    wait,
    isAlone,
  }
  draft.effects.push({ type: 'RecordRest', row })
  frame.set(step.no, { ...progress, inside: { ...inside, isAlone } })
}

function take(draft: Draft, place: Place<WaitStep>, signal: Signal): Went {
  restOver(draft, place)
  const row = { transactionId: draft.transaction.id, ...refOf(place), signalId: signal.id }
  draft.effects.push({ type: 'RecordTaken', row })
  return endedAt(draft, place, signal.text)
}

/** Its stamps say how long it rested. */
function endedAt(draft: Draft, place: Place, output: string | null): Went {
  const { sinceUs } = place.frame.get(place.step.no).inside as Rest
  endStep(draft, place, output, { eligibleUs: sinceUs, receivedUs: draft.atUs })
  return 'settled'
}

/** Whether the step waits, and this event is for it. Throws `EngineError` when its `match` fails. */
export function mayHave(transaction: Transaction, { step: no, item }: StepRef, signal: Signal): boolean {
  const { plan } = transaction
  const step = plan.steps[no]
  const frame = step ? frameAt(rootOf(transaction), plan, step, item) : null
  if (step?.kind !== 'wait' || frame?.get(no).state !== 'asleep') return false
  if (step.match === null) return true
  const answer = step.match.evaluate(frame.scope({ signal: parseJson(signal.text) }))
  if (typeof answer === 'boolean') return answer
  throw new EngineError('expression_failed', `match: gave ${stringifyJson(answer)}, expected true or false`)
}

export function waitRow({ transaction }: Draft, { step, frame }: Place<WaitStep>): WaitRow {
  const key = keyText(step.key.evaluate(frame.scope()), step.key.source)
  if (key === null) throw new EngineError('expression_failed', 'wait.key: gave null, so that no event can be for it')
  if (!isStorable(key) || key.length > limits.signalKeyCharsMax) {
    throw new EngineError(
      'expression_failed',
      `wait.key: gives ${key.length} characters, ${limits.signalKeyCharsMax} are allowed`,
    )
  }
  const signal = transaction.plan.signals.find(({ topic }) => topic === step.topic) as SignalTopic
  return {
    topic: step.topic,
    key,
    notBeforeUs: Math.round(Date.parse(transaction.envelope.time) * 1000) - signal.keepMs * 1000,
  }
}

function timeoutUs({ timeoutMs }: WaitStep, atUs: number): number | null {
  return timeoutMs === null ? null : atUs + timeoutMs * 1000
}

function wakingUs({ until }: SleepStep, frame: Place['frame'], atUs: number): number {
  if ('forMs' in until) return atUs + until.forMs * 1000
  const value = until.at.evaluate(frame.scope())
  const timeMs = typeof value === 'string' ? parseTime(value) : null
  if (timeMs !== null) return timeMs * 1000
  throw new EngineError('expression_failed', 'sleep.until: gave no time, expected one such as 2026-01-31T00:00:00Z')
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}
