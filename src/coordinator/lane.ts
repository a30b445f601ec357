/**
 * The single writer for one owned partition. Whatever waits in its inbox is folded through the heart into entries of
 * the next commit; nothing is done here that a crash could not undo.
 */

import { crashPoint } from '../base/crash-point.ts'
import { Deque } from '../base/deque.ts'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import { duesOf } from '../transaction/dues.ts'
import type { Admit, Effect } from '../transaction/effect.ts'
import type { TransactionEvent } from '../transaction/event.ts'
import { stepInDoubt } from '../transaction/resolve.ts'
import { isFinal, type StepRef, type Transaction } from '../transaction/transaction.ts'
import { transition } from '../transaction/transition.ts'
import type { Plan } from '../workflow/plan.ts'
import { Ahead } from './ahead.ts'
import type { ReadingRoom } from './arrival.ts'
import { Arrivals } from './arrivals.ts'
import { called } from './call.ts'
import { idsOf } from './catalogue.ts'
import { Commands, done, refused } from './commands.ts'
import { bytesOf, type Entry, type EntryParts, entry, rowsAndActs } from './entry.ts'
import { failedLettersOf } from './failed-letters.ts'
import { type Inbound, inboundOf, isForAnyone, isHeard, mayStill, wasWoken } from './inbound.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { Command, DedupClaim, Fetched, OpenedLane, OpenRef, PartitionRef, TransactionRow } from './ports.ts'
import { Preparing, type PreparingParts } from './preparing.ts'
import { type RareRows, withKeepers } from './rare.ts'
import { Records, type Refusal } from './records.ts'
import { Roster } from './roster.ts'
import { Subscriptions } from './subscriptions.ts'
import { Unsent } from './unsent.ts'

/** How much a fold may take in; shared by the lanes of a coordinator. */
export interface Allowance {
  /** Transactions that may start running. */
  slots: number
  /** Records and events that this commit may still hold, and the bytes of their rows. */
  records: number
  events: number
  bytes: number
  /** Whose copies are looked for by this commit. */
  readonly claims: Map<string, DedupClaim>
}

export interface LaneHooks {
  isPaused(workflow: string, key: string | null): boolean
  /** Attempts of a transaction are not to be heard of: what they follow from was not written. `isWhole`: nothing of it was. */
  onUndone(lane: Lane, transactionId: string, isWhole: boolean): void
  /** Something of it was looked at and rests on: when it is to be woken. */
  onResting(lane: Lane, dues: readonly number[]): void
  /** Transactions of it are to be loaded. */
  onReady(lane: Lane): void
  /** Null: nothing takes time to find out about a record. */
  readonly preparing: PreparingParts | null
}

export type LaneLimits = Pick<CoordinatorLimits, 'queuedMax' | 'residentMax'>

export class Lane {
  readonly partition: PartitionRef
  readonly incarnation: string
  readonly laneId: number
  /** The epoch its commits are checked against; a settled commit takes a new one. */
  epoch: number
  /** Offset of the next record that is not in the ledger. */
  committedOffset: number
  /** Number of its last message in the ledger. */
  committedSeq: number
  /** It goes to another coordinator: what runs may end, nothing new begins. */
  draining = false
  closed = false
  /** Entries of it are on their way into the ledger. */
  inCommit = false
  readonly #room: () => ReadingRoom
  readonly #subscriptions: Subscriptions
  readonly #roster = new Roster()
  readonly #arrivals = new Arrivals()
  readonly #events = new Deque<Inbound>()
  readonly #commands: Commands
  /** Transactions that the commit under way, or just over, did not admit after all. */
  readonly #dropped = new Set<string>()
  readonly #ahead = new Ahead<Inbound>()
  readonly #unsent = new Unsent<Inbound>()
  readonly #hooks: LaneHooks
  readonly #records: Records
  readonly #preparing: Preparing | null
  /** What is for transactions that are being loaded, by id. */
  readonly #waiting = new Map<string, TransactionEvent[]>()
  #expected: number

