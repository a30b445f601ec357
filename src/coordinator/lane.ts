/**
 * The single writer for one owned partition. Whatever waits in its inbox is folded through the heart into entries of
 * the next commit; nothing is done here that a crash could not undo.
 */
import { Deque } from '../base/deque.ts'
import { EngineError } from '../base/error.ts'
import type { RawRecord } from '../envelope/record.ts'
import { publish } from '../telemetry/channels.ts'
import type { TransactionEvent } from '../transaction/event.ts'
import { isFinal, type Transaction } from '../transaction/transaction.ts'
import { transition } from '../transaction/transition.ts'
import type { Plan } from '../workflow/plan.ts'
import { deadLetter, type Place, type ReadingRoom, read } from './arrival.ts'
import { idsOf } from './catalogue.ts'
import { bytesOf, type Entry, entry, joined, rowsAndActs } from './entry.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { DeadLetterRow, OpenedLane, OpenRef, PartitionRef } from './ports.ts'
import { Roster } from './roster.ts'

/** How much a fold may take in; shared by the lanes of a coordinator. */
export interface Allowance {
  /** Transactions that may start running. */
  slots: number
  /** Records and events that this commit may still hold, and the bytes of their rows. */
  records: number
  events: number
  bytes: number
}

export type LaneLimits = Pick<CoordinatorLimits, 'queuedMax' | 'residentMax'>

export class Lane {
  readonly partition: PartitionRef
  readonly laneId: number
  /** The epoch its commits are checked against; a settled commit takes a new one. */
  epoch: number
  /** Offset of the next record that is not in the ledger. */
  committedOffset: number
  closed = false
  readonly #engine: string
  readonly #room: () => ReadingRoom
  readonly #subscriptions: Map<string, number>
  readonly #roster = new Roster()
  readonly #arrivals = new Deque<RawRecord>()
  readonly #events = new Deque<{ readonly id: string; readonly event: TransactionEvent }>()
  #arrivalBytes = 0
  #expected: number
  /** One behind `#expected` by the records that wait. */
  #readOffset: number

  constructor(partition: PartitionRef, opened: OpenedLane, engine: string, room: () => ReadingRoom) {
    this.partition = partition
    this.laneId = opened.laneId
    this.epoch = opened.epoch
    this.committedOffset = opened.nextOffset
    this.#expected = opened.nextOffset
    this.#readOffset = opened.nextOffset
    this.#engine = engine
    this.#room = room
    this.#subscriptions = new Map(opened.subscriptions)
  }

  get queued(): number {
    return this.#roster.queued
  }

  /** Transactions that have started and not ended. */
  get running(): number {
    return this.#roster.running
  }

  /** The next offset it wants to be given. */
  get expectedOffset(): number {
    return this.#expected
  }

