/**
 * Brings events to those that wait for them. Each side commits first and looks after: a wait that is durable is looked at,
 * and so are the waits for an event that is. One that was not looked at is found again after a crash.
 */
import { type Clock, sleep } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import type { RestRow } from '../transaction/effect.ts'
import type { Signal } from '../transaction/event.ts'
import { mayHave } from '../transaction/rest.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { whileFull } from './crowd.ts'
import type { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { FoundSignal, Ledger, SignalClaim, SignalRef, SoughtFor, WaitRef } from './ports.ts'
import type { Recall } from './recall.ts'

export interface WaitsParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly limits: CoordinatorLimits
  readonly recall: Recall
  readonly signal: AbortSignal
  lanes(): Lane[]
  /** Transactions that run, over all lanes. */
  running(): number
  wake(): void
  onBroken(error: Error): void
}

/** Events looked at for one wait at a time: most of them match. If none is to be had, then the next ones. */
const eachMost = 10

export class Waits {
  readonly #parts: WaitsParts
  #refs: WaitRef[] = []
  /** By id: a sign of life may name one again before those who wait were told. */
  readonly #signals = new Map<string, SignalRef>()
  /** Waits of our lanes may be there that were not looked at. */
  #isUnlooked = false
  /** All of them are being read, some at a time: so far they were. */
  #readTo: WaitRef | null = null
  #busy = false

  constructor(parts: WaitsParts) {
    this.#parts = parts
  }

  /** They are durable: there may be events for them already. */
  begun(lane: Lane, rests: readonly RestRow[]): void {
    for (const { transactionId, step, item, wait } of rests) {
      if (wait !== null) this.#refs.push({ laneId: lane.laneId, transactionId, step, item, nudge: 1 })
    }
    this.#work()
  }

  /** They are durable: somebody may wait for them, here or elsewhere. */
  came(signals: readonly SignalRef[]): void {
    for (const signal of signals) this.#signals.set(signal.id, signal)
    this.#work()
  }

  /** Somebody was nudged by another coordinator, or a lane was opened. */
  nudged(): void {
    this.#isUnlooked = true
    this.#work()
  }

  #work(): void {
    if (this.#busy) return
    this.#busy = true
    void this.#workAll()
  }

