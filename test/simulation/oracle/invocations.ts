/**
 * Durable before seen, and order by key, as workers see them: whatever is asked of them follows from what is in the
 * ledger at that moment. A coordinator that does not know yet that its lane was taken may ask again what was asked before,
 * under the same key; never anything else. What has no effects may be asked for ahead of that, and is held against the
 * ledger when what it gave is written.
 */
import type { Invocation, InvocationResult, OfLane, TransactionRow } from '../../../src/coordinator/ports.ts'
import type { AttemptRow } from '../../../src/transaction/effect.ts'
import type { Step } from '../../../src/workflow/plan.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { isPure } from '../workers.ts'
import { isSettled } from './history.ts'
import { holds } from './verdict.ts'

const durable = 'durable before seen'
const keys = 'one idempotency key per step'
const order = 'order by key'

interface Runner {
  readonly row: OfLane<TransactionRow>
  everStarted: boolean
  everInDoubt: boolean
}

export class Invocations {
  readonly #tables: Tables
  readonly #keyOf = new Map<string, string>()
  readonly #stepOf = new Map<string, string>()
  readonly #runners = new Map<string, Runner>()
  /** lane, workflow and key -> those that are open. */
  readonly #lines = new Map<string, Set<Runner>>()
  /** What functions without effects gave, each time something else -> who was asked for it. */
  readonly #readings = new Map<string, Invocation>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  written(written: Written): void {
    for (const row of written.transactions) {
      const runner = { row, everStarted: false, everInDoubt: false }
      this.#runners.set(row.id, runner)
      if (row.key !== null) this.#lineOf(row).add(runner)
    }
    for (const row of written.attempts) {
      const runner = this.#runners.get(row.transactionId)
      if (runner && row.stepState === 'in_doubt') runner.everInDoubt = true
    }
    for (const row of written.endings) {
      const runner = this.#runners.get(row.transactionId)
      if (runner && runner.row.key !== null) this.#lineOf(runner.row).delete(runner)
      this.#runners.delete(row.transactionId)
    }
    for (const row of written.attempts) {
      this.#judgeReading(row)
      if (row.dispatchedUs !== null) this.#judgeAlone(row.transactionId, written)
    }
  }

  /** What went ahead is seen when it is written: nobody else of its key is at it then, but who had its turn after it. */
  #judgeAlone(id: string, { attempts }: Written): void {
    const row = this.#tables.transactions.get(id)
    if (!row || row.key === null) return
    const gaveWay = this.#tables.endings.has(id) || this.#tables.isInDoubt(id)
    for (const { row: other } of this.#lineOf(row)) {
      if (other.id === id || this.#tables.isInDoubt(other.id) || !this.#tables.hasStarted(other.id)) continue
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
    const isOwn = invocation?.transactionId === id && invocation.step === step.id && invocation.attempt === attempt
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
    const step = plan.steps.find((each) => each.id === stepId) as Step
    const rows = this.#tables.attemptsOf(transactionId)
    this.#judgeInput(invocation, row, step, rows)
    const own = rows.filter((each) => each.step === step.no)
    const isHolder = this.#tables.lane(row.laneId).session === session
    const name = `${stepId}#${attempt} of ${transactionId}`
    holds(attempt <= own.length + 1, durable, () => `${name} was asked for with ${own.length} attempts in the ledger`)
    if (!isHolder) return
    holds(
      attempt === own.length + 1 && !isSettled(own),
      durable,
      () => `${name} was asked for again after it had ended`,
    )
    holds(!this.#tables.endings.has(transactionId), durable, () => `${name} was asked for after the transaction's end`)
    this.#judgeOrder(row, name)
  }

  #judgeKey({ transactionId, step, idempotencySeed }: Invocation): void {
    const name = `${transactionId}/${step}`
    const key = this.#keyOf.get(name) ?? idempotencySeed
    this.#keyOf.set(name, key)
    const owner = this.#stepOf.get(idempotencySeed) ?? name
    this.#stepOf.set(idempotencySeed, owner)
    holds(
      key === idempotencySeed && owner === name,
      keys,
      () => `${name} has ${key} and ${idempotencySeed}, which is of ${owner}`,
    )
  }

  #judgeInput({ input }: Invocation, row: TransactionRow, step: Step, rows: readonly AttemptRow[]): void {
    const given = JSON.parse(input) as Record<string, unknown>
    const n = JSON.parse(row.envelope).data.n
    holds(given.n === n, durable, () => `${step.id} of ${row.id} was given event ${given.n}, expected ${n}`)
    const { steps } = this.#tables.planOf(row)
    for (const each of steps.slice(0, step.no)) {
      const own = rows.filter((one) => one.step === each.no)
      holds(isSettled(own), durable, () => `${step.id} of ${row.id} was asked for before ${each.id} was settled`)
      const last = own.at(-1)
      const output = last?.stepState === 'ok' ? last.output : 'null'
      holds(
        JSON.stringify(given[each.id]) === output,
        durable,
        () =>
          `${step.id} of ${row.id} was given ${JSON.stringify(given[each.id])} for ${each.id}, the ledger has ${output}`,
      )
    }
  }

  #judgeOrder(row: OfLane<TransactionRow>, name: string): void {
    const runner = this.#runners.get(row.id) as Runner
    if (row.key !== null) {
      for (const other of this.#lineOf(row)) if (other !== runner) this.#judgePair(runner, other, name)
    }
    runner.everStarted = true
  }

  #judgePair(runner: Runner, other: Runner, name: string): void {
    if (this.#tables.isInDoubt(other.row.id)) return
    // What nobody wrote down has not happened: its first attempt may be under way, and is made again in its turn.
    holds(
      !this.#tables.hasStarted(other.row.id),
      order,
      () => `${name} was asked for beside ${other.row.id} of its key, which has not ended`,
    )
    const isOrdered = runner.row.redrivenFrom === null && other.row.redrivenFrom === null
    const isEarlier = other.row.offset < runner.row.offset && !other.everInDoubt
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