  /** Records and bytes that wait to be read. */
  get waiting(): { readonly records: number; readonly bytes: number } {
    return { records: this.#arrivals.size, bytes: this.#arrivalBytes }
  }

  get hasEvents(): boolean {
    return this.#events.size > 0
  }

  longestLine(): { readonly line: string; readonly queued: number } | undefined {
    return this.#roster.longestLine()
  }

  lowId(): string {
    return this.#roster.lowId()
  }

  /** Takes up the transactions that were open when the lane was opened, oldest offset first. */
  resume(open: readonly OpenRef[]): void {
    this.#roster.resume(open)
  }

  /** All that was folded is durable: those whose turn it gave may be loaded. */
  giveTurns(): void {
    this.#roster.giveTurns()
  }

  /** Ids of transactions that must be loaded to go on, at most so many. */
  takeReady(most: number): string[] {
    return this.#roster.takeReady(most)
  }

  /** They were loaded: it is their turn. */
  arrive(transactions: readonly Transaction[], atUs: number): void {
    for (const transaction of transactions) {
      if (this.#roster.arrive(transaction)) this.tell(transaction.id, { type: 'Started', atUs })
    }
  }

  /** Records in order of offset, as they were fetched. Those it has had before are refused. */
  receive(records: readonly RawRecord[]): void {
    for (const record of records) {
      if (record.offset < this.#expected) {
        const { topic, partition } = this.partition
        publish('refusal', { what: `record ${topic}/${partition}/${record.offset}`, reason: 'already read' })
        continue
      }
      this.#arrivals.push(record)
      this.#arrivalBytes += sizeOf(record)
      this.#expected = record.offset + 1
    }
  }

  /** Puts an event of one of its transactions into the inbox. */
  tell(id: string, event: TransactionEvent): void {
    if (!this.closed) this.#events.push({ id, event })
  }

  /** No longer ours. Timers and attempts under way may hold on to it for hours: what it held goes now. */
  close(): void {
    this.closed = true
    this.#roster.clear()
    this.#arrivals.clear()
    this.#arrivalBytes = 0
    this.#events.clear()
  }

  /** Folds what waits: first what moves old transactions on, then new records as far as the allowance goes. */
  fold(nowUs: number, allowance: Allowance, limits: LaneLimits): Entry[] {
    const entries: Entry[] = []
    while (this.#events.size > 0 && allowance.events > 0 && allowance.bytes > 0) {
      const { id, event } = this.#events.shift() as { id: string; event: TransactionEvent }
      const folded = this.#foldEvent(id, event)
      if (!folded) continue
      entries.push(folded)
      allowance.events--
      allowance.bytes -= bytesOf(folded)
    }
    while (this.#mayRead(allowance, limits.queuedMax)) {
      const record = this.#arrivals.shift() as RawRecord
      this.#arrivalBytes -= sizeOf(record)
      const { folded, started } = this.#foldRecord(record, nowUs, limits.residentMax)
      entries.push(folded)
      allowance.records--
      allowance.slots -= started
      allowance.bytes -= bytesOf(folded)
    }
    const parked = this.#roster.park(nowUs)
    if (parked.length > 0) entries.push(entry(this, { kind: 'upkeep' }, { parked }))
    return entries
  }

  #mayRead(allowance: Allowance, queuedMax: number): boolean {
    const { slots, records, bytes } = allowance
    return this.#arrivals.size > 0 && slots > 0 && records > 0 && bytes > 0 && this.queued < queuedMax
  }

  /**
   * After Postgres refused this entry's values: what is written in its place, without them. Throws `ledger_refused` when
   * there is no value left to leave out: passing it over would lose it.
   */
  replace(refused: Entry, reason: string, nowUs: number): Entry | null {
    const { source } = refused
    if (source.kind === 'record') return this.#replaceRecord(refused, source, reason, nowUs)
    const again = source.kind === 'event' && source.event.type === 'AttemptEnded' ? source.event : null
    if (source.kind !== 'event' || !again || again.report.errorCode === valueRefused) {
      throw new EngineError('ledger_refused', reason)
    }
    const spoken = { errorCode: valueRefused, errorMessage: reason, output: null, logs: null, retryAfterMs: null }
    this.#roster.takeBack(source.before)
    const event = { ...again, report: { ...again.report, ...spoken, outcome: 'fail' as const } }
    return this.#foldEvent(source.before.id, event, { released: refused.endings.length > 0 })
  }

  #replaceRecord(
    refused: Entry,
    source: { readonly record: RawRecord; readonly admitted: readonly Transaction[] },
    reason: string,
    nowUs: number,
  ): Entry {
    const error = new EngineError(valueRefused, reason)
    const letters = source.admitted.map((transaction) => {
      this.#startNext(this.#roster.drop(transaction), nowUs)
      return deadLetter(source.record, transaction.plan, error, this.#place(source.record, nowUs), this.#room())
    })
    const { nextOffset, passed, subscriptions, deadLetters } = refused
    const parts = { nextOffset, passed, subscriptions, deadLetters: [...deadLetters, ...letters] }
    return entry(this, { kind: 'upkeep' }, parts)
  }

  #foldEvent(id: string, event: TransactionEvent, options = { released: false }): Entry | null {
    const before = this.#roster.get(id)
    const result = before ? transition(before, event) : { refused: 'the transaction is not open' }
    if (!before || 'refused' in result) {
      if ('refused' in result) publish('refusal', { what: `${event.type} of ${id}`, reason: result.refused })
      return null
    }
    this.#roster.put(result.transaction)
    if (isFinal(result.transaction)) {
      if (options.released) this.#roster.forget(result.transaction)
      else this.#startNext(this.#roster.end(result.transaction), event.atUs)
    }
    return entry(this, { kind: 'event', before, event }, rowsAndActs(result.transaction, result.effects))
  }

