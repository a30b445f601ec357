/** A transaction as the heart sees it: a value. Nothing here is ever changed in place. */

import type { Envelope } from '../envelope/envelope.ts'
import { type Json, parseJson } from '../envelope/json.ts'
import type { Plan, Scope } from '../workflow/plan.ts'

/**
 * `queued`: admitted, or settled by a person, and its turn has not come. `in_doubt`: a step's effect is unknown, and nothing
 * goes on before a person settles it. The last two are final.
 */
export const transactionStates = ['queued', 'running', 'in_doubt', 'completed', 'failed'] as const
export type TransactionState = (typeof transactionStates)[number]

/** `waiting`: a retry delay holds it. `in_doubt`: a person must settle it. The last three are settled. */
export type StepState = 'pending' | 'running' | 'waiting' | 'in_doubt' | 'ok' | 'skipped' | 'failed'

export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface Transaction {
  readonly id: string
  readonly plan: Plan
  readonly position: Position
  /** Order key, as text; null is without order. */
  readonly key: string | null
  readonly envelope: Envelope
  readonly admittedUs: number
  /** Not to run past this moment; null is without limit. */
  readonly notAfterUs: number | null
  readonly state: TransactionState
  /** By step number. */
  readonly steps: readonly StepProgress[]
}

export interface StepProgress {
  readonly state: StepState
  /** Attempts that have ended, of whatever outcome. */
  readonly attempts: number
  /** Those that count against the retry policy. */
  readonly failures: number
  /** Those lost with their process, which have a limit of their own. */
  readonly lost: number
  /** The attempt that is awaited may have run. */
  readonly begun: boolean
  /** When the next attempt is due, while `waiting`. */
  readonly dueUs: number | null
  readonly output: Output
}

/** A settled step's output. Its text is parsed when an expression first asks for it. */
export interface Output {
  readonly output: Json
}

export const nothing: Output = Object.freeze({ output: null })

export const untouched: StepProgress = Object.freeze({
  state: 'pending',
  attempts: 0,
  failures: 0,
  lost: 0,
  begun: false,
  dueUs: null,
  output: nothing,
})

export function outputOf(text: string | null): Output {
  return text === null ? nothing : new ParsedLater(text)
}

class ParsedLater implements Output {
  #text: string | null
  #value: Json = null

  constructor(text: string) {
    this.#text = text
  }

  get output(): Json {
    if (this.#text === null) return this.#value
    this.#value = parseJson(this.#text)
    this.#text = null
    return this.#value
  }
}

export function isFinal(transaction: Transaction): boolean {
  return transaction.state === 'completed' || transaction.state === 'failed'
}

/** Its next act is a timer's: it needs no place among the running. */
export function isDelayed(transaction: Transaction): boolean {
  const { steps } = transaction
  let waits = false
  for (let no = 0; no < steps.length; no++) {
    const { state } = steps[no] as StepProgress
    if (state === 'running') return false
    if (state === 'waiting') waits = true
  }
  return waits
}

export function isSettled(step: StepProgress): boolean {
  return step.state === 'ok' || step.state === 'skipped' || step.state === 'failed'
}

export function progressOf(transaction: Transaction, stepNo: number): StepProgress {
  return transaction.steps[stepNo] ?? untouched
}

/** What the transaction's expressions see now. */
export function scopeOf(transaction: Transaction): Scope {
  return new TransactionScope(transaction)
}

/** Most expressions read one step: what the others gave is not gathered for them. */
class TransactionScope implements Scope {
  readonly #transaction: Transaction

  constructor(transaction: Transaction) {
    this.#transaction = transaction
  }

  get event(): Envelope {
    return this.#transaction.envelope
  }

  get steps(): Readonly<Record<string, Output>> {
    const settled = this.#transaction.plan.steps.filter((step) => isSettled(progressOf(this.#transaction, step.no)))
    return Object.fromEntries(settled.map((step) => [step.id, progressOf(this.#transaction, step.no).output]))
  }

  step(id: string): Output | undefined {
    const step = this.#transaction.plan.steps.find((each) => each.id === id)
    const progress = step && progressOf(this.#transaction, step.no)
    return progress && isSettled(progress) ? progress.output : undefined
  }
}
