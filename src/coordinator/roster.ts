/**
 * Who is open in a lane: in memory whole, or, far back in a line, by id alone; who stands behind whom; and the low-water
 * mark over all of them.
 */
import { isFinal, type Transaction } from '../transaction/transaction.ts'
import { Horizon } from './horizon.ts'
import { Loads } from './loads.ts'
import { Order, type Standing } from './order.ts'
import type { OpenRef } from './ports.ts'

/** With one whose turn has come so many behind it are loaded: a long line must not cost a query for each. */
const loadAhead = 100

export class Roster {
  readonly #transactions = new Map<string, Transaction>()
  /** Of these only the time of admission is in memory. */
  readonly #stubs = new Map<string, number>()
  /** Stubs that are to be loaded, and those called back. */
  readonly #loads = new Loads()
  /** Stubs whose turn has come. */
  readonly #turns = new Set<string>()
  /** Of these a coordinator before may have run some. */
  readonly #takenOver = new Set<string>()
  /** In doubt: they hold nobody up. */
  readonly #aside = new Set<string>()
  /** A retry delay holds them: they take no place among the running. */
  readonly #delayed = new Set<string>()
  /** They rest, and their line stays their own, for their workflow is strict. */
  readonly #holders = new Set<string>()
  /** They rest or have ended, and are asked back. */
  readonly #returning = new Set<string>()
  /** They have ended, and are here to be asked something. */
  readonly #visitors = new Set<string>()
  /** It is their turn, and they are paused: of them only the id is in memory. */
  readonly #shelved = new Map<string, Standing>()
  /** They have ended, rest or stand in doubt: those behind them have their turn when that is durable. */
  readonly #leaving = new Map<string, Transaction>()
  #order = new Order()
  #horizon = new Horizon()

  /** Transactions that stand behind another one of their key. */
  get queued(): number {
    return this.#order.queued
  }

  /** Those that have started, or are about to, and wait for nothing but workers; those that are asked back among them. */
  get running(): number {
    const open = this.#transactions.size + this.#stubs.size + this.#returning.size
    return open - this.#order.queued - this.#aside.size - this.#delayed.size - this.#visitors.size - this.#shelved.size
  }

  /** Those that cost memory, and no place among the running. */
  get resting(): number {
    return this.#order.queued + this.#delayed.size + this.#shelved.size
  }

  get(id: string): Transaction | undefined {
    return this.#transactions.get(id)
  }

  /** What has become of one that is open. */
  put(transaction: Transaction): void {
    this.#transactions.set(transaction.id, transaction)
    if (transaction.isDelayed) this.#delayed.add(transaction.id)
    else this.#delayed.delete(transaction.id)
  }

  /** Takes it in; true when it is its turn at once. Of those behind, `residentMax` stay in memory whole. */
  admit(transaction: Transaction, residentMax: number): boolean {
    const { id, admittedUs } = transaction
    const first = this.#order.enter(standingOf(transaction))
    const whole = first || this.#order.queued - this.#stubs.size <= residentMax
    this.#horizon.add(id, admittedUs)
    if (whole) this.#transactions.set(id, transaction)
    else this.#stubs.set(id, admittedUs)
    return first
  }

