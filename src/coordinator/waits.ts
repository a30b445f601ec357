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
import type { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { FoundSignal, Ledger, SignalRef, SoughtFor, WaitRef } from './ports.ts'
import type { Recall } from './recall.ts'

export interface WaitsParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly limits: CoordinatorLimits
  readonly recall: Recall
  readonly signal: AbortSignal
  lanes(): Lane[]
  wake(): void
  onBroken(error: Error): void
}

/** Events looked at for one wait at a time: most of them match. If none is to be had, then the next ones. */
const eachMost = 10

export class Waits {
  readonly #parts: WaitsParts
  #refs: WaitRef[] = []
  #signals: SignalRef[] = []
  /** Waits of our lanes may be there that were not looked at. */
  #isUnlooked = false
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
    this.#signals.push(...signals)
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
    return this.#refs.length + this.#signals.length > 0 || this.#isUnlooked
  }

  async #step(): Promise<void> {
    const { ledger, limits, lanes } = this.#parts
    const laneIds = lanes().map((lane) => lane.laneId)
    if (this.#signals.length > 0) {
      const signals = this.#signals.slice(0, limits.loadMax)
      this.#refs.push(...(await ledger.nudge(signals, laneIds)))
      crashPoint('signal.nudged')
      this.#signals.splice(0, signals.length)
    } else if (this.#refs.length > 0) {
      await this.#look(this.#refs.splice(0, limits.loadMax))
    } else {
      const unlooked = laneIds.length === 0 ? [] : await ledger.unlooked(laneIds, limits.loadMax)
      this.#isUnlooked = unlooked.length === limits.loadMax
      await this.#look(unlooked)
    }
  }

  async #look(refs: readonly WaitRef[]): Promise<void> {
    const without: WaitRef[] = []
    let left = refs.filter((ref) => this.#laneOf(ref)).map((ref): SoughtFor => ({ ...ref, afterId: null }))
    while (left.length > 0) left = await this.#lookOnce(left, without)
    if (without.length > 0) await this.#parts.ledger.looked(without)
    this.#parts.wake()
  }

  /** Answers with those of which there is more to look at: others were quicker, or none of these was for it. */
  async #lookOnce(sought: readonly SoughtFor[], without: WaitRef[]): Promise<SoughtFor[]> {
    const found = byWait(sought, await this.#parts.ledger.findSignals(sought, eachMost))
    const transactions = await this.#transactionsOf([...found.keys()])
    without.push(...sought.filter((ref) => !found.has(ref)))
    const again: SoughtFor[] = []
    for (const [ref, signals] of found) {
      const transaction = transactions.get(ref.transactionId)
      if (transaction && (await this.#give(ref, transaction, signals))) continue
      if (!transaction || signals.length < eachMost) without.push(ref)
      else again.push({ ...ref, afterId: (signals.at(-1) as FoundSignal).signal.id })
    }
    return again
  }

  #laneOf({ laneId }: WaitRef): Lane | undefined {
    return this.#parts.lanes().find((lane) => lane.laneId === laneId && !lane.draining)
  }

  async #transactionsOf(refs: readonly WaitRef[]): Promise<ReadonlyMap<string, Transaction>> {
    const transactions = new Map<string, Transaction>()
    for (const lane of this.#parts.lanes()) {
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

  /** The first that its `match` takes, and that is still to be had. */
  async #give(ref: WaitRef, transaction: Transaction, found: readonly FoundSignal[]): Promise<boolean> {
    const { ledger, clock } = this.#parts
    const { transactionId, step, item } = ref
    for (const { signal, isForOne } of found) {
      if (!this.#isFor(ref, transaction, signal)) continue
      const claim = { transactionId, step, item, signalId: signal.id }
      crashPoint('signal.found')
      if (isForOne && (await ledger.claimSignals([claim])).length === 0) continue
      if (isForOne) crashPoint('signal.claimed')
      this.#laneOf(ref)?.reach(transactionId, { type: 'SignalArrived', atUs: clock.nowUs(), step, item, signal })
      return true
    }
    return false
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
