/** A checked workflow: frozen, content-hashed, ready to run. Nothing of the file's syntax is left in it. */
import type { Backoff } from '../base/backoff.ts'
import type { AuthSpec } from '../envelope/auth-spec.ts'
import type { Envelope } from '../envelope/envelope.ts'
import type { FormatSpec } from '../envelope/format.ts'
import type { Json } from '../envelope/json.ts'
import type { ValueSchema } from '../envelope/schema.ts'
import type { SecretPath } from '../envelope/secret-path.ts'
import type { Rate } from './route.ts'

export interface Plan {
  readonly name: string
  /** Hex SHA-256 of the checked source: a transaction stays on the version it was admitted with. */
  readonly version: string
  /** The file's text, as stored in the ledger under `version`. */
  readonly source: string
  /** Null: only the `call` of another workflow starts it. */
  readonly on: { readonly kafka: KafkaTrigger | null; readonly http: HttpTrigger | null }
  /** Who may send its events; null: anybody. */
  readonly auth: AuthSpec | null
  /** Fields of the event that only functions are given whose `with` names them. */
  readonly secrets: readonly SecretPath[]
  /** Order by key; null takes the record's key. */
  readonly key: Expression | null
  readonly deduplicate: Deduplicate
  /** What becomes of records that cannot become a transaction, and of transactions that fail. */
  readonly deadLetter: DeadLetterPolicy
  /** Messages to Kafka, by how a transaction ended. */
  readonly publish: { readonly completed: readonly Publication[]; readonly failed: readonly Publication[] }
  /** From admission to the end, also the time spent behind the key; null is without limit. */
  readonly timeoutMs: number | null
  /** From admission to the start; who has waited longer is not started. Null is without limit. */
  readonly startWithinMs: number | null
  /**
   * `key`: the next of a key starts when the one before it has ended, sleeps, waits or stands in doubt; `strict`: when it has
   * ended or stands in doubt; `none`: keys give no order.
   */
  readonly order: 'key' | 'strict' | 'none'
  /** The topics whose events its `wait` steps take. */
  readonly signals: readonly SignalTopic[]
  /** They run one after the other. */
  readonly body: readonly Step[]
  /**
   * Every step, by its number: those of `body` depth first, what a block holds right behind the block, and what undoes a
   * step right behind that step.
   */
  readonly steps: readonly Step[]
  /** Those that are no `undo`. */
  readonly byId: ReadonlyMap<string, Step>
  /** Nothing but functions, one after the other: steps end in the order of their numbers. */
  readonly isChain: boolean
}

export interface Deduplicate {
  /** What is the same twice is a copy; null: id and source of CloudEvents, and nothing tells copies of other records. */
  readonly by: Expression | null
  /** Of record time; 0: copies are not looked for. */
  readonly withinMs: number
}

export interface DeadLetterPolicy {
  /** Where a copy of each dead letter is published; null: nowhere. */
  readonly topic: string | null
  /** A transaction that fails leaves its record as a dead letter. */
  readonly failed: boolean
}

export interface KafkaTrigger {
  readonly topic: string
  /** Only events of this CloudEvents type; null takes all. */
  readonly type: string | null
  readonly from: From
  /** How its values are read; null: as each says itself, or as JSON. */
  readonly format: FormatSpec | null
  /** What its data must fit; null: anything. */
  readonly schema: ValueSchema | null
}

export type HttpMethod = 'POST' | 'PUT' | 'GET'

/** Requests that start it: each is written to the topic first, and comes back from there. */
export interface HttpTrigger {
  readonly methods: readonly HttpMethod[]
  /** `/films/{film}` */
  readonly path: string
  readonly topic: string
  /** How bodies are read; null: as content-type says, or as JSON. */
  readonly format: FormatSpec | null
  /** What their data must fit; null: anything. */
  readonly schema: ValueSchema | null
  readonly bytesMax: number
  /** Of one principal or address; null is without limit. */
  readonly rate: Rate | null
  /** Null: 202 at once. */
  readonly respond: Respond | null
}

