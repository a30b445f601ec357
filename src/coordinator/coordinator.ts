/**
 * Lanes and the loop that drives them: while one commit is in flight the inboxes fill; when it returns, all that waits
 * is folded and committed at once, for all lanes together; what it allowed is done after it. It decides nothing.
 */
import { setMaxListeners } from 'node:events'
import { type Clock, sleep } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { Latch } from '../base/latch.ts'
import type { Sealer } from '../envelope/seal.ts'
import { isHeard, publish } from '../telemetry/channels.ts'
import { handedOn, type Traces } from '../telemetry/trace/traces.ts'
import type { Plan } from '../workflow/plan.ts'
import { type Catalogue, catalogueOf } from './catalogue.ts'
import type { Entry } from './entry.ts'
import { Flow } from './flow.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'
import type { CoordinatorLimits } from './limits.ts'
import { NextCommit } from './next-commit.ts'
import { Performer } from './perform.ts'
import type {
  Fetched,
  Intake,
  Invocation,
  InvocationResult,
  Ledger,
  Outbox,
  PartitionRef,
  Preparer,
  VersionIds,
  Workers,
} from './ports.ts'
import type { RareRows } from './rare.ts'
import { Recall } from './recall.ts'
import { Rests } from './rests.ts'
import { tellDurable, tellLogs, transactionsOf } from './tell.ts'
import { ignoreOutage, Upkeep } from './upkeep.ts'
import { Waits } from './waits.ts'
import { Writer, type Written } from './write.ts'

export interface CoordinatorParts {
  readonly engine: string
  /** From the ledger: keeps the commit ids of coordinators apart. */
  readonly session: number
  readonly ledger: Ledger
  readonly intake: Intake
  readonly workers: Workers
  readonly outbox: Outbox
  /** Null: nothing takes time to find out about a record. */
  readonly preparer: Preparer | null
  readonly clock: Clock
  readonly sealer: Sealer | null
  readonly limits: CoordinatorLimits
  readonly planFromSource: (source: string, version: string) => Plan
  /** Without it, traces are handed on as they come. */
  readonly traces?: Traces
}

/** How often it looks whether all is published, in milliseconds. */
const lookEveryMs = 10

