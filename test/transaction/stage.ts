/**
 * A transaction on its way, played by the names of its steps: `pay`, of an item `pay[3]`, of what undoes it `~pay`. Each
 * event answers with what it asked for, in a few words; its rows are kept, so that it can be made again of them anywhere.
 */
import assert from 'node:assert/strict'
import { stringifyJson } from '../../src/envelope/json.ts'
import type { AttemptReport } from '../../src/transaction/attempt.ts'
import { frameAt, rootOf } from '../../src/transaction/draft.ts'
import type { Effect, Invoke } from '../../src/transaction/effect.ts'
import type { TransactionEvent } from '../../src/transaction/event.ts'
import { restore } from '../../src/transaction/restore.ts'
import {
  type ChildEnd,
  isSettled,
  type StepProgress,
  type StepRef,
  type Transaction,
} from '../../src/transaction/transaction.ts'
import { transition } from '../../src/transaction/transition.ts'
import type { Plan, Step } from '../../src/workflow/plan.ts'
import { LedgerRows } from './ledger-rows.ts'
import { each } from './oracle.ts'
import { admitted, baseUs, ended, planOf } from './scene.ts'

export function staged(steps: string, data: Record<string, unknown> = {}, more = ''): Stage {
  return new Stage(planOf(steps, more), data)
}

function isBlock({ kind }: Step): boolean {
  return kind === 'parallel' || kind === 'forEach' || kind === 'switch'
}

const unknown = { effectUnknown: true } as const

export class Stage {
  readonly plan: Plan
  readonly first: Transaction
  transaction: Transaction
  rows = new LedgerRows()
  nowMs = 0
  /** Of the last event. */
  effects: readonly Effect[] = []

  constructor(plan: Plan, data: Record<string, unknown> = {}) {
    this.plan = plan
    this.first = admitted(plan, data)
    this.transaction = this.first
  }

  get state(): Transaction['state'] {
    return this.transaction.state
  }

