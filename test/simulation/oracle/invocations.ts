/**
 * Durable before seen, and order by key, as workers see them: whatever is asked of them follows from what is in the
 * ledger at that moment. A coordinator that does not know yet that its lane was taken may ask again what was asked before,
 * under the same key; never anything else. What has no effects may be asked for ahead of that, and is held against the
 * ledger when what it gave is written.
 */
import type { Invocation, InvocationResult, OfLane, TransactionRow } from '../../../src/coordinator/ports.ts'
import type { AttemptRow } from '../../../src/transaction/effect.ts'
import type { ForEachStep, Step } from '../../../src/workflow/plan.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { nameOfPlace, placeOf, stepAt } from '../place.ts'
import { isPure } from '../workers.ts'
import { isSettled } from './history.ts'
import { itemFor, latest, layoutOf } from './layout.ts'
import { holds } from './verdict.ts'

const durable = 'durable before seen'
const keys = 'one idempotency key per step'
const order = 'order by key'

interface Runner {
  readonly row: OfLane<TransactionRow>
  everStarted: boolean
  /** It stood in doubt, rested or was opened again: others of its key may have gone before it since. */
  everAside: boolean
}

export class Invocations {
  readonly #tables: Tables
  readonly #keyOf = new Map<string, string>()
  readonly #stepOf = new Map<string, string>()
  readonly #runners = new Map<string, Runner>()
  /** What was written last of each. */
  readonly #last = new Map<string, AttemptRow>()
  /** lane, workflow and key -> those that are open. */
  readonly #lines = new Map<string, Set<Runner>>()
  /** What functions without effects gave, each time something else -> who was asked for it. */
  readonly #readings = new Map<string, Invocation>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  written(written: Written): void {
    for (const { transactionId } of written.reopened) this.#reopened(transactionId)
    for (const row of written.attempts) this.#last.set(row.transactionId, row)
    for (const row of written.transactions) {
      const runner = { row, everStarted: false, everAside: false }
      this.#runners.set(row.id, runner)
      if (isOrdered(this.#tables, row)) this.#lineOf(row).add(runner)
    }
    for (const { transactionId } of written.rests) {
      const runner = this.#runners.get(transactionId)
      if (runner && this.#tables.restsAlone(transactionId)) runner.everAside = true
    }
    for (const row of written.attempts) {
      const runner = this.#runners.get(row.transactionId)
      if (runner && row.stepState === 'in_doubt') runner.everAside = true
    }
    for (const row of written.endings) {
      const runner = this.#runners.get(row.transactionId)
      if (runner) this.#lineOf(runner.row).delete(runner)
      this.#runners.delete(row.transactionId)
    }
    for (const row of written.attempts) {
      this.#judgeReading(row)
      if (row.dispatchedUs !== null) this.#judgeAlone(row.transactionId, written)
    }
  }

  #reopened(id: string): void {
    const row = this.#tables.transactions.get(id)
    if (!row) return
    const runner = { row, everStarted: false, everAside: true }
    this.#runners.set(id, runner)
    if (isOrdered(this.#tables, row)) this.#lineOf(row).add(runner)
  }

  /** It has had its turn and not given it away, as far as is written. */
  #isUnderWay(id: string): boolean {
    const tables = this.#tables
    if (tables.isInDoubt(id) || tables.restsAlone(id)) return false
    const last = this.#last.get(id)
    const isOfRound = last !== undefined && (last.round ?? 1) === tables.roundOf(id)
    return (isOfRound && last.resolvedBy === null) || tables.unknownOf(id).length > 0
  }

  /** What went ahead is seen when it is written: nobody else of its key is at it then, but who had its turn after it. */
  #judgeAlone(id: string, { attempts }: Written): void {
    const row = this.#tables.transactions.get(id)
    if (!row || !isOrdered(this.#tables, row)) return
    const gaveWay = this.#tables.endings.has(id) || this.#tables.isInDoubt(id) || this.#tables.restsAlone(id)
    for (const { row: other } of this.#lineOf(row)) {
      if (other.id === id || !this.#isUnderWay(other.id)) continue
      const rows = this.#tables.attemptsOf(other.id)
      const turn = rows.slice(rows.findLastIndex((each) => each.resolvedBy !== null) + 1)
      const isNew = turn.every((each) => attempts.includes(each))
      holds(gaveWay && isNew, order, () => `${id} and ${other.id} of its key are both under way`)
    }
  }

  ended(invocation: Invocation, { outcome, output }: InvocationResult): void {
    if (outcome === 'ok' && output !== null && isPure(invocation)) this.#readings.set(output, invocation)
  }

  /** It may have been asked for on what was undone since: then it is not to be written. */
  #judgeReading(row: OfLane<AttemptRow>): void {
    const { transactionId: id, step: no, attempt, outcome, output, resolvedBy } = row
    const transaction = this.#tables.transactions.get(id)
    const step = transaction && this.#tables.planOf(transaction).steps[no]
    if (!step || !('uses' in step) || !isPure({ function: step.uses }) || outcome !== 'ok' || resolvedBy !== null)
      return
    const invocation = this.#readings.get(output as string)
    const place = invocation && placeOf(invocation)
    const isPlace = place?.id === step.id && place.item === row.item
    const isOwn = invocation?.transactionId === id && isPlace && invocation.attempt === attempt
    holds(invocation && isOwn, durable, () => `${step.id}#${attempt} of ${id} has ${output}, which it never gave`)
    this.#judgeInput(invocation, transaction, step, this.#tables.attemptsOf(id))
  }

  /** `session`: of whoever asks. */
  invoked(session: number, invocation: Invocation): void {
    const { transactionId, step: stepId, attempt, ahead } = invocation
    // Whoever is not in the ledger may come to it under another id: its admission may be undone.
    if (!ahead || this.#tables.transactions.has(transactionId)) this.#judgeKey(invocation)
    holds(!ahead || isPure(invocation), durable, () => `${stepId} of ${transactionId} has effects, and went ahead`)
    if (ahead) return
    const row = this.#tables.transactions.get(transactionId)
    holds(row, durable, () => `${stepId} of ${transactionId} was asked for before its admission was in the ledger`)
    const plan = this.#tables.planOf(row)
    const { item, isUndo } = placeOf(invocation)
    const step = stepAt(plan, placeOf(invocation)) as Step
    const rows = this.#tables.attemptsOf(transactionId)
    if (!isUndo) this.#judgeInput(invocation, row, step, rows)
    const own = rows.filter((each) => each.step === step.no && each.item === item && each.attempt > 0)
    const round = this.#tables.roundOf(transactionId)
    const isHolder = this.#tables.lane(row.laneId).session === session
    const name = `${stepId}#${attempt} of ${transactionId}`
    holds(attempt <= own.length + 1, durable, () => `${name} was asked for with ${own.length} attempts in the ledger`)
    if (!isHolder) return
    holds(
      attempt === own.length + 1 && !isSettled(own.filter((each) => (each.round ?? 1) === round)),
      durable,
      () => `${name} was asked for again after it had ended`,
    )
    holds(!this.#tables.endings.has(transactionId), durable, () => `${name} was asked for after the transaction's end`)
    this.#judgeOrder(row, name)
  }

  /** In each round; a step of unknown effect keeps the one it has. */
  #judgeKey(invocation: Invocation): void {
    const { transactionId, idempotencySeed } = invocation
    const name = `${transactionId}/${nameOfPlace(placeOf(invocation))}`
    const round = `${name}/${this.#tables.roundOf(transactionId)}`
    // What goes ahead may be of a round that is not in the ledger yet.
    const key = (invocation.ahead ? null : this.#keyOf.get(round)) ?? idempotencySeed
    if (!invocation.ahead) this.#keyOf.set(round, key)
    const owner = this.#stepOf.get(idempotencySeed) ?? name
    this.#stepOf.set(idempotencySeed, owner)
    holds(
      key === idempotencySeed && owner === name,
      keys,
      () => `${name} has ${key} and ${idempotencySeed}, which is of ${owner}`,
    )
  }

  #judgeInput(invocation: Invocation, row: TransactionRow, step: Step, rows: readonly AttemptRow[]): void {
    const given = JSON.parse(invocation.input) as Record<string, unknown>
    const { n, list, pair } = JSON.parse(row.envelope).data
    const name = `${step.id} of ${row.id}`
    if (given.byHand === true) return
    holds(given.n === n, durable, () => `${name} was given event ${given.n}, expected ${n}`)
    const plan = this.#tables.planOf(row)
    const { item } = placeOf(invocation)
    const { before } = layoutOf(plan)
    for (const each of before.get(step.no) ?? []) {
      const own = rows.filter((one) => one.step === each.no && one.item === itemFor(each, item))
      holds(isSettled(own), durable, () => `${name} was asked for before ${each.id} was settled`)
    }
    for (const [at, no] of step.within.entries()) {
      const around = plan.steps[no] as ForEachStep
      const value = (around.in.source === 'event.data.list' ? list : pair)[Number(item.split('.')[at])]
      holds(
        given[around.as] === value,
        durable,
        () => `${name} was given ${given[around.as]} of ${around.id}, expected ${value}`,
      )
    }
    for (const each of plan.steps) {
      if (each.kind === 'undo' || !(each.id in given)) continue
      const own = rows.filter((one) => one.step === each.no && one.item === itemFor(each, item))
      const last = latest(own)
      const output = last?.stepState === 'ok' ? JSON.stringify(JSON.parse(last.output ?? 'null')) : 'null'
      const seen = JSON.stringify(given[each.id])
      // Of a case that was taken in a round before.
      const isOld = seen === 'null' && (last?.round ?? 1) < this.#tables.roundOf(row.id)
      holds(
        seen === output || isOld,
        durable,
        () => `${name} was given ${seen} for ${each.id}, the ledger has ${output}`,
      )
    }
  }

  #judgeOrder(row: OfLane<TransactionRow>, name: string): void {
    const runner = this.#runners.get(row.id) as Runner
    if (isOrdered(this.#tables, row)) {
      for (const other of this.#lineOf(row)) if (other !== runner) this.#judgePair(runner, other, name)
    }
    runner.everStarted = true
  }

  #judgePair(runner: Runner, other: Runner, name: string): void {
    if (this.#tables.isInDoubt(other.row.id) || this.#tables.restsAlone(other.row.id)) return
    // What nobody wrote down has not happened: its first attempt may be under way, and is made again in its turn.
    holds(
      !this.#isUnderWay(other.row.id),
      order,
      () => `${name} was asked for beside ${other.row.id} of its key, which has not ended`,
    )
    const isOrdered = runner.row.redrivenFrom === null && other.row.redrivenFrom === null
    const isEarlier = other.row.offset < runner.row.offset && !other.everAside
    holds(
      !isOrdered || !isEarlier || runner.everStarted,
      order,
      () => `${name} was asked for before ${other.row.id} of its key had its turn`,
    )
  }

  #lineOf(row: OfLane<TransactionRow>): Set<Runner> {
    const name = `${row.laneId}/${this.#tables.versionOf(row).workflowId}/${row.key}`
    const line = this.#lines.get(name) ?? new Set()
    this.#lines.set(name, line)
    return line
  }
}

function isOrdered(tables: Tables, row: TransactionRow): boolean {
  return row.key !== null && tables.planOf(row).order !== 'none'
}
