/** Looks at the world from outside, at every commit, invocation and charge, and holds it to the promise (design, section 1). */
import type { Invocation, InvocationResult } from '../../../src/coordinator/ports.ts'
import type { BegunRow } from '../../../src/transaction/effect.ts'
import type { Broker } from '../kafka/broker.ts'
import type { Published } from '../kafka/outlet.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { nameOfPlace, placeOf, stepAt } from '../place.ts'
import type { Provider } from '../provider.ts'
import { isOnce } from '../workers.ts'
import { Accounts } from './accounts.ts'
import { Copies } from './copies.ts'
import { History } from './history.ts'
import { Invocations } from './invocations.ts'
import { Money } from './money.ts'
import { Outbox } from './outbox.ts'
import { PreparedRecords } from './prepared.ts'
import { Signals } from './signals.ts'
import { Trees } from './trees.ts'
import { Undoing } from './undoing.ts'
import { holds } from './verdict.ts'

export class Oracle {
  readonly #tables: Tables
  readonly #provider: Provider
  readonly #accounts: Accounts
  readonly #history: History
  readonly #copies: Copies
  readonly #invocations: Invocations
  readonly #outbox: Outbox
  readonly #trees: Trees
  readonly #undoing: Undoing
  readonly #signals: Signals
  readonly #money: Money
  readonly #prepared: PreparedRecords

  constructor(tables: Tables, broker: Broker, provider: Provider) {
    this.#tables = tables
    this.#provider = provider
    this.#accounts = new Accounts(tables, broker)
    this.#history = new History(tables)
    this.#copies = new Copies(tables)
    this.#invocations = new Invocations(tables)
    this.#outbox = new Outbox(tables)
    this.#trees = new Trees(tables)
    this.#undoing = new Undoing(tables, provider)
    this.#signals = new Signals(tables)
    this.#money = new Money(tables)
    this.#prepared = new PreparedRecords(tables, broker)
  }

  /** In the instant in which a commit has landed. */
  written(written: Written, nowUs: number): void {
    this.#accounts.written(written)
    this.#prepared.written(written)
    this.#copies.written(written)
    this.#history.written(written)
    this.#invocations.written(written)
    this.#outbox.written(written)
    this.#trees.written(written)
    this.#undoing.written(written)
    this.#signals.written(written, nowUs)
    this.#money.written(written)
  }

  invoked(session: number, invocation: Invocation): void {
    this.#invocations.invoked(session, invocation)
    const row = this.#tables.transactions.get(invocation.transactionId)
    // Whoever was fenced may still ask for what it knows.
    if (invocation.ahead || !row || this.#tables.lane(row.laneId).session !== session) return
    this.#trees.invoked(invocation)
    this.#undoing.invoked(invocation)
  }

  ended(invocation: Invocation, result: InvocationResult): void {
    this.#history.ended(invocation, result)
    this.#undoing.ended(invocation, result)
    this.#invocations.ended(invocation, result)
  }

  /** Readers see it now. */
  published(published: Published): void {
    this.#outbox.published(published)
  }

  /** The provider has just written something into its book. */
  charged(invocation: Invocation): void {
    if (!isOnce(invocation)) return
    const { transactionId, attempt } = invocation
    const place = placeOf(invocation)
    const name = `${nameOfPlace(place)}#${attempt} of ${transactionId}`
    const row = this.#tables.transactions.get(transactionId)
    const step = row && stepAt(this.#tables.planOf(row), place)
    const isOwn = (each: BegunRow) => each.step === step?.no && each.item === place.item && each.attempt === attempt
    const once = 'at most once, where it cannot be told apart'
    holds(this.#tables.begunOf(transactionId).some(isOwn), once, () => `${name} ran before that was written`)
    const charges = this.#provider.unkeyed.get(invocation.idempotencySeed) ?? []
    holds(charges.length === 1, once, () => `${name} was charged ${charges.length} times`)
  }

  /** All faults are over. */
  calm(nowUs: number): void {
    this.#signals.calmUs = nowUs
  }

  /** When all is over. */
  judgeEnd(): void {
    this.#undoing.judgeBook()
  }
}