  start(atMs = this.nowMs, isTakenOver = false): string[] {
    return this.take({ type: 'Started', atUs: this.#at(atMs), isTakenOver })
  }

  ok(name: string, output: string | null = null, more: Partial<AttemptReport> = {}): string[] {
    return this.end(name, { outcome: 'ok', output, ...more })
  }

  fail(name: string, errorCode = 'no', more: Partial<AttemptReport> = {}): string[] {
    return this.end(name, { outcome: 'fail', errorCode, errorMessage: 'it said no', ...more })
  }

  retry(name: string, errorCode = 'busy', more: Partial<AttemptReport> = {}): string[] {
    return this.end(name, { outcome: 'retry', errorCode, errorMessage: 'busy', ...more })
  }

  /** Killed at its deadline. */
  timeOut(name: string): string[] {
    return this.end(name, { outcome: 'timeout', errorCode: 'timeout', errorMessage: 'too slow', ...unknown })
  }

  lose(name: string): string[] {
    return this.end(name, { outcome: 'lost', errorCode: 'lost', errorMessage: 'gone', ...unknown })
  }

  end(name: string, report: Partial<AttemptReport>): string[] {
    const { step, item } = this.ref(name)
    return this.take(ended(step, this.progress(name).attempts + 1, report, this.nowMs, item))
  }

  reserve(name: string): string[] {
    const at = { ...this.ref(name), attempt: this.progress(name).attempts + 1 }
    return this.take({ type: 'AttemptReserved', atUs: this.#at(), ...at })
  }

  due(name: string, atMs: number): string[] {
    return this.take({ type: 'TimerDue', atUs: this.#at(atMs), ...this.ref(name) })
  }

  signal(name: string, text = '{"data":{}}', id = 'signal'): string[] {
    return this.take({ type: 'SignalArrived', atUs: this.#at(), ...this.ref(name), signal: { id, text } })
  }

  /** The sub-workflow that this step called last. */
  childEnds(name: string, end: Partial<ChildEnd> = {}, id: string | null = null): string[] {
    const { step, item } = this.ref(name)
    const own = this.rows.children.filter((each) => each.step === step && each.item === item)
    const child = id === null ? own.at(-1) : own.find((each) => each.id === id)
    assert.ok(child, `${name} has called`)
    child.ended = { state: 'completed', error: null, output: null, isOwing: false, ...end }
    return this.take({ type: 'ChildEnded', atUs: this.#at(), step, item, childId: child.id, end: child.ended })
  }

  resolve(step: string, outcome: 'ok' | 'fail', output: string | null = null): string[] {
    return this.take({ type: 'StepResolved', atUs: this.#at(), step, outcome, output, by: 'somebody: looked' })
  }

  cancel(): string[] {
    return this.take({ type: 'CancelAsked', atUs: this.#at(), by: 'somebody: no more' })
  }

  undo(): string[] {
    return this.take({ type: 'UndoAsked', atUs: this.#at(), by: 'somebody: again' })
  }

  again(from: string | null = null, input: string | null = null): string[] {
    return this.take({ type: 'RetryAsked', atUs: this.#at(), from, input, by: 'somebody: again' })
  }

  /** Its coordinator is lost: it is made again of its rows. */
  crash(): this {
    const { id, plan, position, key, envelope, admittedUs, parent } = this.first
    this.transaction = restore({ id, plan, position, key, envelope, admittedUs, parent }, this.rows.records())
    return this
  }

  /** Made again of its rows, and its turn is given to it. */
  restart(atMs = this.nowMs): string[] {
    return this.crash().start(atMs, true)
  }

  /** One that is refused changes nothing, and answers with the reason. */
  take(event: TransactionEvent): string[] {
    const result = transition(this.transaction, event)
    if ('refused' in result) return [`refused: ${result.refused}`]
    this.transaction = result.transaction
    this.effects = result.effects
    this.rows.add(result.effects)
    return result.effects.map((effect) => this.told(effect))
  }

  /** What a step's function was asked for by the last event. */
  invoked(name: string): Invoke {
    const { step, item } = this.ref(name)
    const found = this.effects.find((each) => each.type === 'Invoke' && each.step.no === step && each.item === item)
    assert.ok(found?.type === 'Invoke', `${name} was asked for`)
    return found
  }

  progress(name: string): StepProgress {
    const { step, item } = this.ref(name)
    const frame = frameAt(rootOf(this.transaction), this.plan, this.plan.steps[step]!, item)
    assert.ok(frame, `there is ${name}`)
    return frame.get(step)
  }

  ref(name: string): StepRef {
    const [, tilde, id = '', item = ''] = /^(~?)([^[]+)(?:\[([\d.]+)\])?$/.exec(name) ?? []
    const step = this.plan.byId.get(id)
    assert.ok(step, `there is a step ${id}`)
    return { step: tilde ? step.no + 1 : step.no, item }
  }

  name({ step: no, item }: StepRef): string {
    const step = this.plan.steps[no]!
    return `${step.kind === 'undo' ? '~' : ''}${step.id}${item === '' ? '' : `[${item}]`}`
  }

  told(effect: Effect): string {
    switch (effect.type) {
      case 'Invoke':
        return `invoke ${this.name({ step: effect.step.no, item: effect.item })}@${effect.attempt} ${effect.input}`
      case 'ArmTimer':
        return `timer ${this.name(effect)} +${this.ms(effect.dueUs)}`
      case 'Proceed':
        return `proceed ${this.name(effect)}`
      case 'Abort':
        return `abort ${this.name(effect)}`
      case 'Admit':
        return `call ${effect.workflow} ${effect.data}`
      case 'Tell':
        return `tell ${effect.event.type}`
      case 'RecordBegun':
        return `begun ${this.name(effect.row)}`
      case 'RecordAttempt': {
        const { stepState, errorCode, unknown: isUnknown } = effect.row
        const code = errorCode === null ? '' : ` ${errorCode}`
        return `${this.name(effect.row)} ${stepState ?? 'again'}${code}${isUnknown ? ' unknown' : ''}`
      }
      case 'RecordRest': {
        const { dueUs, wait, isAlone } = effect.row
        const due = dueUs === null ? '' : ` +${this.ms(dueUs)}`
        return `rest ${this.name(effect.row)}${due}${wait ? ` for ${wait.topic} ${wait.key}` : ''}${isAlone ? ' alone' : ''}`
      }
      case 'RecordRestOver':
        return `up ${this.name(effect.row)}`
      case 'RecordTaken':
        return `taken ${this.name(effect.row)} ${effect.row.signalId}`
      case 'RecordPosting': {
        const { debit, credit, amount, currency, reverses } = effect.row
        return `post ${this.name(effect.row)} ${debit}>${credit} ${amount} ${currency}${reverses ? ' reversal' : ''}`
      }
      case 'RecordTurn':
        return `turn ${effect.row.code}`
      case 'RecordReopened':
        return `round ${effect.row.round}${effect.row.from === null ? '' : ` from ${this.name({ step: effect.row.from, item: '' })}`}`
      case 'RecordEnding':
        return `end ${effect.row.state}${effect.row.errorCode ? ` ${effect.row.errorCode}` : ''}`
      case 'RecordMessage':
        return `publish ${effect.row.topic} ${effect.row.error ?? effect.row.value}`
    }
  }

  us(atMs: number): number {
    return baseUs + atMs * 1000
  }

  ms(us: number): number {
    return (us - baseUs) / 1000
  }

  /** What must not be forgotten of each step. `isSure`: no coordinator was lost of which somebody must guess what it did. */
  alive(isSure: boolean): Record<string, unknown> {
    return this.#known(this.transaction, isSure)
  }

  /** The same, of its rows. */
  readBack(isSure: boolean): Record<string, unknown> {
    const { transaction } = this
    this.crash()
    const read = this.#known(this.transaction, isSure)
    this.transaction = transaction
    return read
  }

  #known(transaction: Transaction, isSure: boolean): Record<string, unknown> {
    const { failure, round, notAfterUs, given, settled, plan } = transaction
    const known: Record<string, unknown> = { failure, round, notAfterUs, given, settled }
    each(plan, rootOf(transaction), 0, plan.steps.length, (step, frame) => {
      const of = frame.get(step.no)
      // Blocks leave no row before they end: all that is to be known of them is in what they hold.
      const isNew = of.state === 'pending' && of.attempts === 0 && !of.wasSkipped
      if (isNew || (isBlock(step) && !isSettled(of))) return
      const { inside, output, sinceUs: _, stopping: _said, begun: _may, ...rest } = of
      const kept = inside?.kind === 'items' || inside?.kind === 'choice' ? null : inside
      const text = stringifyJson(output.output)
      known[this.name({ step: step.no, item: frame.item })] = {
        ...rest,
        effectUnknown: (isSure || of.state !== 'waiting') && of.effectUnknown,
        output: text,
        inside: kept,
      }
    })
    return known
  }

  #at(atMs = this.nowMs): number {
    this.nowMs = atMs
    return baseUs + atMs * 1000
  }
}
