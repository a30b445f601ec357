/**
 * What the ledger says of a transaction makes sense at every commit: attempts in their order, steps in theirs, one ending
 * that the steps give reason for, every outcome known from a worker, and nobody who is open hidden from the next owner.
 */
import type { Invocation, InvocationResult, OfLane } from '../../../src/coordinator/ports.ts'
import type { AttemptRow, EndingRow } from '../../../src/transaction/effect.ts'
import { lostMax } from '../../../src/transaction/retry.ts'
import type { FunctionStep, Plan, Step } from '../../../src/workflow/plan.ts'
import type { Written } from '../ledger/commit.ts'
import { isFound } from '../ledger/lanes.ts'
import { add, placeOf as placeOfStep, type Tables } from '../ledger/tables.ts'
import { nameOfPlace, placeOf, placeOfRow } from '../place.ts'
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

  ended(invocation: Invocation, { outcome }: InvocationResult): void {
    const { transactionId, attempt } = invocation
    this.#results.add(`${transactionId}/${nameOfPlace(placeOf(invocation))}/${attempt}/${outcome}`)
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
      for (const id of lane.open) {
        const isThere = isFound(this.#tables, lane, id) || this.#tables.restsAlone(id)
        holds(isThere, found, () => `low_id ${lowId} of lane ${laneId} hides ${id}`)
      }
    }
  }

  /** Who fails leaves its record as a dead letter where its workflow says so, in the same commit. */
  #judgeLetters({ endings, deadLetters, letters }: Written): void {
    const told = new Set([...deadLetters, ...letters].map((letter) => letter.transactionId))
    for (const { transactionId: id, state } of endings) {
      const row = this.#tables.transactions.get(id)
      const isWanted =
        row !== undefined &&
        this.#tables.roundOf(id) === 1 &&
        state === 'failed' &&
        this.#tables.planOf(row).deadLetter.failed
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
    const { steps } = this.#tables.planOf(row)
    const places = new Map<string, OfLane<AttemptRow>[]>()
    for (const each of this.#tables.attemptsOf(id)) add(places, placeOfStep(each), each)
    for (const rows of places.values()) this.#judgeStep(id, steps[rows[0]?.step ?? 0] as Step, rows)
  }

  #judgeStep(id: string, step: Step, rows: readonly OfLane<AttemptRow>[]): void {
    const what = () =>
      `${id} step ${step.id}: ${rows.map((row) => `${row.attempt} ${row.outcome} ${row.stepState}`).join(', ')}`
    const tried = rows.filter((row) => row.attempt > 0)
    holds(
      tried.every((row, at) => row.attempt === at + 1),
      together,
      what,
    )
    for (const round of new Set(rows.map((row) => row.round ?? 1))) {
      this.#judgeRound(
        step,
        rows.filter((row) => (row.round ?? 1) === round),
        what,
      )
    }
  }

  #judgeRound(step: Step, rows: readonly OfLane<AttemptRow>[], what: () => string): void {
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
    const { transactionId, step, item, attempt, outcome, errorCode } = row
    const transaction = this.#tables.transactions.get(transactionId)
    const plan = transaction && this.#tables.planOf(transaction)
    if (!plan || !('uses' in (plan.steps[step] as Step))) return
    const name = `${transactionId}/${nameOfPlace(placeOfRow(plan, row))}/${attempt}`
    const what = () => `${name} is recorded as ${outcome} ${errorCode ?? ''}, and no worker said so`
    if (outcome === 'skipped' || row.resolvedBy !== null) return
    // It was not asked for at all.
    if (errorCode === 'cancelled' && row.dispatchedUs === null) return
    if (outcome === 'fail' && this.#results.has(`${name}/ok`)) return
    if (errorCode === 'coordinator_lost') {
      const isOwn = (each: { step: number; item: string; attempt: number }) =>
        each.step === step && each.item === item && each.attempt === attempt
      // Nobody writes when one begins that may be asked for again: it is given up as lost, should its block need it no more.
      const of = plan.steps[step] as FunctionStep
      const mayBeAskedFor = !of.uses.startsWith('once/') || of.kind === 'undo' || of.compensate !== null
      holds(mayBeAskedFor || this.#tables.begunOf(transactionId).some(isOwn), burnt, what)
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
    const states = plan.body.map((step) => {
      const last = rows.filter((each) => each.step === step.no && each.item === '').at(-1)
      return { step, state: last?.stepState ?? null }
    })
    const isFailed = states.some((each) => each.state === 'failed' && !each.step.optional)
    const settled = states.every((each) => each.state === 'ok' || each.state === 'skipped' || each.state === 'failed')
    const isTold = errorCode !== null && told.includes(errorCode)
    if (state === 'completed') holds(settled && !isFailed, ending, what)
    else if (state === 'cancelled') holds(this.#isWished(id), ending, what)
    else
      holds(isFailed || isTold || this.#tables.turns.has(id) || (settled && cannotTell(plan, errorCode)), ending, what)
    const child = this.#tables.children.get(id)?.find((each) => this.#tables.lane(each.laneId).open.has(each.id))
    holds(
      !child,
      'children end with their parents',
      () => `${id} ended ${state}, and ${child?.id} that it called is open`,
    )
    holds(this.#tables.restsOf(id).length === 0, ending, () => `${id} ended ${state}, and something of it rests`)
  }

  /** Somebody asked for it. */
  #isWished(id: string): boolean {
    const turn = this.#tables.turns.get(id)?.at(-1)
    return turn === undefined || turn.isCancel
  }
}

/** No step of it need have failed. */
const told = ['transaction_timeout', 'queue_timeout', 'undone']

/** What is to be published of its good end could not be made. */
function cannotTell({ publish }: Plan, errorCode: string | null): boolean {
  return publish.completed.length > 0 && errorCode === 'expression_failed'
}

export function isSettled(rows: readonly AttemptRow[]): boolean {
  const last = rows.at(-1)?.stepState
  return last === 'ok' || last === 'skipped' || last === 'failed'
}
