/** Looks at the world from outside, at every commit, invocation and charge, and holds it to the promise (design, section 1). */
import type { Invocation, InvocationResult } from '../../../src/coordinator/ports.ts'
import type { Broker } from '../kafka/broker.ts'
import type { Published } from '../kafka/outlet.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import type { Provider } from '../provider.ts'
import { isOnce } from '../workers.ts'
import { Accounts } from './accounts.ts'
import { Copies } from './copies.ts'
import { History } from './history.ts'
import { Invocations } from './invocations.ts'
import { Outbox } from './outbox.ts'
import { holds } from './verdict.ts'

export class Oracle {
  readonly #tables: Tables
  readonly #provider: Provider
  readonly #accounts: Accounts
  readonly #history: History
  readonly #copies: Copies
  readonly #invocations: Invocations
  readonly #outbox: Outbox

  constructor(tables: Tables, broker: Broker, provider: Provider) {
    this.#tables = tables
    this.#provider = provider
    this.#accounts = new Accounts(tables, broker)
    this.#history = new History(tables)
    this.#copies = new Copies(tables)
    this.#invocations = new Invocations(tables)
    this.#outbox = new Outbox(tables)
  }

  /** In the instant in which a commit has landed. */
  written(written: Written): void {
    this.#accounts.written(written)
    this.#copies.written(written)
    this.#history.written(written)
    this.#invocations.written(written)
    this.#outbox.written(written)
  }

  invoked(session: number, invocation: Invocation): void {
    this.#invocations.invoked(session, invocation)
  }

  ended(invocation: Invocation, result: InvocationResult): void {
    const { transactionId, step, attempt } = invocation
    this.#history.ended(transactionId, numberOf(step), attempt, result)
    this.#invocations.ended(invocation, result)
  }

  /** Readers see it now. */
  published(published: Published): void {
    this.#outbox.published(published)
  }

  /** The provider has just written something into its book. */
  charged(invocation: Invocation): void {
    if (!isOnce(invocation)) return
    const { transactionId, step: stepId, attempt } = invocation
    const name = `${stepId}#${attempt} of ${transactionId}`
    const row = this.#tables.transactions.get(transactionId)
    const step = row && this.#tables.planOf(row).steps.find((each) => each.id === stepId)
    const begun = this.#tables.begunOf(transactionId).some((each) => each.step === step?.no && each.attempt === attempt)
    const once = 'at most once, where it cannot be told apart'
    holds(begun, once, () => `${name} ran before that was written`)
    const charges = this.#provider.unkeyed.get(`${transactionId}/${stepId}`) ?? []
    holds(charges.length === 1, once, () => `${name} was charged ${charges.length} times`)
  }
}

/** What was asked for ahead is of a transaction that may not be in the ledger yet. Step ids are `s0`, `s1`, … */
function numberOf(step: string): number {
  return Number(step.slice(1))
}