  constructor(
    partition: PartitionRef,
    incarnation: string,
    opened: OpenedLane,
    engine: string,
    room: () => ReadingRoom,
    hooks: LaneHooks,
  ) {
    this.partition = { topic: partition.topic, partition: partition.partition }
    this.incarnation = incarnation
    this.laneId = opened.laneId
    this.epoch = opened.epoch
    this.committedOffset = opened.nextOffset
    this.committedSeq = opened.outbox.seq
    this.#expected = opened.nextOffset
    this.#room = room
    this.#hooks = hooks
    this.#subscriptions = new Subscriptions({ ...this.partition, incarnation }, engine, opened, room)
    this.#preparing = hooks.preparing === null ? null : new Preparing(hooks.preparing, partition.topic)
    this.#records = new Records({
      lane: this,
      arrivals: this.#arrivals,
      subscriptions: this.#subscriptions,
      preparing: this.#preparing,
      nextOffset: opened.nextOffset,
      room,
      admit: (transactions, nowUs, residentMax) => this.#admit(transactions, nowUs, residentMax),
      drop: (transaction, nowUs) => this.#drop(transaction, nowUs),
    })
    this.#commands = new Commands({
      lane: this,
      roster: this.#roster,
      preparing: this.#preparing,
      again: (command) => this.#again(command),
      room,
      place: (offset, nowUs) => this.#subscriptions.placeOf({ offset }, nowUs),
      foldEvent: (id, event, command) => this.#foldEvent(id, event, command),
      admit: (transactions, nowUs) => this.#admit(transactions, nowUs, Number.POSITIVE_INFINITY),
      drop: (transaction, nowUs) => this.#drop(transaction, nowUs),
    })
  }

  get queued(): number {
    return this.#roster.queued
  }

  /** Transactions that have started, have not ended, and wait for nothing but workers. */
  get running(): number {
    return this.#roster.running
  }

  /** Those behind their key, and those that a retry delay holds. */
  get resting(): number {
    return this.#roster.resting
  }

  /** The next offset it wants to be given. */
  get expectedOffset(): number {
    return this.#expected
  }

  /** Records and bytes that wait to be read. */
  get waiting(): { readonly records: number; readonly bytes: number } {
    return this.#arrivals.waiting
  }

  get hasEvents(): boolean {
    return this.#events.size + this.#unsent.size > 0
  }

  /** Why its first record cannot be read yet, once that is worth a word. */
  get held(): string | null {
    return this.#preparing?.reason() ?? null
  }

  longestLine(): { readonly line: string; readonly queued: number } | undefined {
    return this.#roster.longestLine()
  }

  lowId(): string {
    return this.#roster.lowId()
  }

  /** Takes up the transactions that were open when the lane was opened, in the order of their turns. */
  resume(open: readonly OpenRef[]): void {
    this.#roster.resume(open)
  }

  /** Whether what was folded ahead still holds. */
  stands({ source, fate }: Entry): boolean {
    return fate !== 'undone' && (source.kind !== 'event' || !this.#dropped.has(source.before.id))
  }

  /** Something of this transaction was sent before the entry is durable. */
  sentAhead(transactionId: string, from: Entry): void {
    this.#ahead.begin(transactionId, from)
  }

  /** The entry is: who waited for that has its turn now. */
  durable(one: Entry, atUs: number): void {
    one.fate = 'durable'
    for (const id of one.leaves) this.#startNext(this.#roster.leave(id), atUs)
    this.#ahead.durable(one)
    for (const { id, parent } of one.transactions) {
      if (parent !== null && this.#roster.get(id)) this.tell(id, { type: 'Started', atUs })
    }
    for (const { transactionId, event } of one.tells) this.reach(transactionId, event)
  }

  /** All that was folded is being written. */
  sealTurns(): void {
    this.#dropped.clear()
    this.#unsent.sent(this.#events)
    this.#roster.sealTurns()
  }

  /** What was sealed is durable: those whose turn it gave may be loaded. */
  giveTurns(): void {
    this.#roster.giveTurns()
  }

  /** Ids of transactions that must be loaded to go on, at most so many. */
  takeReady(most: number): string[] {
    return this.#roster.takeReady(most)
  }

  /**
   * They were loaded: it is their turn, or a person waits to settle them. What one that rests is told is there when it starts,
   * or else it rests on and is gone again; but what turns back one that was taken over comes when it has started, and knows
   * what of it may have run.
   */
  arrive(transactions: readonly Transaction[], atUs: number): void {
    for (const transaction of transactions) {
      if (this.#roster.isStale(transaction.id)) continue
      const isTurn = this.#roster.arrive(transaction)
      const isTakenOver = isTurn && this.#roster.wasTakenOver(transaction.id)
      const isFirst = (each: Inbound) => !isTakenOver || (each.id !== null && each.event.type !== 'CancelAsked')
      const waiting = this.#waitingFor(transaction.id)
      for (const each of waiting) if (isFirst(each)) this.#events.push(each)
      if (isTurn) this.tell(transaction.id, { type: 'Started', atUs, isTakenOver })
      for (const each of waiting) if (!isFirst(each)) this.#events.push(each)
    }
  }

  #waitingFor(id: string): Inbound[] {
    const events = this.#takeWaiting(id).map((event): Inbound => ({ id, event, command: null, after: null }))
    const commands = this.#commands.arrived(id).map((command): Inbound => ({ id: null, command }))
    return [...events, ...commands]
  }

  /** They were to be loaded, and are not in the ledger. */
  absent(ids: readonly string[]): void {
    for (const id of ids) {
      this.#roster.absent(id)
      this.#takeWaiting(id)
      this.#commands.absent(id)
      for (const command of this.#commands.arrived(id)) this.#events.push({ id: null, command })
    }
  }

  #takeWaiting(id: string): readonly TransactionEvent[] {
    const events = this.#waiting.get(id) ?? []
    this.#waiting.delete(id)
    return events
  }

  /** An event for one of its transactions, wherever that is: one that is not in memory is loaded first. */
  reach(id: string, event: TransactionEvent): void {
    if (this.closed || this.draining) return
    if (this.#roster.get(id)) this.tell(id, event)
    else {
      this.#callBack(id, event)
      this.#giveIdle()
    }
  }

  /** It hears of it when it is loaded. */
  #callBack(id: string, event: TransactionEvent): void {
    this.#waiting.set(id, [...(this.#waiting.get(id) ?? []), event])
    this.#roster.callBack(id)
  }

  /** The transaction is being loaded, for there is an event for this wait. */
  isReached(id: string, { step, item }: StepRef): boolean {
    const isIt = (event: TransactionEvent) =>
      event.type === 'SignalArrived' && event.step === step && event.item === item
    return this.#waiting.get(id)?.some(isIt) === true
  }

  /** One that rests, or has ended, is loaded: what it rests for may be there. */
  rouse(id: string): void {
    if (this.closed || this.draining) return
    this.#roster.callBack(id)
    this.#giveIdle()
  }

  /** Something is not paused any more. */
  unpaused(): void {
    this.#roster.unshelve(({ workflow, key }) => this.#hooks.isPaused(workflow, key))
    this.#giveIdle()
  }

  /** What is asked back while nothing of the lane is on its way into the ledger can be loaded at once. */
  #giveIdle(): void {
    if (this.inCommit) return
    this.sealTurns()
    this.giveTurns()
    if (this.#roster.hasReady) this.#hooks.onReady(this)
  }

  get(id: string): Transaction | undefined {
    return this.#roster.get(id)
  }

  /** What was fetched, in order of offset. Records it has had before are refused. */
  receive(fetched: Fetched): void {
    if (this.draining) return
    for (const { offset } of this.#arrivals.push(fetched, this.#expected)) {
      const { topic, partition } = this.partition
      publish('refusal', { what: `record ${topic}/${partition}/${offset}`, reason: 'already read' })
    }
    this.#expected = Math.max(this.#expected, fetched.nextOffset)
  }

  /** It is in the ledger up to here. */
  committed(nextOffset: number, seq: number | null): void {
    this.committedOffset = nextOffset
    if (seq !== null) this.committedSeq = seq
  }

  /** Puts an event of one of its transactions into the inbox. What would begin something new is for the next owner. */
  tell(id: string, event: TransactionEvent, after: Entry | null = null): void {
    const begins = event.type === 'TimerDue' || event.type === 'AttemptReserved'
    if (!this.closed && !(this.draining && begins)) this.#events.push({ id, event, command: null, after })
  }

  /** Puts an operator's command into the inbox, once. */
  command(command: Command): void {
    if (!this.closed && !this.draining && this.#commands.isNew(command)) this.#again(command)
  }

  #again(command: Command): void {
    if (!this.closed && !this.draining) this.#events.push({ id: null, command })
  }

  /** Records that are not in the ledger yet are for the next owner. */
  drain(): void {
    this.draining = true
    this.#arrivals.clear()
    this.#preparing?.clear()
  }

  /** No longer ours. Timers and attempts under way may hold on to it for hours: what it held goes now. */
  close(): void {
    this.closed = true
    this.#roster.clear()
    this.#arrivals.clear()
    this.#preparing?.clear()
    this.#events.clear()
    this.#unsent.clear()
    this.#waiting.clear()
    this.#ahead.clear()
  }

  /**
   * Folds what waits: first what moves old transactions on, then new records as far as the allowance goes. `ahead`: the
   * commit before is under way, and a person's word waits for it: it may be of a step whose doubt is not durable yet.
   */
  fold(nowUs: number, allowance: Allowance, limits: LaneLimits, ahead: boolean): Entry[] {
    const entries: Entry[] = []
    while (this.#events.size > 0 && allowance.events > 0 && allowance.bytes > 0) {
      if (ahead && this.#events.first()?.id === null) break
      const inbound = this.#events.shift() as Inbound
      const folded = this.#unsent.holds(inbound) ? null : this.#foldInbound(inbound, nowUs)
      if (!folded) continue
      entries.push(folded)
      allowance.events--
      allowance.bytes -= bytesOf(folded)
    }
    while (this.#mayRead(allowance, limits.queuedMax)) {
      const folded = this.#records.fold(nowUs, allowance, limits.residentMax)
      if (!folded) break
      entries.push(folded)
    }
    const parked = this.#roster.park(nowUs)
    if (parked.length > 0) entries.push(entry(this, { kind: 'upkeep' }, { parked }))
    if (entries.length === 0) this.#giveIdle()
    return entries
  }

  #mayRead(allowance: Allowance, queuedMax: number): boolean {
    const { slots, records, bytes } = allowance
    return this.#arrivals.size > 0 && slots > 0 && records > 0 && bytes > 0 && this.resting < queuedMax
  }

  /** It is the copy of an earlier one: it was not admitted after all. */
  dropCopy(copy: Transaction, firstId: string, atUs: number): void {
    const { traceparent } = copy.envelope.meta
    publish('duplicate', { workflow: copy.plan.name, transactionId: copy.id, firstId, traceparent })
    this.#drop(copy, atUs)
  }

  /**
   * After Postgres refused this entry's values: what is written in its place, without them. Throws `ledger_refused` when
   * there is no value left to leave out: passing it over would lose it.
   */
  replace(guilty: Entry, refusal: Refusal, nowUs: number): Entry | null {
    const { source } = guilty
    if (source.kind === 'record') return this.#records.replace(guilty, source, refusal, nowUs)
    if (source.kind === 'redrive')
      return this.#commands.takeBack(source.command, source.admitted, refusal.message, nowUs)
    const again = source.kind === 'event' && source.event.type === 'AttemptEnded' ? source.event : null
    const stays = source.kind === 'event' && this.#undo(source.before, guilty)
    if (source.kind === 'event') this.#dropCalled([guilty], nowUs)
    if (source.kind === 'event' && source.command) {
      // One in doubt that is settled while it waits for its turn goes on waiting.
      if (source.before.state === 'queued' && source.event.type === 'StepResolved') this.#roster.takeBack(source.before)
      else this.#startNext(this.#roster.sendBack(source.before), nowUs)
      return refused(this, source.command, refusal.message)
    }
    if (source.kind !== 'event' || !again || refusalCodes.has(again.report.errorCode ?? '')) {
      throw new EngineError('ledger_refused', refusal.message)
    }
    // What it did stays unknown to whoever reads the ledger.
    const unknown = { output: null, logs: null, retryAfterMs: null, effectUnknown: true }
    const spoken = { errorCode: refusal.code, errorMessage: refusal.message, ...unknown }
    this.#roster.takeBack(source.before)
    const event = { ...again, report: { ...again.report, ...spoken, outcome: 'fail' as const } }
    return this.#foldEvent(source.before.id, event, null, null, gaveTurn(guilty) && !stays)
  }

  #foldInbound(inbound: Inbound, nowUs: number): Entry | null {
    if (inbound.id === null) return this.#commands.fold(inbound.command, nowUs)
    return this.#foldEvent(inbound.id, inbound.event, inbound.command, inbound.after)
  }

  /** `released`: an ending of it was taken back, and its successor has its turn already. */
  #foldEvent(
    id: string,
    event: TransactionEvent,
    command: Command | null,
    after: Entry | null = null,
    released = false,
  ): Entry | null {
    if (event.type === 'AttemptEnded') crashPoint('result.before-fold')
    const before = this.#roster.get(id)
    if (before && event.type === 'Started' && this.#hooks.isPaused(before.plan.name, before.key)) {
      this.#roster.shelve(before)
      return null
    }
    // It was here, was asked something else, and is away again: what has become of it may not be written yet.
    if (!before && isForAnyone(event)) {
      this.#callBack(id, event)
      return null
    }
    const result = before ? transition(before, event) : { refused: 'the transaction is not open' }
    if (!before || 'refused' in result) {
      const reason = 'refused' in result ? result.refused : ''
      publish('refusal', { what: `${event.type} of ${id}`, reason })
      if (command === null) this.#ahead.refused(id, { id, event, command, after })
      this.#roster.sendAway(id)
      return command ? refused(this, command, reason) : null
    }
    const { transaction, effects } = result
    this.#roster.put(transaction)
    this.#follow(before, transaction, event, released)
    if (wasWoken(event) && !transaction.plan.isChain && !isFinal(transaction)) {
      const dues = duesOf(transaction)
      if (dues.length > 0) this.#hooks.onResting(this, dues)
    }
    const parts = this.#partsOf(transaction, effects, command)
    const leaves = this.#roster.isLeaving(id) ? [id] : undefined
    const folded = entry(this, { kind: 'event', before, event, command, after }, leaves ? { ...parts, leaves } : parts)
    this.#ahead.folded(id, folded)
    // Once a person has settled it, its next step is folded, maybe for the same commit; and of what runs beside it anything.
    if (command || !transaction.plan.isChain) this.#ahead.begin(id, folded)
    return folded
  }

  #partsOf(transaction: Transaction, effects: readonly Effect[], command: Command | null): EntryParts {
    const { calls, ...wanted } = rowsAndActs(transaction, effects, this.#room().traces)
    const asked = wanted.rare === null ? wanted : { ...wanted, rare: this.#keeping(transaction, wanted.rare) }
    const hasLetter = asked.endings.length > 0 && transaction.plan.deadLetter.failed
    if (calls.length > 0) return { ...asked, transactions: this.#call(transaction, calls) }
    if (command === null && !hasLetter) return asked
    const { rows: failedLetters, messages } = failedLettersOf(transaction, asked.endings)
    const commands = command ? [done(command, 'settled')] : []
    return { ...asked, failedLetters, messages: [...asked.messages, ...messages], commands }
  }

  #keeping(transaction: Transaction, rare: RareRows): RareRows {
    if (rare.rests.length === 0) return rare
    return withKeepers(rare, transaction, idsOf(this.#room().catalogue, transaction.plan).workflowId)
  }

  /** Takes in the sub-workflows that it calls. They start when that is durable: their caller may not be admitted after all. */
  #call(parent: Transaction, calls: readonly Admit[]): readonly TransactionRow[] {
    return calls.flatMap((call) => {
      const made = called(parent, call, this.#room())
      if ('end' in made) {
        this.tell(parent.id, made)
        return []
      }
      this.#roster.admit(made.child, Number.POSITIVE_INFINITY)
      // Its caller was folded again, and calls it again under its id.
      this.#dropped.delete(made.child.id)
      return [made.row]
    })
  }

  /** What they called is not to be. */
  #dropCalled(entries: readonly Entry[], nowUs: number): void {
    for (const { source, transactions } of entries) {
      if (source.kind !== 'event') continue
      for (const { id } of transactions) {
        const child = this.#roster.get(id)
        if (child) this.#drop(child, nowUs)
      }
    }
  }

  /** Whose turn it is now: it ended, rests or stands in doubt, or comes back from there. */
  #follow(before: Transaction, after: Transaction, { type, atUs }: TransactionEvent, released: boolean): void {
    if (isFinal(before)) {
      if (this.#roster.reopen(after)) this.tell(after.id, { type: 'Started', atUs })
    } else if (before.state === 'in_doubt' && after.state !== 'in_doubt') {
      if (isFinal(after)) this.#roster.forget(after)
      else if (this.#roster.comeBack(after)) {
        this.tell(after.id, { type: 'Started', atUs, isTakenOver: this.#roster.wasTakenOver(after.id) })
      }
    } else if (isFinal(after)) {
      // Who starts stands in no line; others are looked for in theirs.
      if (before.state === 'queued' && type !== 'Started' && this.#roster.endInLine(after)) return
      if (released) this.#roster.forget(after)
      else if (this.#leavesLater(after)) this.#roster.endLater(after)
      else this.#startNext(this.#roster.end(after), atUs)
    } else if (after.state === 'in_doubt') {
      if (before.state === 'in_doubt') return
      tellDoubt(before, after)
      if (released) this.#roster.standAside(after)
      else if (this.#leavesLater(after)) this.#roster.stepAsideLater(after)
      else this.#startNext(this.#roster.stepAside(after), atUs)
    } else if (after.state === 'waiting') {
      if (released) this.#roster.forget(after)
      else if (this.#leavesLater(after)) this.#roster.fallAsleepLater(after)
      else this.#startNext(this.#roster.fallAsleep(after), atUs)
    }
  }

  /** Its end may not be written as it is: what was folded before it is not durable, or its last result refused and it goes on. */
  #leavesLater({ id, key, plan }: Transaction): boolean {
    return this.#ahead.has(id) || (key !== null && !endsWhenRefused(plan))
  }

  #admit(transactions: readonly Transaction[], nowUs: number, residentMax: number): Entry[] {
    const started: Entry[] = []
    for (const transaction of transactions) {
      this.#unsent.admitted(transaction)
      if (!this.#roster.admit(transaction, residentMax)) continue
      const folded = this.#foldEvent(transaction.id, { type: 'Started', atUs: nowUs }, null)
      if (folded) started.push(folded)
    }
    return started
  }

  /** It is not admitted after all: what was folded of it meanwhile is not written either. */
  #drop(transaction: Transaction, atUs: number): void {
    this.#dropped.add(transaction.id)
    this.#undo(transaction, null)
    this.#startNext(this.#roster.drop(transaction), atUs)
  }

  /**
   * Nothing holds that was folded of the transaction from this entry on, and nothing that was asked for ahead then; what came
   * of other attempts is folded again. Null: nothing of it holds. True when it had ended meanwhile, and those behind it wait.
   */
  #undo(transaction: Transaction, from: Entry | null): boolean {
    const { id } = transaction
    if (!this.#ahead.has(id)) return this.#stay(transaction)
    const { later, refused } = this.#ahead.undo(id, from)
    this.#dropCalled(later, 0)
    const waits = [...this.#events].filter(
      (each) => each.id === null || each.id !== id || mayStill(each, from !== null),
    )
    const again = from === null ? [] : [...later.flatMap((each) => inboundOf(each) ?? []), ...refused.filter(isHeard)]
    this.#events.clear()
    for (const each of [...again, ...waits]) this.#events.push(each)
    this.#hooks.onUndone(this, id, from === null)
    return this.#stay(transaction)
  }

  /** Who was to be loaded to hear something is here. */
  #stay(transaction: Transaction): boolean {
    const stays = this.#roster.stay(transaction)
    if (stays) for (const each of this.#waitingFor(transaction.id)) this.#events.push(each)
    return stays
  }

  /** The next one of a key has its turn: through the inbox, for a whole line may end at once. */
  #startNext(id: string | undefined, atUs: number): void {
    if (id !== undefined) this.tell(id, { type: 'Started', atUs, isTakenOver: this.#roster.wasTakenOver(id) })
  }
}

/** A step of it that has failed is its end: nothing is undone, and nothing else of it runs. */
function endsWhenRefused({ isChain, steps, byId }: Plan): boolean {
  return isChain && steps.length === byId.size
}

/** Not of one that was so before its lane was opened, or before it woke: that was told. */
function tellDoubt(before: Transaction, after: Transaction): void {
  if (before.state === 'queued' && stepInDoubt(before) !== '') return
  const { id: transactionId, plan, envelope } = after
  const { traceparent } = envelope.meta
  publish('in-doubt', { workflow: plan.name, step: stepInDoubt(after), transactionId, traceparent })
}

/** Codes of what Postgres would not take: what is written in its place has none of it. */
const refusalCodes: ReadonlySet<string> = new Set<Refusal['code']>(['value_refused', 'charged_before'])

/** It ended or rests: the next of its key has its turn. */
function gaveTurn({ endings, rare }: Entry): boolean {
  return endings.length > 0 || (rare?.rests ?? []).some(({ isAlone }) => isAlone)
}