  /** The last look at what there is and the end are one turn. */
  async #workAll(): Promise<void> {
    const { limits, clock, signal, onBroken } = this.#parts
    let pauseMs = limits.outagePauseMs.first
    while (this.#hasWork && !signal.aborted) {
      try {
        await this.#step()
        pauseMs = limits.outagePauseMs.first
      } catch (error) {
        if (!(error instanceof EngineError)) return onBroken(error as Error)
        publish('notice', {
          level: 'error',
          message: `cannot look for events yet: ${messageOf(error)}`,
          code: error.code,
        })
        this.#isUnlooked = true
        await sleep(clock, pauseMs, signal)
        pauseMs = Math.min(pauseMs * 2, limits.outagePauseMs.most)
      }
    }
    this.#busy = false
  }

  get #hasWork(): boolean {
    return this.#refs.length + this.#signals.size > 0 || this.#isUnlooked || this.#readTo !== null
  }

  async #step(): Promise<void> {
    const { ledger, limits, lanes } = this.#parts
    const laneIds = lanes().map((lane) => lane.laneId)
    if (this.#signals.size > 0) {
      const signals = [...take(this.#signals.values(), limits.loadMax)]
      this.#refs.push(...(await ledger.nudge(signals, laneIds)))
      crashPoint('signal.nudged')
      for (const { id } of signals) this.#signals.delete(id)
    } else if (this.#refs.length > 0) {
      await this.#look(this.#refs.splice(0, limits.loadMax))
    } else await this.#readOn(laneIds)
  }

  /** What is marked behind the place meanwhile is found by the next reading, which begins when this one has ended. */
  async #readOn(laneIds: readonly number[]): Promise<void> {
    const { ledger, limits } = this.#parts
    const after = this.#readTo
    if (after === null) this.#isUnlooked = false
    this.#readTo = null
    const unlooked = laneIds.length === 0 ? [] : await ledger.unlooked(laneIds, after, limits.loadMax)
    await this.#look(unlooked)
    if (unlooked.length === limits.loadMax) this.#readTo = unlooked.at(-1) ?? null
  }

  /** Who is about to get one is not looked at again before that is written: the ledger would find the same. */
  async #look(refs: readonly WaitRef[]): Promise<void> {
    await whileFull(this.#parts)
    const without: WaitRef[] = []
    const ours = refs.filter((ref) => this.#laneOf(ref)?.isReached(ref.transactionId, ref) === false)
    let left = ours.map((ref): SoughtFor => ({ ...ref, afterId: null }))
    while (left.length > 0) left = await this.#lookOnce(left, without)
    if (without.length > 0) await this.#parts.ledger.looked(without)
    if (ours.length > 0) this.#parts.wake()
  }

  /** Answers with those of which there is more to look at: others were quicker, or none of these was for it. */
  async #lookOnce(sought: readonly SoughtFor[], without: WaitRef[]): Promise<SoughtFor[]> {
    const found = byWait(sought, await this.#parts.ledger.findSignals(sought, eachMost))
    const given = await this.#give(await this.#fitting(found))
    const again: SoughtFor[] = []
    for (const ref of sought) {
      const last = found.get(ref)?.[eachMost - 1]
      if (given.has(ref)) continue
      if (last) again.push({ ...ref, afterId: last.signal.id })
      else without.push(ref)
    }
    return again
  }

  /** What their `match` takes. Those that are away and have none are not read for that: they are when they wake. */
  async #fitting(found: ReadonlyMap<WaitRef, readonly FoundSignal[]>): Promise<Map<WaitRef, readonly FoundSignal[]>> {
    const fitting = new Map<WaitRef, readonly FoundSignal[]>()
    const asked: WaitRef[] = []
    for (const [ref, signals] of found) {
      if (this.#takesAll(ref, signals)) fitting.set(ref, signals)
      else asked.push(ref)
    }
    const transactions = await this.#transactionsOf(asked)
    for (const ref of asked) {
      const transaction = transactions.get(ref.transactionId)
      const signals = found.get(ref) ?? []
      const taken = transaction ? signals.filter(({ signal }) => this.#isFor(ref, transaction, signal)) : []
      if (taken.length > 0) fitting.set(ref, taken)
    }
    return fitting
  }

  #takesAll(ref: WaitRef, signals: readonly FoundSignal[]): boolean {
    const { lanes, recall } = this.#parts
    if (lanes().some((lane) => lane.get(ref.transactionId))) return false
    const step = recall.planOf(signals[0]?.version ?? '')?.steps[ref.step]
    return step?.kind === 'wait' && step.match === null
  }

  #laneOf({ laneId }: WaitRef): Lane | undefined {
    return this.#parts.lanes().find((lane) => lane.laneId === laneId && !lane.draining)
  }

  async #transactionsOf(refs: readonly WaitRef[]): Promise<ReadonlyMap<string, Transaction>> {
    const transactions = new Map<string, Transaction>()
    for (const lane of refs.length === 0 ? [] : this.#parts.lanes()) {
      const own = [
        ...new Set(refs.filter((ref) => ref.laneId === lane.laneId).map(({ transactionId }) => transactionId)),
      ]
      const away = own.filter((id) => !lane.get(id))
      for (const id of own) {
        const transaction = lane.get(id)
        if (transaction) transactions.set(id, transaction)
      }
      const loaded = away.length === 0 ? [] : await this.#parts.recall.load(lane.partition, away)
      for (const each of loaded) transactions.set(each.id, each)
    }
    return transactions
  }

  /**
   * To each the first of those that fit it and are still to be had: all claim at once, each another one, who was admitted first
   * before others, and who was too late the next one.
   */
  async #give(wanted: ReadonlyMap<WaitRef, readonly FoundSignal[]>): Promise<ReadonlySet<WaitRef>> {
    const given = new Set<WaitRef>()
    const tried = new Set<string>()
    for (let left: readonly WaitRef[] = [...wanted.keys()].sort(byAge); left.length > 0; ) {
      const offered = left.flatMap((ref) => {
        const found = wanted.get(ref)?.find(({ signal, isForOne }) => !isForOne || !tried.has(signal.id))
        if (found?.isForOne) tried.add(found.signal.id)
        return found ? [{ ref, found }] : []
      })
      for (const { ref, found } of await this.#claimed(offered)) {
        given.add(ref)
        const { transactionId, step, item } = ref
        const event = {
          type: 'SignalArrived',
          atUs: this.#parts.clock.nowUs(),
          step,
          item,
          signal: found.signal,
        } as const
        this.#laneOf(ref)?.reach(transactionId, event)
      }
      left = offered.map(({ ref }) => ref).filter((ref) => !given.has(ref))
    }
    return given
  }

  /** Those who have it now, or need not claim it. */
  async #claimed(offered: readonly Offer[]): Promise<readonly Offer[]> {
    const claims = new Map<SignalClaim, Offer>()
    for (const offer of offered) {
      const { transactionId, step, item } = offer.ref
      const { signal, isForOne } = offer.found
      if (isForOne) claims.set({ transactionId, step, item, signalId: signal.id }, offer)
    }
    if (claims.size === 0) return offered
    crashPoint('signal.found')
    const won = new Set((await this.#parts.ledger.claimSignals([...claims.keys()])).map((claim) => claims.get(claim)))
    if (won.size > 0) crashPoint('signal.claimed')
    return offered.filter((offer) => !offer.found.isForOne || won.has(offer))
  }

  /** One that its `match` fails on is none for it. */
  #isFor(ref: WaitRef, transaction: Transaction, signal: Signal): boolean {
    try {
      return mayHave(transaction, ref, signal)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      publish('refusal', { what: `event ${signal.id} for ${ref.transactionId}`, reason: messageOf(error) })
      return false
    }
  }
}

function* take<T>(all: Iterable<T>, most: number): Generator<T> {
  let left = most
  for (const each of all) {
    if (left-- === 0) return
    yield each
  }
}

interface Offer {
  readonly ref: WaitRef
  readonly found: FoundSignal
}

/** An id begins with the time of its admission. */
function byAge(a: WaitRef, b: WaitRef): number {
  if (a.transactionId !== b.transactionId) return a.transactionId < b.transactionId ? -1 : 1
  return a.step - b.step || (a.item < b.item ? -1 : 1)
}

function byWait(refs: readonly SoughtFor[], found: readonly FoundSignal[]): Map<SoughtFor, FoundSignal[]> {
  const nameOf = ({ transactionId, step, item }: WaitRef) => `${transactionId}/${step}/${item}`
  const known = new Map(refs.map((ref) => [nameOf(ref), ref]))
  const groups = new Map<SoughtFor, FoundSignal[]>()
  for (const each of found) {
    const ref = known.get(nameOf(each.wait))
    if (!ref) continue
    const group = groups.get(ref)
    if (group) group.push(each)
    else groups.set(ref, [each])
  }
  return groups
}