export interface Respond {
  readonly waitMs: number
  /** A step, outside of any `forEach`; null: the end. */
  readonly after: Step | null
  /** Null: the output of that step, or of the last one. */
  readonly with: Template | null
  readonly status: number
  /** Of every ending but `completed`. `with` null: a problem with the error's code. */
  readonly failed: { readonly status: number; readonly with: Template | null }
}

/** Where a lane that was never open begins. */
export type From =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'time'; readonly timeMs: number }

/** A topic whose events are kept for those that wait for them. */
export interface SignalTopic {
  readonly topic: string
  /** The business key of an event, over `event`; null takes the record's key. An event without one is for nobody. */
  readonly key: Expression | null
  /** How long an event is kept for those that do not wait yet, in record time. */
  readonly keepMs: number
  /** How its values are read; null: as each says itself, or as JSON. */
  readonly format: FormatSpec | null
  /** Who gets an event: the first that takes it, or everyone. */
  readonly take: 'first' | 'all'
  /** Fields that are not kept with an event. */
  readonly secrets: readonly SecretPath[]
}

/** A place in a workflow. What has an id, may be skipped and ends with an output is one, whatever it does between. */
export type Step = InvokeStep | UndoStep | ParallelStep | ForEachStep | SwitchStep | SleepStep | WaitStep | CallStep

export type StepKind = Step['kind']

/** Steps that run a function. */
export type FunctionStep = InvokeStep | UndoStep

export interface StepBase {
  /** Position in `Plan.steps`, from 0; the ledger's key for it within a version. */
  readonly no: number
  /** Of an `undo` that of the step it undoes. */
  readonly id: string
  readonly when: Expression | null
  /** Must be true when it begins, or it fails for good. */
  readonly require: Expression | null
  /** Its failure does not fail what it is part of; its output is then null. */
  readonly optional: boolean
  /** Messages to Kafka when it has ended well. */
  readonly publish: readonly Publication[]
  /** The `forEach` steps around it, outermost first, by number. */
  readonly within: readonly number[]
  /** All steps around it inside of the same item, the innermost first, by number: `parallel` and `switch`. */
  readonly blocks: readonly number[]
}

/** How a function is called. */
export interface Calling {
  /** The function's name: `stock/reserve` is `functions/stock/reserve.ts`. */
  readonly uses: string
  readonly with: Template
  readonly retry: RetryPolicy
  readonly timeoutMs: number
}

export interface InvokeStep extends StepBase, Calling {
  readonly kind: 'invoke'
  /** What undoes it, at `no + 1` of `Plan.steps`. */
  readonly compensate: UndoStep | null
}

/** A compensation. Its `with` sees what its step saw, and `output`: what that gave, null when nobody knows. */
export interface UndoStep extends StepBase, Calling {
  readonly kind: 'undo'
  /** Number of the step it undoes. */
  readonly of: number
  /**
   * What becomes of its step's postings: `reverse` writes their reversals; `own` leaves it to the function, and holds what
   * each account comes to against `net`.
   */
  readonly postings: 'reverse' | 'own'
  /** Renders a map: account -> what it may come to, in minor units, forward and undo together; others must come to 0. */
  readonly net: Template | null
}

/** When a block has what it needs: from all that it holds, from so many, or each may fail. */
export type Join = 'all' | 'each' | number

export interface ParallelStep extends StepBase {
  readonly kind: 'parallel'
  readonly branches: readonly Branch[]
  readonly join: Join
  readonly others: Others
}

/** Once it is decided how a block ends: what has not ended then may end, or is cancelled. */
export type Others = 'finish' | 'cancel'

export interface Branch {
  readonly id: string
  readonly steps: readonly Step[]
}

