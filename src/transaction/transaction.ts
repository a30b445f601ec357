/** A transaction as the heart sees it: a value. Nothing here is ever changed in place. */

import type { Envelope } from '../envelope/envelope.ts'
import { type Json, parseJson } from '../envelope/json.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Signal } from './event.ts'
import type { Failed } from './join.ts'
import type { Pieces } from './steps.ts'

/**
 * `queued`: admitted, woken, or settled by a person, and its turn has not come. `waiting`: everything left of it sleeps or
 * waits for an event. `in_doubt`: a step's effect is unknown, nothing else of it runs, and nothing goes on before a person
 * settles it. `compensating`: it will not complete; what runs may end, then what it did is undone. The last four are final.
 */
export const transactionStates = [
  'queued',
  'running',
  'waiting',
  'in_doubt',
  'compensating',
  'completed',
  'compensated',
  'cancelled',
  'failed',
] as const
export type TransactionState = (typeof transactionStates)[number]
export type FinalState = 'completed' | 'compensated' | 'cancelled' | 'failed'

/**
 * `waiting`: a retry delay holds it. `asleep`: it sleeps, or waits for an event. `called`: its sub-workflow is open.
 * `in_doubt`: a person must settle it. The last three are settled.
 */
export type StepState =
  | 'pending'
  | 'running'
  | 'waiting'
  | 'asleep'
  | 'called'
  | 'in_doubt'
  | 'ok'
  | 'skipped'
  | 'failed'

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
  /** Why it will not complete, from the moment on at which that is decided. */
  readonly failure: Failure | null
  /** From 1: a person's command that opens it again begins another one. */
  readonly round: number
  /** The step of another transaction that called it. */
  readonly parent: ParentRef | null
  /** What a person gave a step in place of its `with`, for this round. */
  readonly given: Given | null
  /** Its next act is a timer's, or a sub-workflow's: it needs no place among the running. */
  readonly isDelayed: boolean
  /** Place in the plan's body of the first step that is not settled, as far as is known. */
  readonly at: number
  /** What is to be undone, from what was done last; null: it was not looked for yet, or there is nothing. */
  readonly owed: Owed | null
  /** Steps settled so far. */
  readonly settled: number
  /** By step number; of what a `forEach` holds see the items of its progress. */
  readonly steps: Pieces
}

export interface Failure {
  readonly code: string
  readonly message: string
  /** A person's wish, or the parent's: it ends `cancelled`, not `compensated` or `failed`. */
  readonly isCancel: boolean
}

export interface Given {
  readonly step: number
  /** JSON text. */
  readonly input: string
}

/** A step, and of which item: the places in the lists of the `forEach` steps around it, as `3` or `3.0`; else empty. */
export interface StepRef {
  readonly step: number
  readonly item: string
}

export interface ParentRef extends StepRef {
  readonly id: string
}

/** A compensation, or a call that is to be undone. It may be by now. */
export interface Owed extends StepRef {
  readonly before: Owed | null
}

export interface StepProgress {
  readonly state: StepState
  /** Attempts that have ended, of whatever outcome. */
  readonly attempts: number
  /** Those that count against the retry policy. */
  readonly failures: number
  /** When its first attempt could be dispatched; null before that has ended. */
  readonly sinceUs: number | null
  /** Those lost with their process, which have a limit of their own. */
  readonly lost: number
  /** The attempt that is awaited may have run. */
  readonly begun: boolean
  /** When the next attempt is due, while `waiting`; when it wakes, while `asleep`, null for never. */
  readonly dueUs: number | null
  readonly output: Output
  /** Its place among the settled steps of its transaction, from 1; 0 while it is not settled, and in a chain. */
  readonly seq: number
  /** Of its last known outcome: a step of unknown effect keeps its key. From 1. */
  readonly keyRound: number
  /** Nobody knows what its last attempt did outside; of a call that failed: what it called owes something. */
  readonly effectUnknown: boolean
  /** There is a row that says so; of this round, or of one before. */
  readonly wasSkipped: boolean
  /** Of one that has failed. */
  readonly error: StepError | null
  /** What is decided needs it no more: it may end, and is not tried again. */
  readonly stopping: boolean
  /** What only some kinds of steps have, once they have begun. */
  readonly inside: Inside | null
}

/** One that nobody else has yet. */
export type NewProgress = { -readonly [Name in keyof StepProgress]: StepProgress[Name] }

/** Field by field: at each event of each transaction that costs a fraction of a spread. */
export function progressFrom(of: StepProgress): NewProgress {
  return {
    state: of.state,
    attempts: of.attempts,
    failures: of.failures,
    sinceUs: of.sinceUs,
    lost: of.lost,
    begun: of.begun,
    dueUs: of.dueUs,
    output: of.output,
    seq: of.seq,
    keyRound: of.keyRound,
    effectUnknown: of.effectUnknown,
    wasSkipped: of.wasSkipped,
    error: of.error,
    stopping: of.stopping,
    inside: of.inside,
  }
}

export interface StepError {
  readonly code: string
  readonly message: string
}

export type Inside = Items | Choice | Rest | Child | Money

/** Of a `forEach`: by place in its list. */
export interface Items {
  readonly kind: 'items'
  readonly items: readonly Item[]
  /** Places of those that are open, in order. */
  readonly open: readonly number[]
  /** Place of the first that is new. */
  readonly next: number
  /** How many have ended, well or not. */
  readonly ok: number
  readonly failed: number
}

export interface Item {
  /** What it has come to. `new`: not begun. */
  readonly went: 'new' | 'open' | 'settled' | Failed
  /** Undefined: it was read back, and not looked at yet. */
  readonly value: Json | undefined
  /** The progress of what it holds, by number from the one behind the `forEach` on. */
  readonly steps: Pieces
}

/** Of a `switch`: the place of the case that was taken; -1: none. */
export interface Choice {
  readonly kind: 'choice'
  readonly taken: number
}

/** Of one that sleeps or waits. `signal`: the event that is its own by now. */
export interface Rest {
  readonly kind: 'rest'
  readonly sinceUs: number
  /** As the ledger has it; null: it does not have it yet. */
  readonly isAlone: boolean | null
  readonly signal: Signal | null
}

/** Of a call. `ended`: what its sub-workflow has come to. */
export interface Child {
  readonly kind: 'child'
  readonly id: string
  readonly ended: ChildEnd | null
}

/** Of a step whose function has posted. */
export interface Money {
  readonly kind: 'money'
  readonly posted: readonly Movement[]
}

/** The same amount on both sides. */
export interface Movement {
  readonly attempt: number
  readonly n: number
  readonly debit: string
  readonly credit: string
  /** Minor units, above 0. */
  readonly amount: bigint
  readonly currency: string
  readonly party: string | null
}

export interface ChildEnd {
  readonly state: FinalState
  readonly error: StepError | null
  /** JSON text. */
  readonly output: string | null
  /** It failed, and something it did is not undone. */
  readonly isOwing: boolean
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
  sinceUs: null,
  lost: 0,
  begun: false,
  dueUs: null,
  output: nothing,
  seq: 0,
  keyRound: 1,
  effectUnknown: false,
  wasSkipped: false,
  error: null,
  stopping: false,
  inside: null,
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

export function isFinal({ state }: Transaction): boolean {
  return state === 'completed' || state === 'failed' || state === 'compensated' || state === 'cancelled'
}

export function isSettled(step: StepProgress): boolean {
  return step.state === 'ok' || step.state === 'skipped' || step.state === 'failed'
}