  /** Takes in those that were open when the lane was opened, in the order of their turns. */
  resume(open: readonly OpenRef[]): void {
    for (const ref of open) {
      if (ref.rests && this.#order.enter(ref)) {
        this.#holders.add(ref.id)
        continue
      }
      this.#stubs.set(ref.id, ref.admittedUs)
      this.#horizon.add(ref.id, ref.admittedUs)
      const isTurn = !ref.inDoubt && this.#order.enter(ref)
      if (ref.inDoubt) this.#aside.add(ref.id)
      if (isTurn) this.#turns.add(ref.id)
      if (isTurn || ref.inDoubt) this.#takenOver.add(ref.id)
    }
    for (const id of this.#turns) this.#ask(id)
    this.sealTurns()
    this.giveTurns()
  }

  /** All that was folded is being written, the turns it gave with it. */
  sealTurns(): void {
    this.#loads.seal()
  }

  /** What was sealed is durable; not those whose admission was refused after all. */
  giveTurns(): void {
    this.#loads.give((id) => this.#stubs.has(id) || this.#returning.has(id))
  }

  /** Once: whether a coordinator before may have run some of it. */
  wasTakenOver(id: string): boolean {
    return this.#takenOver.delete(id)
  }

  get hasReady(): boolean {
    return this.#loads.hasReady
  }

  /** Ids to be loaded, at most so many; each is given out once. */
  takeReady(most: number): string[] {
    return this.#loads.take(most)
  }

  /** It was loaded. True when its turn has come; false when it is here for later, or not open any more. */
  arrive(transaction: Transaction): boolean {
    this.#loads.over(transaction.id)
    if (this.#returning.delete(transaction.id)) return this.#comeHome(transaction)
    if (!this.#stubs.delete(transaction.id)) return false
    this.#shelved.delete(transaction.id)
    this.#transactions.set(transaction.id, transaction)
    return this.#turns.delete(transaction.id)
  }

  /** Its turn has come while it is paused. */
  shelve(transaction: Transaction): void {
    const { id, admittedUs } = transaction
    this.#transactions.delete(id)
    this.#delayed.delete(id)
    this.#stubs.set(id, admittedUs)
    this.#shelved.set(id, standingOf(transaction))
  }

  /** Those that are not paused any more have their turn again. */
  unshelve(isPaused: (standing: Standing) => boolean): void {
    for (const [id, standing] of this.#shelved) {
      if (isPaused(standing)) continue
      this.#shelved.delete(id)
      this.#turns.add(id)
      this.#ask(id)
    }
  }

  /** Only its id is in memory. */
  isStub(id: string): boolean {
    return this.#stubs.has(id)
  }

  /** All that is left of it rests: it is a row from here on. Like `end`, unless its workflow is strict. */
  fallAsleep(transaction: Transaction): string | undefined {
    this.forget(transaction)
    if (transaction.plan.order !== 'strict' || transaction.key === null) return this.#next(transaction)
    this.#holders.add(transaction.id)
    return undefined
  }

  /** Like `endLater`: its successor has its turn with `leave`. */
  fallAsleepLater(transaction: Transaction): void {
    if (transaction.plan.order === 'strict') this.fallAsleep(transaction)
    else this.endLater(transaction)
  }

  /** One that rests, or has ended, is to be loaded. */
  callBack(id: string): void {
    if (this.#transactions.has(id) || this.#stubs.has(id)) return
    this.#returning.add(id)
    this.#loads.ask(id)
  }

  /** It is not in the ledger. */
  absent(id: string): void {
    this.#returning.delete(id)
    this.#loads.over(id)
  }

  /** True when it may go on at once; one that has ended is only asked something. */
  #comeHome(transaction: Transaction): boolean {
    const { id, admittedUs } = transaction
    this.#transactions.set(id, transaction)
    if (isFinal(transaction)) {
      this.#visitors.add(id)
      return false
    }
    this.#horizon.add(id, admittedUs)
    return this.#holders.delete(id) || this.#order.reenter(standingOf(transaction))
  }

  /** It has ended, and stays so. */
  sendAway(id: string): void {
    if (this.#visitors.delete(id)) this.#transactions.delete(id)
  }

  /** It had ended, and is open again: true when it may go on at once. */
  reopen(transaction: Transaction): boolean {
    this.#visitors.delete(transaction.id)
    this.#horizon.add(transaction.id, transaction.admittedUs)
    return this.#order.reenter(standingOf(transaction))
  }

  /** It has ended. The id of the one whose turn it is now, if that one is in memory; else it will be loaded. */
  end(transaction: Transaction): string | undefined {
    this.forget(transaction)
    return this.#next(transaction)
  }

  /** It stood behind another one of its key, and has ended there: nobody has a turn by that. False: it was its turn. */
  endInLine(transaction: Transaction): boolean {
    if (!this.#order.remove(standingOf(transaction))) return false
    this.forget(transaction)
    return true
  }

  /** It has ended, and its successor has its turn with `leave`. */
  endLater(transaction: Transaction): void {
    this.forget(transaction)
    this.#leaving.set(transaction.id, transaction)
  }

  isLeaving(id: string): boolean {
    return this.#leaving.has(id)
  }

  /** Its end is durable. Like `end`; nothing when its successor had its turn before. */
  leave(id: string): string | undefined {
    const transaction = this.#leaving.get(id)
    if (!transaction) return undefined
    this.#leaving.delete(id)
    return this.#next(transaction)
  }

  /** Its end, its doubt or its rest is not written after all. True when it had come to that, and its successor has not had its turn. */
  stay(transaction: Transaction): boolean {
    const { id } = transaction
    const had = this.#leaving.delete(id) || this.#holders.delete(id)
    if (!had) return false
    this.#aside.delete(id)
    this.takeBack(transaction)
    return true
  }

  /** In doubt: like `end`, the id of the one whose turn it is now. */
  stepAside(transaction: Transaction): string | undefined {
    this.standAside(transaction)
    return this.#next(transaction)
  }

  /** Like `stepAside`: its successor has its turn with `leave`. */
  stepAsideLater(transaction: Transaction): void {
    this.standAside(transaction)
    this.#leaving.set(transaction.id, transaction)
  }

  /** In doubt, and its successor has its turn already. */
  standAside(transaction: Transaction): void {
    this.#aside.add(transaction.id)
  }

  /** Settled by a person: true when it may go on at once; else it is the next of its key. */
  comeBack(transaction: Transaction): boolean {
    this.#aside.delete(transaction.id)
    if (this.#leaving.delete(transaction.id)) return true
    return this.#order.reenter(standingOf(transaction))
  }

  /** What a person said of it was refused: it stands aside again. Like `stepAside`. */
  sendBack(transaction: Transaction): string | undefined {
    const ended = !this.#transactions.has(transaction.id)
    this.takeBack(transaction)
    if (!ended && !this.#order.remove(standingOf(transaction))) return this.stepAside(transaction)
    this.#aside.add(transaction.id)
    return undefined
  }

  /** One that stands aside is to be loaded, for a person settles it. False when there is none. */
  recall(id: string): boolean {
    if (!this.#stubs.has(id)) return false
    this.#loads.askNow(id)
    return true
  }

  #next(transaction: Transaction): string | undefined {
    const next = this.#order.leave(standingOf(transaction))
    if (next === undefined || !this.#stubs.has(next)) return next
    this.#turns.add(next)
    for (const id of [next, ...this.#order.behind(standingOf(transaction), loadAhead)]) this.#ask(id)
    return undefined
  }

  #ask(id: string): void {
    if (this.#stubs.has(id)) this.#loads.ask(id)
  }

  /** It is not to be. Like `end`, whether it ran, had its turn or stood in line. */
  drop(transaction: Transaction): string | undefined {
    if (!this.#transactions.has(transaction.id) && !this.#stubs.has(transaction.id)) return undefined
    if (!this.#order.remove(standingOf(transaction))) return this.end(transaction)
    this.forget(transaction)
    return undefined
  }

  /** It has ended, and its successor has its turn already. */
  forget(transaction: Transaction): void {
    this.#transactions.delete(transaction.id)
    this.#stubs.delete(transaction.id)
    this.#turns.delete(transaction.id)
    this.#loads.over(transaction.id)
    this.#aside.delete(transaction.id)
    this.#delayed.delete(transaction.id)
    this.#visitors.delete(transaction.id)
    this.#shelved.delete(transaction.id)
    this.#takenOver.delete(transaction.id)
    this.#horizon.remove(transaction.id, transaction.admittedUs)
  }

  /** As it was, though it has moved on or ended since: that was refused. */
  takeBack(transaction: Transaction): void {
    if (this.#returning.delete(transaction.id)) this.#loads.unask(transaction.id)
    this.#transactions.set(transaction.id, transaction)
    this.#delayed.delete(transaction.id)
    this.#horizon.add(transaction.id, transaction.admittedUs)
  }

  /** It was read before what it has become since was written; who wants it all the same has it read again. */
  isStale(id: string): boolean {
    if (!this.#loads.wasStale(id)) return false
    if (this.#returning.has(id)) this.callBack(id)
    return true
  }

  longestLine(): { readonly line: string; readonly queued: number } | undefined {
    return this.#order.longest()
  }

  lowId(): string {
    return this.#horizon.lowId()
  }

  park(nowUs: number): string[] {
    return this.#horizon.park(nowUs)
  }

  clear(): void {
    this.#transactions.clear()
    this.#stubs.clear()
    this.#loads.clear()
    this.#turns.clear()
    this.#takenOver.clear()
    this.#aside.clear()
    this.#delayed.clear()
    this.#holders.clear()
    this.#returning.clear()
    this.#visitors.clear()
    this.#shelved.clear()
    this.#leaving.clear()
    this.#order = new Order()
    this.#horizon = new Horizon()
  }
}

function standingOf({ id, plan, key }: Transaction): Standing {
  return { id, workflow: plan.name, key }
}