export class Coordinator {
  readonly #parts: CoordinatorParts
  readonly #lanes: Lanes
  readonly #wake = new Latch()
  readonly #stopping = new AbortController()
  readonly #performer: Performer
  readonly #writer: Writer
  readonly #recall: Recall
  readonly #flow: Flow
  readonly #upkeep: Upkeep
  readonly #next: NextCommit
  readonly #rests: Rests
  readonly #waits: Waits
  readonly #ids = new Map<string, VersionIds>()
  #catalogue: Catalogue = catalogueOf([], new Map())
  #state: 'idle' | 'running' | 'draining' | 'stopped' = 'idle'
  #loop: Promise<void> | undefined
  /** What broke the loop, for whoever supervises; never resolves while all is well. */
  readonly failed: Promise<Error>
  #fail: (error: Error) => void = () => undefined

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
    // Each lane that waits for something listens for the stop, and Node takes many listeners for a leak.
    setMaxListeners(0, this.#stopping.signal)
    this.#performer = new Performer({ ...parts, traces: parts.traces ?? handedOn }, () => this.#wake.ring())
    this.#writer = new Writer({ ...parts, signal: this.#stopping.signal })
    this.#recall = new Recall({ ...parts, ids: this.#ids })
    this.#flow = new Flow(parts.intake, parts.limits)
    this.#lanes = new Lanes({
      ...parts,
      recall: this.#recall,
      signal: this.#stopping.signal,
      room: () => this.#readingRoom(),
      mayOpen: () => this.#state === 'running',
      wake: () => this.#wake.ring(),
      underWayOf: (lane) => this.#performer.underWayOf(lane),
      onDraining: (lane) => this.#performer.drainLane(lane),
      onUnpublished: (lane) => parts.outbox.wake(lane),
      isPublishing: (lane) => parts.outbox.isBusy(lane),
      onOpened: (lane) => this.#opened(lane),
      onNudged: () => this.#waits.nudged(),
      onUntold: (signals) => this.#waits.came(signals),
      onClosed: (lane) => this.#forget(lane),
      onUndone: (lane, transactionId, isWhole) => this.#performer.forget(lane, transactionId, isWhole),
      onResting: (lane, dues) => this.#rests.due(lane, dues),
      onBroken: (error) => this.#fail(error),
    })
    const shared = {
      ...parts,
      recall: this.#recall,
      signal: this.#stopping.signal,
      wake: () => this.#wake.ring(),
      running: () => this.stats().running,
      onBroken: (error: Error) => this.#fail(error),
    }
    this.#rests = new Rests(shared)
    this.#waits = new Waits({ ...shared, lanes: () => this.#lanes.open() })
    this.#upkeep = new Upkeep(parts, {
      writer: this.#writer,
      flow: this.#flow,
      lanes: () => this.#lanes.open(),
      onRenewed: (renewed, signs) => this.#lanes.renewed(renewed, signs),
    })
    const lanes = () => this.#lanes.open()
    this.#next = new NextCommit(parts, this.#flow, lanes, (folded, atUs) => this.#performAhead(folded, atUs))
    this.failed = new Promise((resolve) => (this.#fail = resolve))
  }

  /** Takes effect for records read from now on; running transactions keep their version. */
  async setPlans(plans: readonly Plan[]): Promise<void> {
    const fresh = plans.filter((plan) => !this.#ids.has(plan.version))
    for (const [hash, ids] of await this.#parts.ledger.register(fresh)) this.#ids.set(hash, ids)
    this.#catalogue = catalogueOf(plans, this.#ids)
    this.#recall.know(plans)
  }

  start(): void {
    if (this.#state !== 'idle') return
    this.#state = 'running'
    this.#upkeep.start()
    this.#parts.ledger.onNudge((laneIds) => this.#nudged(laneIds))
    this.#loop = this.#run().catch((error) => this.#fail(error))
  }

  /** The group has given us these partitions, and no others. Lanes we keep read on where they are. */
  assign(partitions: readonly PartitionRef[]): void {
    this.#lanes.assign(partitions, (lane) => this.#readOn(lane))
  }

  /** Reading anew takes a partition's pause away, but not its reason. */
  #readOn(lane: Lane): void {
    this.#parts.intake.read(lane.partition, lane.expectedOffset)
    this.#flow.afterRead(lane)
  }

  /** What was fetched of a partition, in order. Never waits: what is too much pauses the partition. */
  receive(partition: PartitionRef, fetched: Fetched): void {
    const lane = this.#lanes.of(partition)
    if (!lane) return
    lane.receive(fetched)
    this.#flow.afterReceive(lane)
    this.#wake.ring()
  }

  /** The topic was deleted and made again: its lanes go on as those of another topic. */
  recreated(topic: string): void {
    this.#lanes.recreated(topic)
  }

  /** Worker processes are kept for these invocations, whose functions are not idempotent. */
  receiveReserved(ids: readonly number[]): void {
    this.#performer.reserved(ids)
  }

  receiveResults(results: readonly InvocationResult[]): void {
    this.#performer.receive(results)
  }

  /** What an operator asks first. */
  stats(): { lanes: number; assigned: number; running: number; queued: number; underWay: number; state: string } {
    const open = this.#lanes.open()
    return {
      lanes: open.length,
      assigned: this.#lanes.assignedCount,
      running: open.reduce((sum, lane) => sum + lane.running, 0),
      queued: open.reduce((sum, lane) => sum + lane.queued, 0),
      underWay: this.#performer.underWay,
      state: this.#state,
    }
  }

  /** How far its partitions are in the ledger. */
  places(): (PartitionRef & { readonly nextOffset: number })[] {
    return this.#lanes.open().map(({ partition, committedOffset }) => ({ ...partition, nextOffset: committedOffset }))
  }

  /** Begins nothing new, lets attempts under way end for `drainMs`, commits what came back. */
  async stop(drainMs: number): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'draining') return this.#loop
    const wasRunning = this.#state === 'running'
    this.#state = 'draining'
    crashPoint('stop.before-drain')
    this.#performer.drain()
    this.#rests.stop()
    this.#upkeep.stop()
    const takeBack = this.#parts.clock.after(drainMs, () => this.#giveUp())
    this.#wake.ring()
    if (wasRunning) await this.#loop
    takeBack()
    this.#state = 'stopped'
    this.#stopping.abort()
    crashPoint('stop.drained')
    await this.#farewell()
  }

  /** What is told on the way out is not worth a long wait: a server may be away. */
  async #farewell(): Promise<void> {
    const { clock, limits } = this.#parts
    const enough = new AbortController()
    const published = this.#upkeep.last().then(() => this.#published(enough.signal))
    const told = published.then(() => this.#lanes.releaseAll())
    const outOfTime = sleep(clock, limits.farewellMs, enough.signal)
    await Promise.race([told.catch(ignoreOutage), outOfTime])
    enough.abort()
  }

  /** What was committed last is on its way: its own half of the time is enough for it, or the next owner publishes it. */
  async #published(signal: AbortSignal): Promise<void> {
    const { clock, limits, outbox } = this.#parts
    const untilUs = clock.nowUs() + (limits.farewellMs / 2) * 1000
    const isBusy = () => this.#lanes.open().some((lane) => outbox.isBusy(lane))
    while (isBusy() && clock.nowUs() < untilUs && !signal.aborted) await sleep(clock, lookEveryMs, signal)
  }

  #giveUp(): void {
    this.#state = 'stopped'
    this.#stopping.abort()
    this.#wake.ring()
  }

  async #run(): Promise<void> {
    while (this.#state !== 'stopped') {
      if (this.#state === 'draining' && this.#performer.underWay === 0 && !this.#hasEvents()) return
      await this.#wake.wait()
      for (this.#fold(); !this.#next.isEmpty && !this.#gaveUp; this.#fold()) await this.#carryOut(this.#next.take())
    }
  }

  #fold(ahead = false): void {
    this.#next.fold(this.#state === 'running', ahead)
  }

  get #gaveUp(): boolean {
    return this.#state === 'stopped'
  }

  #hasEvents(): boolean {
    return this.#lanes.open().some((lane) => lane.hasEvents)
  }

  /**
   * Commit, then act: the one place that knows this order. What writes no row is committed too, for the fence: a lane
   * that another coordinator has taken must not act on a timer of ours.
   */
  async #carryOut(entries: readonly Entry[]): Promise<void> {
    const written = await this.#foldDuring(this.#writer.write(entries))
    crashPoint('acts.before')
    const invocations: Invocation[] = []
    for (const { entries: done, returnedUs, duplicates } of written) {
      for (const each of done) {
        this.#act(each, duplicates, returnedUs, invocations)
        this.#tellEndings(each, duplicates)
      }
    }
    this.#performer.dispatch(invocations)
    // Nobody waits for what is told.
    for (const one of written) {
      if (isHeard('durable')) tellDurable(one)
      if (isHeard('function.log')) for (const each of one.entries) tellLogs(each, one.duplicates)
    }
    this.#upkeep.committed()
    this.#lanes.afterCommit((lane) => this.#next.holds(lane))
  }

  /** What copies of earlier events asked for is not done: they were not admitted. */
  #act(each: Entry, duplicates: Written['duplicates'], returnedUs: number, invocations: Invocation[]): void {
    const { lane, messages } = each
    if (lane.closed) return
    if (messages.length > 0) this.#parts.outbox.wake(lane)
    if (each.rare !== null) this.#recorded(lane, each.rare)
    passed(each)
    const acts =
      duplicates.size === 0 ? each.acts : each.acts.filter(({ transaction }) => !duplicates.has(transaction.id))
    this.#performer.perform(lane, acts, returnedUs, invocations)
    lane.durable(each, returnedUs)
  }

  #nudged(laneIds: readonly number[]): void {
    const isOurs = ({ laneId }: Lane) => laneIds.includes(laneId)
    if (this.#lanes.open().some(isOurs)) this.#waits.nudged()
  }

  #opened(lane: Lane): void {
    this.#rests.opened(lane)
    this.#waits.nudged()
  }

  #recorded(lane: Lane, { rests, signals }: RareRows): void {
    if (rests.length > 0) {
      crashPoint('rest.recorded')
      this.#rests.recorded(lane, rests)
      this.#waits.begun(lane, rests)
    }
    const { topic } = lane.partition
    if (signals.length > 0) crashPoint('signal.untold')
    if (signals.length > 0) this.#waits.came(signals.map(({ id, workflowId, key }) => ({ id, workflowId, key, topic })))
  }

  /**
   * Of a function without effects nobody outside sees what a crash undoes: it need not wait for the commit. All others do, and
   * with it for all that is before them in it.
   */
  #performAhead(folded: readonly Entry[], atUs: number): void {
    const invocations: Invocation[] = []
    for (const each of folded) this.#performer.performAhead(each, atUs, invocations)
    this.#performer.dispatch(invocations)
  }

  /** What comes while a commit is under way is folded for the next one. */
  async #foldDuring<T>(writing: Promise<T>): Promise<T> {
    let underWay = true
    const over = () => {
      underWay = false
      this.#wake.ring()
    }
    writing.then(over, over)
    while (underWay) {
      await this.#wake.wait()
      if (underWay && !this.#gaveUp) this.#fold(true)
    }
    return writing
  }

  #tellEndings(each: Entry, duplicates: Written['duplicates']): void {
    const { source } = each
    if (each.endings.length === 0 || source.kind === 'upkeep') return
    const transactions = transactionsOf(source)
    for (const { transactionId, state, errorCode, endedUs } of each.endings) {
      const transaction = transactions.find((one) => one.id === transactionId)
      if (!transaction || duplicates.has(transactionId)) continue
      const durationMs = (endedUs - transaction.admittedUs) / 1000
      const { plan, envelope } = transaction
      const { traceparent } = envelope.meta
      publish('ended', { workflow: plan.name, state, durationMs, code: errorCode, transactionId, traceparent })
    }
  }

  #readingRoom() {
    const { sealer, limits, traces = handedOn } = this.#parts
    return { catalogue: this.#catalogue, sealer, valueBytesMax: limits.valueBytesMax, traces }
  }

  #forget(lane: Lane): void {
    this.#flow.forget(lane)
    this.#rests.closed(lane)
    this.#performer.abandon(lane)
    this.#parts.outbox.close(lane)
    this.#wake.ring()
  }
}

/** What is durable now, and has had none of its consequences. */
function passed({ source, transactions, tells, rare, attempts }: Entry): void {
  if (source.kind !== 'event') return
  if (transactions.length > 0) crashPoint('child.admitted')
  if (tells.length > 0) crashPoint('child.ended')
  if (rare !== null && rare.turns.length > 0) crashPoint('turn.recorded')
  if (rare !== null && rare.reopened.length > 0) crashPoint('reopened.recorded')
  const { failure, plan } = source.before
  if (failure !== null && attempts.some(({ step }) => plan.steps[step]?.kind === 'undo')) crashPoint('undo.recorded')
}
