/** Plans from workflow text, transactions of them, and a way to read what a transition answers. */

import { type Json, stringifyJson } from '../../src/envelope/json.ts'
import { admit } from '../../src/transaction/admit.ts'
import type { AttemptReport } from '../../src/transaction/attempt.ts'
import type { Effect } from '../../src/transaction/effect.ts'
import type { TransactionEvent } from '../../src/transaction/event.ts'
import { nameOf } from '../../src/transaction/rows.ts'
import type { ChildEnd, StepRef, Transaction } from '../../src/transaction/transaction.ts'
import { transition } from '../../src/transaction/transition.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import type { Plan } from '../../src/workflow/plan.ts'

export const baseUs = 1_777_629_600_000_000
const ms = 1000

export function planOf(steps: string, more = ''): Plan {
  return planFromSource(`name: test\non: { kafka: { topic: t } }\n${more}\nsteps:\n${steps}`, 'test.yaml')
}

export function admitted(plan: Plan, data: Record<string, unknown> = {}): Transaction {
  const time = '2026-05-01T10:00:00.000Z'
  const envelope = { id: 'e', type: null, source: null, time, key: 'k', meta: {}, auth: null, data: data as never }
  const origin = { engine: 'test', topic: 't', incarnation: '', partition: 0, offset: 0 }
  return admit(plan, envelope, { origin, producedUs: baseUs - 5 * ms, admittedUs: baseUs })
}

/** `atMs` is since admission. */
export function started(atMs = 0): TransactionEvent {
  return { type: 'Started', atUs: baseUs + atMs * ms }
}

export function due(step: number, atMs: number, item = ''): TransactionEvent {
  return { type: 'TimerDue', atUs: baseUs + atMs * ms, step, item }
}

export function ended(
  step: number,
  attempt: number,
  what: Partial<AttemptReport> = {},
  atMs = 10,
  item = '',
): TransactionEvent {
  const atUs = baseUs + atMs * ms
  const stamps = { dispatchedUs: atUs - 3, startedUs: atUs - 2, finishedUs: atUs - 1, receivedUs: atUs }
  const plain = {
    outcome: 'ok',
    output: null,
    errorCode: null,
    errorMessage: null,
    retryAfterMs: null,
    effectUnknown: false,
    logs: null,
  } as const
  const report = { ...plain, ...stamps, ...what }
  return { type: 'AttemptEnded', atUs, step, item, attempt, eligibleUs: atUs - 4, report }
}

export function reserved(step: number, attempt: number, atMs = 5, item = ''): TransactionEvent {
  return { type: 'AttemptReserved', atUs: baseUs + atMs * ms, step, item, attempt }
}

export function resolved(
  step: string,
  outcome: 'ok' | 'fail',
  output: string | null = null,
  atMs = 20,
): TransactionEvent {
  return { type: 'StepResolved', atUs: baseUs + atMs * ms, step, outcome, output, by: 'somebody: looked it up' }
}

export function cancelled(atMs = 20): TransactionEvent {
  return { type: 'CancelAsked', atUs: baseUs + atMs * ms, by: 'somebody: changed their mind' }
}

export function undoAsked(atMs = 20): TransactionEvent {
  return { type: 'UndoAsked', atUs: baseUs + atMs * ms, by: 'somebody: try again' }
}

export function retryAsked(from: string | null = null, input: string | null = null, atMs = 20): TransactionEvent {
  return { type: 'RetryAsked', atUs: baseUs + atMs * ms, from, input, by: 'somebody: try again' }
}

export function signalled(step: number, text: string, atMs = 20, item = ''): TransactionEvent {
  return { type: 'SignalArrived', atUs: baseUs + atMs * ms, step, item, signal: { id: 'signal', text } }
}

export function childEnded(step: number, childId: string, end: ChildEnd, atMs = 20, item = ''): TransactionEvent {
  return { type: 'ChildEnded', atUs: baseUs + atMs * ms, step, item, childId, end }
}

export interface Played {
  readonly transaction: Transaction
  /** Of the last event. */
  readonly effects: readonly Effect[]
  readonly refused: string | null
}

/** Given a transaction, when these events happen one after the other. */
export function play(transaction: Transaction, ...events: readonly TransactionEvent[]): Played {
  let played: Played = { transaction, effects: [], refused: null }
  for (const event of events) {
    const result = transition(played.transaction, event)
    played =
      'refused' in result
        ? { transaction: played.transaction, effects: [], refused: result.refused }
        : { ...result, refused: null }
  }
  return played
}

/** What two of the same have in common, whatever life they are in: outputs as text. */
export function plain({ plan: _, owed: _owed, at: _at, ...transaction }: Transaction): unknown {
  return JSON.parse(JSON.stringify(transaction, (_name, value) => comparable(value)))
}

function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}`
  const isOutput = typeof value === 'object' && value !== null && 'output' in value && !('state' in value)
  return isOutput ? { output: stringifyJson(value.output as Json) } : value
}

/** An effect in a few words. */
export function told(effect: Effect): string {
  switch (effect.type) {
    case 'Invoke':
      return `invoke ${nameOf(effect.step, effect.item)}@${effect.attempt}${effect.alone ? ' alone' : ''} ${effect.input}`
    case 'ArmTimer':
      return `timer ${at(effect)} +${(effect.dueUs - baseUs) / ms}`
    case 'Proceed':
      return `proceed ${at(effect)}@${effect.attempt}`
    case 'RecordBegun':
      return `begun ${at(effect.row)}@${effect.row.attempt}`
    case 'RecordAttempt': {
      const { attempt, outcome, stepState } = effect.row
      return `attempt ${at(effect.row)}@${attempt} ${outcome} ${stepState ?? 'again'}`
    }
    case 'RecordTurn':
      return `turn ${effect.row.code}`
    case 'RecordEnding':
      return `end ${effect.row.state}${effect.row.errorCode ? ` ${effect.row.errorCode}` : ''}`
    case 'RecordMessage': {
      const { topic, key, value, error } = effect.row
      return `publish ${topic} ${key} ${error ?? value}`
    }
    default:
      return effect.type
  }
}

function at({ step, item }: StepRef): string {
  return item === '' ? `${step}` : `${step}[${item}]`
}

export function effectsOf({ effects }: Played): string[] {
  return effects.map(told)
}
