/**
 * What the ledger says of a transaction makes sense at every commit: attempts in their order, steps in theirs, one ending
 * that the steps give reason for, every outcome known from a worker, and nobody who is open hidden from the next owner.
 */
import type { InvocationResult, OfLane } from '../../../src/coordinator/ports.ts'
import type { AttemptRow, EndingRow } from '../../../src/transaction/effect.ts'
import { lostMax } from '../../../src/transaction/retry.ts'
import type { Plan, Step } from '../../../src/workflow/plan.ts'
import type { Written } from '../ledger/commit.ts'
import { isFound } from '../ledger/lanes.ts'
import type { Tables } from '../ledger/tables.ts'
import { holds } from './verdict.ts'

const ending = 'one ending'
const together = 'together'
const burnt = 'no attempt is burnt'
const found = 'what is open is found again'

export class History {
  readonly #tables: Tables
  /** `transaction/step/attempt/outcome` of every result that workers gave. */
  readonly #results = new Set<string>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  ended(transactionId: string, step: number, attempt: number, { outcome }: InvocationResult): void {
    this.#results.add(`${transactionId}/${step}/${attempt}/${outcome}`)
  }

  written(written: Written): void {
    for (const { id } of written.copies) this.#isNothing(id)
    const touched = new Set(written.attempts.map((row) => row.transactionId))
    for (const id of touched) this.#judgeAttempts(id)
    for (const row of written.attempts) this.#judgeOutcome(row)
    const ended = new Set(written.endings.map((row) => row.transactionId))
    for (const { transactionId } of written.begun) {
      const isOpen = this.#isOpen(transactionId) || ended.has(transactionId)
      holds(isOpen, ending, () => `${transactionId} begins an attempt and is not open`)
    }
    for (const row of written.endings) this.#judgeEnding(row)
    this.#judgeLetters(written)
    for (const { id, transactionId } of written.deadLetters) {
      const isThere = transactionId === null || this.#tables.transactions.has(transactionId)
      holds(isThere, together, () => `dead letter ${id} is of ${transactionId}, which is not in the ledger`)
    }
    for (const { laneId, lowId } of written.lanes) {
      const lane = this.#tables.lane(laneId)
      for (const id of lane.open)
        holds(isFound(this.#tables, lane, id), found, () => `low_id ${lowId} of lane ${laneId} hides ${id}`)
    }
  }

  /** Who fails leaves its record as a dead letter where its workflow says so, in the same commit. */
  #judgeLetters({ endings, deadLetters, letters }: Written): void {
    const told = new Set([...deadLetters, ...letters].map((letter) => letter.transactionId))
    for (const { transactionId: id, state } of endings) {
      const row = this.#tables.transactions.get(id)
      const isWanted = row !== undefined && state === 'failed' && this.#tables.planOf(row).deadLetter.failed
      holds(!isWanted || told.has(id), together, () => `${id} failed and left no dead letter`)
      holds(!this.#tables.rawRecords.has(id), together, () => `${id} ended and its record is still kept`)
    }
  }

  #isOpen(id: string): boolean {
    return this.#tables.transactions.has(id) && !this.#tables.endings.has(id)
  }

  #isNothing(id: string): void {
    const known = this.#tables.transactions.has(id) || this.#tables.attempts.has(id) || this.#tables.begun.has(id)
    holds(!known, together, () => `the copy ${id} left rows`)
  }

  #judgeAttempts(id: string): void {
    const row = this.#tables.transactions.get(id)
    holds(row, together, () => `${id} has attempts and is not in the ledger`)
    const rows = this.#tables.attemptsOf(id)
    const { steps } = this.#tables.planOf(row)
    for (const step of steps) {
      const own = rows.filter((each) => each.step === step.no)
      if (own.length === 0) continue
      const before = steps.slice(0, step.no).every((each) => isSettled(rows.filter((one) => one.step === each.no)))
      holds(before, together, () => `${id}: step ${step.id} has attempts before those in front of it are settled`)
      this.#judgeStep(id, step, own)
    }
  }

  #judgeStep(id: string, step: Step, rows: readonly OfLane<AttemptRow>[]): void {
    const what = () =>
      `${id} step ${step.id}: ${rows.map((row) => `${row.attempt} ${row.outcome} ${row.stepState}`).join(', ')}`
    const first = rows[0]?.outcome === 'skipped' ? 0 : 1
    holds(
      rows.every((row, at) => row.attempt === at + first),
      together,
      what,
    )
    const early = rows.slice(0, -1)
    holds(
      early.every((row) => row.stepState === null || row.stepState === 'in_doubt'),
      ending,
      what,
    )
    const failures = rows.filter(
      ({ outcome, resolvedBy }) => ['retry', 'timeout', 'crash'].includes(outcome) && resolvedBy === null,
    )
    holds(!('retry' in step) || failures.length <= step.retry.attempts, burnt, what)
    holds(rows.filter((row) => row.outcome === 'lost').length <= lostMax, burnt, what)
  }

  /** An outage is nobody's failure: what counts against a step is what a worker said, or what nobody can know. */
  #judgeOutcome(row: OfLane<AttemptRow>): void {
    const { transactionId, step, attempt, outcome, errorCode } = row
    const name = `${transactionId}/${step}/${attempt}`
    const what = () => `${name} is recorded as ${outcome} ${errorCode ?? ''}, and no worker said so`
    if (outcome === 'skipped' || row.resolvedBy !== null) return
    if (errorCode === 'value_refused') holds(this.#results.has(`${name}/ok`), burnt, what)
    else if (errorCode === 'coordinator_lost') {
      const begun = this.#tables.begunOf(transactionId).some((each) => each.step === step && each.attempt === attempt)
      holds(begun, burnt, what)
    } else if (row.dispatchedUs !== null || outcome !== 'fail')
      holds(this.#results.has(`${name}/${outcome}`), burnt, what)
  }

  #judgeEnding({ transactionId: id, state, errorCode, laneId }: OfLane<EndingRow>): void {
    const row = this.#tables.transactions.get(id)
    holds(row && row.laneId === laneId, ending, () => `${id} ended and is not a transaction of lane ${laneId}`)
    const rows = this.#tables.attemptsOf(id)
    const what = () =>
      `${id} ended ${state} ${errorCode ?? ''} with ${rows.map((each) => `${each.step}#${each.attempt} ${each.outcome} ${each.stepState}`).join(', ')}`
    const plan = this.#tables.planOf(row)
    const states = plan.steps.map((step) => {
      const last = rows.filter((each) => each.step === step.no).at(-1)
      return { step, state: last?.stepState ?? null }
    })
    const isFailed = states.some((each) => each.state === 'failed' && !each.step.optional)
    const settled = states.every((each) => each.state === 'ok' || each.state === 'skipped' || each.state === 'failed')
    if (state === 'completed') holds(settled && !isFailed, ending, what)
    else
      holds(isFailed || errorCode === 'transaction_timeout' || (settled && cannotTell(plan, errorCode)), ending, what)
  }
}

/** What is to be published of its good end could not be made. */
function cannotTell({ publish }: Plan, errorCode: string | null): boolean {
  return publish.completed.length > 0 && errorCode === 'expression_failed'
}

export function isSettled(rows: readonly AttemptRow[]): boolean {
  const last = rows.at(-1)?.stepState
  return last === 'ok' || last === 'skipped' || last === 'failed'
}