  /** Answers also with how many transactions started. What starts at once is of one entry with its admission. */
  #foldRecord(record: RawRecord, nowUs: number, residentMax: number): { folded: Entry; started: number } {
    const reading = read(record, this.#place(record, nowUs), this.#room())
    for (const subscription of reading.subscriptions) this.#subscribe(subscription)
    const passed = [...this.#gapBefore(record), ...reading.passed]
    this.#readOffset = record.offset + 1
    for (const letter of reading.deadLetters) this.#tellOf(letter, record.offset)
    if (reading.passed.some((each) => each.reason === 'no_workflow')) {
      publish('passed', { ...this.partition, offset: String(record.offset) })
    }
    const started: Entry[] = []
    for (const transaction of reading.transactions) {
      if (!this.#roster.admit(transaction, residentMax)) continue
      const folded = this.#foldEvent(transaction.id, { type: 'Started', atUs: nowUs })
      if (folded) started.push(folded)
    }
    const { rows: transactions, deadLetters, subscriptions } = reading
    const parts = { nextOffset: this.#readOffset, transactions, deadLetters, passed, subscriptions, ...joined(started) }
    const source = { kind: 'record', record, admitted: reading.transactions } as const
    return { folded: entry(this, source, parts), started: started.length }
  }

  /** Offsets that were not there to be read: compacted, aborted, control records, or gone by retention. */
  #gapBefore(record: RawRecord): { workflowId: null; fromOffset: number; toOffset: number; reason: 'absent' }[] {
    if (record.offset === this.#readOffset) return []
    const gap = {
      workflowId: null,
      fromOffset: this.#readOffset,
      toOffset: record.offset - 1,
      reason: 'absent' as const,
    }
    const { fromOffset: from, toOffset: to, reason } = gap
    publish('gap', { ...this.partition, from: String(from), to: String(to), reason })
    return [gap]
  }

  #place(record: RawRecord, admittedUs: number): Place {
    const { topic, partition } = this.partition
    const origin = { engine: this.#engine, topic, incarnation: '', partition, offset: record.offset }
    return { origin, subscriptions: this.#subscriptions, admittedUs }
  }

  #subscribe(subscription: { readonly workflowId: number; readonly fromOffset: number }): void {
    const plan = this.#planOf(subscription.workflowId)
    if (plan) this.#subscriptions.set(plan.name, subscription.fromOffset)
  }

  /** The next one of a key has its turn: through the inbox, for a whole line may end at once. */
  #startNext(id: string | undefined, atUs: number): void {
    if (id !== undefined) this.tell(id, { type: 'Started', atUs })
  }

  #tellOf(letter: DeadLetterRow, offset: number): void {
    const { code, reason } = letter
    const workflow = letter.workflowId === null ? null : (this.#planOf(letter.workflowId)?.name ?? null)
    publish('dead-letter', { ...this.partition, offset: String(offset), workflow, code, reason })
  }

  #planOf(workflowId: number): Plan | undefined {
    const { catalogue } = this.#room()
    const plans = catalogue.byTopic.get(this.partition.topic) ?? []
    return plans.find((each) => idsOf(catalogue, each).workflowId === workflowId)
  }
}

/** Code of what Postgres would not take. */
const valueRefused = 'value_refused'

function sizeOf(record: RawRecord): number {
  return (record.value?.length ?? 0) + (record.key?.length ?? 0) + 100
}
