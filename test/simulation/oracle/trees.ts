/**
 * Steps in their places: none before those in front of it are settled, none in a block that has ended, blocks that end as their
 * branches or items give reason for, and no more items at once than may be.
 */
import type { Invocation, OfLane, TransactionRow } from '../../../src/coordinator/ports.ts'
import { recall } from '../../../src/envelope/decode.ts'
import type { AttemptRow } from '../../../src/transaction/effect.ts'
import type { ForEachStep, Join, ParallelStep, Plan, Step } from '../../../src/workflow/plan.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { placeOf, stepAt } from '../place.ts'
import { itemFor, latest, layoutOf } from './layout.ts'
import { holds } from './verdict.ts'

const places = 'each step in its place'
const allowed = 'what a step requires is so, or it is forbidden'
const joins = 'a block ends as what it holds gives reason for'

export class Trees {
  readonly #tables: Tables
  /** `transaction/step/item` of blocks that have ended in this round. */
  readonly #over = new Set<string>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  written(written: Written): void {
    for (const { transactionId, from } of written.reopened) if (from !== null) this.#again(transactionId, from)
    for (const row of written.attempts) this.#judge(row)
    for (const row of written.attempts) this.#note(row)
  }

  /** Items of a `forEach` that are under way are no more than may be. */
  invoked(invocation: Invocation): void {
    const { transactionId: id } = invocation
    const row = this.#tables.transactions.get(id)
    const plan = row && this.#tables.planOf(row)
    const place = placeOf(invocation)
    const step = plan && stepAt(plan, place)
    if (!plan || !step || place.isUndo || place.item === '') return
    for (const no of step.within) {
      const around = plan.steps[no] as ForEachStep
      const open = this.#openItems(id, plan, around, itemFor(around, place.item))
      holds(open <= around.atOnce, places, () => `${around.id} of ${id} has ${open} items under way at once`)
    }
  }

  #openItems(id: string, plan: Plan, step: ForEachStep, outer: string): number {
    const inside = this.#tables.attemptsOf(id).filter((row) => row.step > step.no && row.step <= step.no + step.size)
    const round = this.#tables.roundOf(id)
    const items = new Set<string>()
    for (const row of inside) {
      if ((row.round ?? 1) !== round || plan.steps[row.step]?.kind === 'undo') continue
      const depth = step.within.length
      if (row.item.split('.').slice(0, depth).join('.') === outer)
        items.add(
          row.item
            .split('.')
            .slice(0, depth + 1)
            .join('.'),
        )
    }
    return [...items].filter((item) => this.#went(id, step.steps, item) === 'open').length
  }

  #again(id: string, from: number): void {
    for (const name of [...this.#over]) {
      const [of, no] = name.split('/')
      if (of === id && Number(no) >= from) this.#over.delete(name)
    }
  }

  #note(row: OfLane<AttemptRow>): void {
    const { transactionId: id, step, item, stepState } = row
    const isOver = stepState === 'ok' || stepState === 'failed' || stepState === 'skipped'
    if (isOver) this.#over.add(`${id}/${step}/${item}`)
  }

  #judge(row: OfLane<AttemptRow>): void {
    const { transactionId: id, step: no, item } = row
    const transaction = this.#tables.transactions.get(id)
    if (!transaction) return
    const plan = this.#tables.planOf(transaction)
    const step = plan.steps[no] as Step
    if (step.kind === 'undo') return
    const name = `${step.id}[${item}] of ${id}`
    const { before, around } = layoutOf(plan)
    for (const each of before.get(no) ?? []) {
      const state = this.#stateOf(id, each, itemFor(each, item))
      const isPassed = state === 'ok' || state === 'skipped' || (state === 'failed' && each.optional)
      holds(isPassed, places, () => `${name} has a row (${row.outcome}) while ${each.id} before it is ${state}`)
    }
    for (const { block } of around.get(no) ?? []) {
      const isOver = this.#over.has(`${id}/${block.no}/${itemFor(block, item)}`)
      holds(!isOver, places, () => `${name} has a row (${row.outcome}) though ${block.id} around it has ended`)
    }
    if (row.attempt > 0 && row.resolvedBy === null) {
      this.#judgeAllowed(row, step, transaction, name)
      this.#judgeBlock(row, step, name)
    }
  }

  /** Shapes require nothing but of their event. What a step calls or holds may be forbidden in its place. */
  #judgeAllowed(row: AttemptRow, { require, kind }: Step, { envelope, eventId }: TransactionRow, name: string): void {
    const isForbidden = row.errorCode === 'forbidden'
    const may = require === null || require.evaluate({ event: recall(envelope, eventId), steps: {} }) === true
    const holdsOthers = kind !== 'invoke' && kind !== 'sleep' && kind !== 'wait'
    holds(
      isForbidden ? !may || holdsOthers : may,
      allowed,
      () => `${name} ended ${row.outcome} ${row.errorCode ?? ''}: ${require?.source ?? ''}`,
    )
  }

  #judgeBlock(row: OfLane<AttemptRow>, step: Step, name: string): void {
    if (step.kind === 'switch' && row.stepState === 'ok') {
      const went = step.cases.map(({ steps }) => this.#went(row.transactionId, steps, row.item))
      const fine = went.filter((each) => each === 'ok').length
      holds(fine <= 1 || this.#tables.roundOf(row.transactionId) > 1, joins, () => `${name} took ${fine} cases`)
    }
    if (step.kind === 'parallel') {
      const went = step.branches.map(({ steps }) => this.#went(row.transactionId, steps, row.item))
      this.#judgeJoin(row, step, went, name)
    }
    if (step.kind === 'forEach' && row.stepState === 'ok') {
      const { length } = JSON.parse(row.output ?? '[]') as unknown[]
      const items = Array.from({ length }, (_, at) => (row.item === '' ? `${at}` : `${row.item}.${at}`))
      const went = items.map((item) => this.#went(row.transactionId, step.steps, item))
      this.#judgeJoin(row, step, went, name)
    }
  }

  #judgeJoin(row: OfLane<AttemptRow>, step: ParallelStep | ForEachStep, went: readonly Went[], name: string): void {
    const what = () => `${name} ended ${row.stepState} ${row.errorCode ?? ''}, join ${step.join}: ${went.join(' ')}`
    if (row.stepState === 'ok') holds(mayEndWell(step.join, went), joins, what)
    // What is not needed any more is cut short.
    else if (row.errorCode !== 'cancelled' && !isOfExpression(row)) holds(mayFail(step.join, went), joins, what)
  }

  #went(id: string, steps: readonly Step[], item: string): Went {
    for (const step of steps) {
      const state = this.#stateOf(id, step, itemFor(step, item))
      if (state === 'failed' && !step.optional) return 'failed'
      if (state === 'none') return 'open'
    }
    return 'ok'
  }

  #stateOf(id: string, { no }: Step, item: string): 'none' | 'ok' | 'skipped' | 'failed' {
    const rows = this.#tables.attemptsOf(id).filter((row) => row.step === no && row.item === item)
    const last = latest(rows)
    if (last === undefined) return 'none'
    const isOfRound = (last.round ?? 1) === this.#tables.roundOf(id) || this.#over.has(`${id}/${no}/${item}`)
    // What is skipped again has a row already.
    const state = isOfRound ? last.stepState : rows[0]?.outcome
    return state === 'ok' || state === 'skipped' || state === 'failed' ? state : 'none'
  }
}

type Went = 'open' | 'ok' | 'failed'

function mayEndWell(join: Join, went: readonly Went[]): boolean {
  const fine = went.filter((each) => each === 'ok').length
  if (join === 'each') return went.every((each) => each !== 'open')
  return fine >= (join === 'all' ? went.length : join)
}

function mayFail(join: Join, went: readonly Went[]): boolean {
  const failed = went.filter((each) => each === 'failed').length
  if (join === 'each') return false
  return went.length - failed < (join === 'all' ? went.length : join)
}

function isOfExpression({ errorCode }: AttemptRow): boolean {
  return ['expression_failed', 'not_a_list', 'too_many_items', 'block_output_too_large', 'forbidden'].includes(
    errorCode ?? '',
  )
}