/** Its output: of each item what its last step gave; null for one that failed. */
export interface ForEachStep extends StepBase {
  readonly kind: 'forEach'
  /** Gives the list. */
  readonly in: Expression
  /** The item's name in expressions inside; `<as>_index` is its place, from 0. */
  readonly as: string
  readonly steps: readonly Step[]
  /** Numbers of what it holds, nested ones and compensations included: from `no + 1` on so many. */
  readonly size: number
  /** Items that run at once. */
  readonly atOnce: number
  readonly join: Join
  readonly others: Others
}

/** Its output is that of the last step of the case that was taken. */
export interface SwitchStep extends StepBase {
  readonly kind: 'switch'
  /** The first whose `when` is true is taken; null is always true. None: nothing is done. */
  readonly cases: readonly Case[]
}

export interface Case {
  readonly when: Expression | null
  readonly steps: readonly Step[]
}

export interface SleepStep extends StepBase {
  readonly kind: 'sleep'
  /** So long; or until this moment, which is an RFC 3339 text or a timestamp. */
  readonly until: { readonly forMs: number } | { readonly at: Expression }
}

/** Its output is the event it took: `{ id, type, source, time, key, data }`; null when it timed out and went on. */
export interface WaitStep extends StepBase {
  readonly kind: 'wait'
  /** One of `Plan.signals`. */
  readonly topic: string
  /** What it waits for, compared with the business key of the topic's events. */
  readonly key: Expression
  /** Further condition, over `signal` and all else; null takes every event of the key. */
  readonly match: Expression | null
  readonly timeoutMs: number | null
  readonly onTimeout: 'fail' | 'continue'
}

/** Runs another workflow as a transaction of its own. Its output is what that gave at its end. */
export interface CallStep extends StepBase {
  readonly kind: 'call'
  readonly workflow: string
  /** The data of the event it starts with. */
  readonly with: Template
}

/** A message that a workflow sends. */
export interface Publication {
  readonly topic: string
  readonly key: Expression | null
  readonly value: Template
  /** Renders a map. */
  readonly headers: Template
  readonly when: Expression | null
  /** How its value is written; null: as JSON. */
  readonly format: FormatSpec | null
  /** Null: it is no CloudEvent. */
  readonly event: EventPublication | null
}

/** A message that is a CloudEvent. */
export interface EventPublication {
  readonly mode: 'binary' | 'structured'
  /** Renders a map: `type`, and what else is said of `source`, `id`, `subject`, `time`, `dataschema`, `extensions`. */
  readonly attributes: Template
}

export interface RetryPolicy {
  /** All attempts, the first included. */
  readonly attempts: number
  readonly backoff: Backoff
  /** No attempt is begun later than this after the first was asked for; null is without limit. */
  readonly budgetMs: number | null
  /** Only failures with these codes are tried again; null: all. */
  readonly on: readonly string[] | null
  /** Those with these never are. */
  readonly never: readonly string[]
}

/** A compiled CEL expression. `evaluate` throws `EngineError` `expression_failed`. */
export interface Expression {
  readonly source: string
  /** It names secret fields of the event, and is shown them. */
  readonly isSecret?: boolean
  evaluate(scope: Scope): Json
}

/** A compiled `with:`, or a message's value. `render` throws `EngineError` `expression_failed`, naming the input it was for. */
export interface Template {
  /** Where in what it renders secret fields of the event come to stand. */
  readonly secretsAt: readonly SecretPath[]
  render(scope: Scope): Json
}

/**
 * What expressions see. A skipped or failed optional step's output is null; a step not yet settled is absent. `error` is
 * there once a transaction has failed.
 */
export interface Scope {
  readonly event: Envelope
  readonly steps: Readonly<Record<string, { readonly output: Json }>>
  /** One of `steps`, where there is a quicker way to it than through all of them. */
  step?(id: string): { readonly output: Json } | undefined
  readonly error?: { readonly code: string; readonly message: string }
  /** By name: items of `forEach` and their places, `output` in a compensation, `signal` in a `match`. */
  readonly names?: Readonly<Record<string, Json>>
}
