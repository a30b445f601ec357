/**
 * A ledger in memory that keeps what Postgres would: primary keys, the fence, one commit or none of it. It can be told
 * how the next commits end, and asserts after each what must never be untrue of a ledger.
 */
import assert from 'node:assert/strict'
import { EngineError } from '../../src/base/error.ts'
import type {
  Batch,
  CommitAnswer,
  CommitStamp,
  DeadLetterRow,
  HeldLane,
  KnownLanes,
  LaneRef,
  Ledger,
  NewLane,
  OpenedLane,
  OpenTransaction,
  PartitionRef,
  PassedRow,
  Renewed,
  Settled,
  TransactionRow,
  VersionIds,
} from '../../src/coordinator/ports.ts'
import type { AttemptRow, EndingRow } from '../../src/transaction/effect.ts'
import type { Plan } from '../../src/workflow/plan.ts'

/** How a commit ends that does not simply go through. `refuse`: values that hold this text are refused. */
export type Fault = 'conflict' | 'outage' | 'unknown_landed' | 'unknown_not_landed'

/** Text that this ledger refuses wherever a row holds it. */
export const poison = 'POISON'

export interface StoredLane {
  readonly laneId: number
  readonly partition: PartitionRef
  readonly firstOffset: number
  readonly subscriptions: Map<number, number>
  epoch: number
  /** Nobody holds it: to be taken without asking. */
  free: boolean
  nextOffset: number
  lowId: string
}

type Stored<Row> = Row & { readonly laneId: number }

export class FakeLedger implements Ledger {
  readonly lanes = new Map<string, StoredLane>()
  readonly transactions = new Map<string, Stored<TransactionRow>>()
  readonly attempts = new Map<string, Stored<AttemptRow>>()
  readonly endings = new Map<string, Stored<EndingRow>>()
  readonly deadLetters = new Map<string, Stored<DeadLetterRow>>()
  readonly passed: Stored<PassedRow>[] = []
  readonly parked = new Set<string>()
  readonly plans = new Map<string, Plan & VersionIds>()
  /** Every batch that was asked for, in order; how each ended. */
  readonly asked: { readonly batch: Batch; readonly ended: string }[] = []
  readonly faults: Fault[] = []
  readonly #commits = new Map<Batch['commitId'], Set<number>>()
  readonly #workflowIds = new Map<string, number>()
  /** lane, workflow and offset -> what it became, each time. */
  readonly #fates = new Map<string, string[]>()
  readonly #attemptsOf = new Map<string, Stored<AttemptRow>[]>()
  readonly #lines = new Map<string, Stored<TransactionRow>[]>()
  /** lane -> its open transactions. */
  readonly #open = new Map<number, Set<string>>()
  /** What must never be untrue of a ledger, and was. */
  readonly problems: string[] = []
  /** Set to hold commits back until it resolves. */
  gate: Promise<void> | undefined

