/** Events and those who wait for them: what is taken is for the one that takes it, and once; what could have been had is not missed. */
import type { KeptRest, OfLane } from '../../../src/coordinator/ports.ts'
import type { AttemptRow } from '../../../src/transaction/effect.ts'
import type { WaitStep } from '../../../src/workflow/plan.ts'
import type { Written } from '../ledger/commit.ts'
import { lookName, restAt } from '../ledger/rests.ts'
import type { StoredSignal, Tables } from '../ledger/tables.ts'
import { holds } from './verdict.ts'

const own = 'an event is for those who wait for it'
const first = 'what only the first may have is taken once'
const missed = 'who waits for an event that is there gets it'

/** In calm: from commit to hand-over, and a search that was under way before. */
const soonUs = 2_000_000

interface Waiting {
  readonly rest: OfLane<KeptRest>
  readonly sinceUs: number
}

export class Signals {
  readonly #tables: Tables
  /** By transaction and place, as they were when they began. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #cameUs = new Map<string, number>()
  /** event -> who has it. */
  readonly #takers = new Map<string, string[]>()
  /** From here on there are no faults. */
  calmUs = Number.POSITIVE_INFINITY

  constructor(tables: Tables) {
    this.#tables = tables
  }

  written(written: Written, nowUs: number): void {
    for (const { id } of written.signals) this.#cameUs.set(id, nowUs)
    for (const row of written.taken) this.#judgeTaken(row, written)
    for (const row of written.attempts) if (row.stepState !== null) this.#judgeTimeout(row, nowUs)
    for (const row of written.restsOver) this.#waiting.delete(lookName(row))
    for (const row of written.rests) {
      const rest = restAt(this.#tables, row)
      if (rest?.wait && !this.#waiting.has(lookName(row))) this.#waiting.set(lookName(row), { rest, sinceUs: nowUs })
    }
  }

  #judgeTaken(row: Written['taken'][number], { attempts, rests }: Written): void {
    const name = `${lookName(row)} took ${row.signalId}`
    const signal = this.#tables.signals.get(row.signalId)
    holds(signal, own, () => `${name}, which is not in the ledger`)
    const rest = this.#waiting.get(lookName(row))?.rest ?? rests.find((each) => lookName(each) === lookName(row))
    holds(
      rest && fits(rest, signal),
      own,
      () => `${name}, of ${signal.topic} with key ${signal.key}, which is not for it`,
    )
    holds(this.#matches(row, signal), own, () => `${name}, which its match does not take`)
    const takers = this.#takers.get(row.signalId) ?? []
    holds(!takers.includes(lookName(row)), first, () => `${name}, and had it before`)
    holds(signal.take === 'all' || takers.length === 0, first, () => `${name}, which ${takers[0]} has`)
    this.#takers.set(row.signalId, [...takers, lookName(row)])
    const ended = attempts.find((each) => lookName(each) === lookName(row) && each.stepState === 'ok')
    holds(ended?.output === signal.text, own, () => `${name}, and has ${ended?.output} of it`)
  }

  #matches({ transactionId, step }: Written['taken'][number], { text }: StoredSignal): boolean {
    const row = this.#tables.transactions.get(transactionId)
    const { match } = (row && this.#tables.planOf(row).steps[step]) as WaitStep
    return match === null || JSON.parse(text).data.n % 2 === 0
  }

  #judgeTimeout(row: OfLane<AttemptRow>, nowUs: number): void {
    const waited = this.#waiting.get(lookName(row))
    const isTimeout = row.errorCode === 'wait_timeout' || (row.stepState === 'ok' && row.output === null)
    if (!waited || !isTimeout || nowUs < this.#calmUs(soonUs)) return
    const { rest, sinceUs } = waited
    if (nowUs - sinceUs < soonUs || row.errorCode === 'cancelled') return
    const had = [...this.#tables.signals.values()].find((signal) => this.#couldHave(row, rest, signal, nowUs))
    holds(!had, missed, () => `${lookName(row)} waited until its time was over, and ${had?.id} was there for it`)
  }

  #calmUs(lateUs: number): number {
    return this.calmUs + lateUs * 10
  }

  #couldHave(row: OfLane<AttemptRow>, rest: OfLane<KeptRest>, signal: StoredSignal, nowUs: number): boolean {
    const cameUs = this.#cameUs.get(signal.id) ?? nowUs
    if (!fits(rest, signal) || nowUs - cameUs < soonUs || !this.#matches({ ...row, signalId: signal.id }, signal))
      return false
    const takers = this.#takers.get(signal.id) ?? []
    return signal.take === 'all'
      ? !takers.some((each) => each.startsWith(`${row.transactionId}/`))
      : takers.length === 0
  }
}

function fits({ wait, workflowId }: KeptRest, signal: StoredSignal): boolean {
  if (wait === null || signal.workflowId !== workflowId || signal.topic !== wait.topic) return false
  return signal.key === wait.key && signal.atUs >= wait.notBeforeUs
}
