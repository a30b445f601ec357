/**
 * The simulated ledger (test/simulation/ledger) for tests of one coordinator: no way there and back, and each commit ends
 * as it is told to. After each it looks for what must never be untrue of a ledger.
 */
import assert from 'node:assert/strict'
import { EngineError } from '../../src/base/error.ts'
import type { Batch, CommitStamp, Ledger, OfLane, TransactionRow } from '../../src/coordinator/ports.ts'
import type { AttemptRow } from '../../src/transaction/effect.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import type { Written } from '../simulation/ledger/commit.ts'
import { isFound } from '../simulation/ledger/lanes.ts'
import { connectionLost } from '../simulation/ledger/server.ts'
import { type Ask, ledgerOf } from '../simulation/ledger/statements.ts'
import { type StoredLane, Tables } from '../simulation/ledger/tables.ts'

/** How a commit ends that does not simply go through. */
export type Fault = 'conflict' | 'outage' | 'unknown_landed' | 'unknown_not_landed'

/** Text that this ledger refuses wherever a row holds it. */
export const poison = 'POISON'

export const engine = 'test'

export class FakeLedger {
  readonly tables = new Tables()
  /** Every batch that was asked for, in order; how each ended. */
  readonly asked: { readonly batch: Batch; readonly ended: string }[] = []
  /** How the next commits end. */
  readonly faults: Fault[] = []
  /** The next signs of life that fail. */
  completeFaults = 0
  /** Set to hold commits back until it resolves. */
  gate: Promise<void> | undefined
  /** What must never be untrue of a ledger, and was. */
  readonly problems: string[] = []
  /** What a coordinator is given; may be changed for a test. */
  readonly port: { -readonly [Name in keyof Ledger]: Ledger[Name] }
  readonly #cursors = new Map<number, number>()

  constructor() {
    this.tables.poison = poison
    // Nobody's lease counts, so that anybody may take a lane.
    const holder = { engine, owner: 'test', session: this.tables.nextSession(), leaseMs: 0, handoverMs: 0 }
    const ask: Ask = async ({ act }) => act(Date.now() * 1000)
    const base = ledgerOf(this.tables, holder, ask, (written) => this.#look(written))
    this.port = {
      ...base,
      commit: (batch) => this.#commit(batch, base),
      renew: (last, lanes) => this.#renew(last, lanes, base),
    }
  }

  lane(topic: string, partition: number): StoredLane {
    const lane = this.tables.laneOf(engine, topic, '', partition)
    assert(lane, `no lane ${topic}/${partition}`)
    return lane
  }

  /** Another coordinator takes the lane. */
  steal(topic: string, partition: number): void {
    this.lane(topic, partition).epoch++
  }

  planOf(row: TransactionRow): Plan {
    return this.tables.planOf(row)
  }

  get transactions() {
    return this.tables.transactions
  }

  get endings() {
    return this.tables.endings
  }

  get attempts(): readonly OfLane<AttemptRow>[] {
    return [...this.tables.attempts.values()].flat()
  }

  /** The transactions of its lane, workflow and key. */
  lineOf(row: TransactionRow): TransactionRow[] {
    if (row.key === null) return []
    const { workflowId } = this.tables.versionOf(row)
    const { laneId } = this.tables.transactions.get(row.id) as OfLane<TransactionRow>
    return [...this.tables.transactions.values()].filter(
      (other) =>
        other.laneId === laneId && other.key === row.key && this.tables.versionOf(other).workflowId === workflowId,
    )
  }

  /** What became of an offset for a workflow, each time it was recorded. */
  fatesOf({ laneId }: StoredLane, workflowId: number, offset: number): string[] {
    const { transactions, letters, passed } = this.tables
    const isOf = (row: { laneId: number; offset: number }) => row.laneId === laneId && row.offset === offset
    const isFor = (id: number | null) => id === null || id === workflowId
    const admitted = [...transactions.values()].filter(
      (row) => isOf(row) && this.tables.versionOf(row).workflowId === workflowId,
    )
    const dead = [...letters.values()].filter((row) => isOf(row) && isFor(row.workflowId) && row.transactionId === null)
    const ranges = passed.filter(
      (row) => row.laneId === laneId && isFor(row.workflowId) && row.fromOffset <= offset && offset <= row.toOffset,
    )
    return [
      ...admitted.map(() => 'transaction'),
      ...dead.map(({ code }) => `dead letter ${code}`),
      ...ranges.map(({ reason }) => `passed ${reason}`),
    ]
  }

  async #commit(batch: Batch, base: Ledger) {
    await this.gate
    await new Promise((resolve) => setImmediate(resolve))
    const fault = this.faults.shift()
    const ended = (how: string) => void this.asked.push({ batch, ended: how })
    if (fault === undefined || fault === 'unknown_landed') {
      const answer = await base.commit(batch).catch((error) => {
        ended('refused')
        throw error
      })
      ended('committed')
      if (fault === undefined) return answer
      throw connectionLost()
    }
    ended(fault)
    if (fault === 'unknown_not_landed') throw connectionLost()
    const code = fault === 'conflict' ? 'ledger_conflict' : 'ledger_outage'
    throw new EngineError(code, fault, { retryable: true, details: { ambiguous: false } })
  }

  async #renew(last: CommitStamp | null, lanes: Parameters<Ledger['renew']>[1], base: Ledger) {
    if (this.completeFaults-- > 0) throw connectionLost()
    return base.renew(last, lanes)
  }

  #look({ lanes }: Written): void {
    for (const { laneId, nextOffset } of lanes) {
      const lane = this.tables.lane(laneId)
      const from = this.#cursors.get(laneId) ?? lane.firstOffset
      this.#cursors.set(laneId, nextOffset)
      if (nextOffset < from) this.problems.push('next_offset goes back')
      for (const id of lane.open) {
        if (!isFound(this.tables, lane, id)) this.problems.push(`low_id ${lane.lowId} hides the open transaction ${id}`)
      }
    }
  }
}