  async register(plans: readonly Plan[]): Promise<ReadonlyMap<string, VersionIds>> {
    const ids = new Map<string, VersionIds>()
    for (const plan of plans) {
      if (!this.#workflowIds.has(plan.name)) this.#workflowIds.set(plan.name, this.#workflowIds.size + 1)
      const workflowId = this.#workflowIds.get(plan.name) as number
      const stored = this.plans.get(plan.version) ?? { ...plan, workflowId, versionId: this.plans.size + 1 }
      this.plans.set(plan.version, stored)
      ids.set(plan.version, { workflowId, versionId: stored.versionId })
    }
    return ids
  }

  async knownLanes(topic: string): Promise<KnownLanes> {
    const lanes = [...this.lanes.values()].filter((lane) => lane.partition.topic === topic)
    const partitions = new Set(lanes.map((lane) => lane.partition.partition))
    return { recreated: false, partitions, workflows: new Set() }
  }

  async createLanes(topic: string, _incarnation: string, lanes: readonly NewLane[]): Promise<void> {
    for (const { partition, nextOffset, subscriptions } of lanes) {
      const name = `${topic}/${partition}`
      if (this.lanes.has(name)) continue
      this.lanes.set(name, {
        laneId: this.lanes.size + 1,
        partition: { topic, partition },
        firstOffset: nextOffset,
        subscriptions: new Map(subscriptions.map((each) => [each.workflowId, each.fromOffset])),
        epoch: 0,
        free: true,
        nextOffset,
        lowId: lowest,
      })
    }
  }

  async tidy(): Promise<void> {}

  async strandedLanes(): Promise<LaneRef[]> {
    return []
  }

  async releaseLanes(lanes: readonly HeldLane[]): Promise<void> {
    for (const { laneId, epoch } of lanes) if (this.#byId(laneId).epoch === epoch) this.#byId(laneId).free = true
  }

  async takeLane({ topic, partition }: PartitionRef): Promise<OpenedLane | null> {
    const lane = this.lane(topic, partition)
    lane.epoch++
    lane.free = false
    const open = [...this.#openOf(lane.laneId)]
      .filter((id) => this.#isFound(lane, id))
      .map((id) => this.transactions.get(id) as Stored<TransactionRow>)
    const names = new Map([...this.plans.values()].map((plan) => [plan.workflowId, plan.name]))
    return {
      laneId: lane.laneId,
      epoch: lane.epoch,
      nextOffset: lane.nextOffset,
      outbox: { seq: 0, unpublished: false },
      subscriptions: new Map([...lane.subscriptions].map(([id, from]) => [names.get(id) as string, from])),
      workflowIds: new Map([...lane.subscriptions.keys()].map((id) => [names.get(id) as string, id])),
      open: open
        .sort((a, b) => a.offset - b.offset || (a.id < b.id ? -1 : 1))
        .map((row) => ({
          id: row.id,
          workflow: this.planOf(row).name,
          key: row.key,
          admittedUs: row.admittedUs,
          inDoubt: false,
        })),
      sources: new Map(
        open.map((row) => {
          const { version, name, source, versionId } = this.planOf(row)
          return [version, { workflow: name, source, versionId }]
        }),
      ),
    }
  }

  async load(ids: readonly string[]): Promise<OpenTransaction[]> {
    const rows = ids.flatMap((id) => this.transactions.get(id) ?? [])
    return rows.map((row) => ({
      ...row,
      version: this.planOf(row).version,
      attempts: this.attemptsOf(row.id),
      begun: [],
    }))
  }

  async commit(batch: Batch): Promise<CommitAnswer> {
    await this.gate
    await new Promise((resolve) => setImmediate(resolve))
    const fault = this.faults.shift()
    const ended = (how: string) => void this.asked.push({ batch, ended: how })
    if (fault === 'conflict') {
      ended(fault)
      throw new EngineError('ledger_conflict', 'deadlock detected', { retryable: true, details: { ambiguous: false } })
    }
    if (fault === 'outage' || fault === 'unknown_not_landed') {
      ended(fault)
      throw outage(fault !== 'outage')
    }
    const passed = this.#write(batch, ended)
    if (fault !== 'unknown_landed') return { passed, duplicates: new Map() }
    throw outage(true)
  }

  async settle(batch: Batch): Promise<Settled> {
    const epochs = new Map<number, number>()
    for (const { laneId, epoch } of batch.lanes) {
      const lane = this.#byId(laneId)
      if (lane.epoch === epoch) epochs.set(laneId, ++lane.epoch)
    }
    const passed = this.#commits.get(batch.commitId)
    return { landed: passed ? { passed, duplicates: new Map() } : null, epochs }
  }

  /** Commits whose return was written by a later one, or by itself. */
  readonly returned = new Set<bigint>()
  /** The next `complete`s fail. */
  completeFaults = 0

  async renew(last: CommitStamp | null, lanes: readonly HeldLane[]): Promise<Renewed> {
    if (this.completeFaults-- > 0) throw outage(true)
    if (last) this.returned.add(last.commitId)
    const held = lanes.filter(({ laneId, epoch }) => this.#byId(laneId).epoch === epoch)
    return { held: new Set(held.map(({ laneId }) => laneId)), asked: new Set(), commands: [] }
  }

  /** Another coordinator takes the lane. */
  steal(topic: string, partition: number): void {
    this.lane(topic, partition).epoch++
  }

  lane(topic: string, partition: number): StoredLane {
    const lane = this.lanes.get(`${topic}/${partition}`)
    assert(lane, `no lane ${topic}/${partition}`)
    return lane
  }

  planOf(row: TransactionRow): Plan & VersionIds {
    const plan = [...this.plans.values()].find((each) => each.versionId === row.versionId)
    assert(plan)
    return plan
  }

  attemptsOf(id: string): Stored<AttemptRow>[] {
    return [...(this.#attemptsOf.get(id) ?? [])].sort((a, b) => a.step - b.step || a.attempt - b.attempt)
  }

  /** The transactions of its lane, workflow and key. */
  lineOf(row: TransactionRow & { laneId?: number }): readonly Stored<TransactionRow>[] {
    return row.key === null ? [] : (this.#lines.get(this.#lineName(row as Stored<TransactionRow>)) ?? [])
  }

  #lineName(row: Stored<TransactionRow>): string {
    return `${row.laneId}/${this.planOf(row).workflowId}/${row.key}`
  }

  /** What became of an offset for a workflow, each time it was recorded. */
  fatesOf({ laneId }: StoredLane, workflowId: number, offset: number): string[] {
    const ids = [workflowId, null]
    return ids.flatMap((id) => this.#fates.get(`${laneId}/${id}/${offset}`) ?? [])
  }

  #addFate(laneId: number, workflowId: number | null, offset: number, fate: string): void {
    const name = `${laneId}/${workflowId}/${offset}`
    this.#fates.set(name, [...(this.#fates.get(name) ?? []), fate])
  }

  #openOf(laneId: number): Set<string> {
    const open = this.#open.get(laneId) ?? new Set()
    this.#open.set(laneId, open)
    return open
  }

  #isFound(lane: StoredLane, id: string): boolean {
    return id >= lane.lowId || this.parked.has(id)
  }

  #byId(laneId: number): StoredLane {
    const lane = [...this.lanes.values()].find((each) => each.laneId === laneId)
    assert(lane)
    return lane
  }

  #write(batch: Batch, ended: (how: string) => void): Set<number> {
    const held = batch.lanes.filter((progress) => this.#byId(progress.laneId).epoch === progress.epoch)
    const passed = new Set(held.map((progress) => progress.laneId))
    const ours = <Row extends { laneId: number }>(rows: readonly Row[]) => rows.filter((row) => passed.has(row.laneId))
    const news = {
      transactions: ours(batch.transactions),
      attempts: ours(batch.attempts),
      endings: ours(batch.endings),
      deadLetters: ours(batch.deadLetters),
    }
    const refused = this.#refusal(news)
    if (refused) {
      ended('refused')
      throw new EngineError('ledger_refused', refused, { cause: new Error(refused) })
    }
    for (const row of news.transactions) this.#addTransaction(row)
    for (const row of news.attempts) this.#addAttempt(row)
    for (const row of news.endings) {
      this.endings.set(row.transactionId, row)
      this.#openOf(row.laneId).delete(row.transactionId)
    }
    for (const row of news.deadLetters) {
      this.deadLetters.set(row.id, row)
      this.#addFate(row.laneId, row.workflowId, row.offset, `dead letter ${row.code}`)
    }
    for (const row of ours(batch.passed)) this.#addPassed(row)
    for (const row of ours(batch.subscriptions)) {
      const { subscriptions } = this.#byId(row.laneId)
      if (!subscriptions.has(row.workflowId)) subscriptions.set(row.workflowId, row.fromOffset)
    }
    for (const row of ours(batch.parked)) this.parked.add(row.transactionId)
    for (const row of news.endings) this.parked.delete(row.transactionId)
    for (const { laneId, nextOffset, lowId } of held) this.#move(this.#byId(laneId), nextOffset, lowId)
    if (batch.last) this.returned.add(batch.last.commitId)
    if (passed.size > 0) this.#commits.set(batch.commitId, passed)
    ended('committed')
    return passed
  }

  #addTransaction(row: Stored<TransactionRow>): void {
    this.transactions.set(row.id, row)
    this.#openOf(row.laneId).add(row.id)
    const line = this.#lineName(row)
    this.#lines.set(line, this.#lines.get(line) ?? [])
    this.#lines.get(line)?.push(row)
    this.#addFate(row.laneId, this.planOf(row).workflowId, row.offset, 'transaction')
  }

  #addAttempt(row: Stored<AttemptRow>): void {
    this.attempts.set(attemptName(row), row)
    const own = this.#attemptsOf.get(row.transactionId)
    if (own) own.push(row)
    else this.#attemptsOf.set(row.transactionId, [row])
  }

  #addPassed(row: Stored<PassedRow>): void {
    this.passed.push(row)
    const { laneId, workflowId, fromOffset, toOffset, reason } = row
    for (let offset = fromOffset; offset <= toOffset; offset++) {
      this.#addFate(laneId, workflowId, offset, `passed ${reason}`)
    }
  }

  #refusal(news: {
    transactions: readonly TransactionRow[]
    attempts: readonly AttemptRow[]
    endings: readonly EndingRow[]
    deadLetters: readonly DeadLetterRow[]
  }): string | null {
    if (news.transactions.some((row) => this.transactions.has(row.id))) return 'duplicate transaction'
    if (news.attempts.some((row) => this.attempts.has(attemptName(row)))) return 'duplicate attempt'
    if (news.endings.some((row) => this.endings.has(row.transactionId))) return 'duplicate ending'
    if (news.deadLetters.some((row) => this.deadLetters.has(row.id))) return 'duplicate dead letter'
    const texts = [
      ...news.transactions.map((row) => row.envelope),
      ...news.attempts.map((row) => `${row.output}${row.logs}`),
    ]
    return texts.some((text) => text.includes(poison)) ? 'invalid input syntax for poison' : null
  }

  #move(lane: StoredLane, nextOffset: number, lowId: string): void {
    if (nextOffset < lane.nextOffset) this.problems.push('next_offset goes back')
    const before = lane.nextOffset
    Object.assign(lane, { nextOffset, lowId })
    for (const id of this.#openOf(lane.laneId)) {
      if (!this.#isFound(lane, id)) this.problems.push(`low_id ${lowId} hides the open transaction ${id}`)
    }
    for (const [workflowId, from] of lane.subscriptions) {
      for (let offset = Math.max(from, before); offset < nextOffset; offset++) {
        const fates = this.fatesOf(lane, workflowId, offset)
        if (fates.length !== 1) this.problems.push(`offset ${offset} of workflow ${workflowId}: ${fates.join(' and ')}`)
      }
    }
  }
}

const lowest = '00000000-0000-0000-0000-000000000000'

function attemptName(row: AttemptRow): string {
  return `${row.transactionId}/${row.step}/${row.attempt}`
}

function outage(ambiguous: boolean): EngineError {
  return new EngineError('ledger_outage', 'connection lost', { retryable: true, details: { ambiguous } })
}
