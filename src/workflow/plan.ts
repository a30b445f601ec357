/** A checked workflow: frozen, content-hashed, ready to run. Nothing of the file's syntax is left in it. */
import type { Backoff } from '../base/backoff.ts'
import type { Envelope } from '../envelope/envelope.ts'
import type { Json } from '../envelope/json.ts'

export interface Plan {
  readonly name: string
  /** Hex SHA-256 of the checked source: a transaction stays on the version it was admitted with. */
  readonly version: string
  /** The file's text, as stored in the ledger under `version`. */
  readonly source: string
  readonly on: { readonly kafka: KafkaTrigger }
  /** Order by key; null takes the record's key. */
  readonly key: Expression | null
  readonly deduplicate: Deduplicate
  /** What becomes of records that cannot become a transaction, and of transactions that fail. */
  readonly deadLetter: DeadLetterPolicy
  /** Messages to Kafka, by how a transaction ended. */
  readonly publish: { readonly completed: readonly Publication[]; readonly failed: readonly Publication[] }
  /** From admission to the end, also the time spent behind the key; null is without limit. */
  readonly timeoutMs: number | null
  readonly body: Block
  /** Every step of `body`, by its number. */
  readonly steps: readonly Step[]
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
}

/** Where a lane that was never open begins. */
export type From =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest' }
  | { readonly at: 'time'; readonly timeMs: number }

/** The shape of a workflow. Later constructs (parallel, forEach, switch) are further kinds of block. */
export type Block = SequenceBlock | StepBlock

export interface SequenceBlock {
  readonly kind: 'sequence'
  readonly blocks: readonly Block[]
}

export interface StepBlock {
  readonly kind: 'step'
  readonly step: Step
}

export interface Step {
  /** Position in `Plan.steps`, from 0; the ledger's key for it within a version. */
  readonly no: number
  readonly id: string
  /** The function's name: `stock/reserve` is `functions/stock/reserve.ts`. */
  readonly uses: string
  readonly with: Template
  readonly when: Expression | null
  readonly retry: RetryPolicy
  readonly timeoutMs: number
  /** Its failure does not fail the transaction; its output is then null. */
  readonly optional: boolean
  /** Messages to Kafka when it has ended well. */
  readonly publish: readonly Publication[]
}

/** A message that a workflow sends. */
export interface Publication {
  readonly topic: string
  readonly key: Expression | null
  readonly value: Template
  /** Renders a map. */
  readonly headers: Template
  readonly when: Expression | null
}

export interface RetryPolicy {
  /** All attempts, the first included. */
  readonly attempts: number
  readonly backoff: Backoff
}

/** A compiled CEL expression. `evaluate` throws `EngineError` `expression_failed`. */
export interface Expression {
  readonly source: string
  evaluate(scope: Scope): Json
}

/** A compiled `with:`, or a message's value. `render` throws `EngineError` `expression_failed`, naming the input it was for. */
export interface Template {
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
}
