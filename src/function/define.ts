import type { z } from 'zod'
import type { Failure } from './outcome.ts'

/** What a function is told about the attempt it runs in. */
export interface Context {
  readonly transactionId: string
  readonly workflow: string
  readonly step: string
  /** From 1. */
  readonly attempt: number
  /** The same for every attempt of this step: give it to whoever you call, so that nothing happens twice. */
  readonly idempotencyKey: string
  /** `undo` in a compensation. */
  readonly direction: 'forward' | 'undo'
  /**
   * In a compensation the idempotency key of the step it undoes, which may have done its work, a part of it or nothing, and
   * may come late; null in any other.
   */
  readonly forwardKey: string | null
  /**
   * The trace it is part of, as W3C's header of this name: give it to whoever you call. Null when there is none. What
   * OpenTelemetry's own packages send on needs no help.
   */
  readonly traceparent: string | null
  /** When the process is killed. */
  readonly deadline: Date
  /**
   * Aborted at the deadline, just before the kill, and when nobody needs the attempt any more (its transaction is cancelled,
   * another branch has decided): it is then not tried again, whatever it ends with.
   */
  readonly signal: AbortSignal
  readonly log: Log
  /**
   * A message to Kafka, sent if this attempt ends well and its result counts, and never otherwise. Throws (as `fail`) for
   * what cannot be a message, and beyond 1,000 messages or 1 MiB of them.
   */
  emit(message: Message): void
  /**
   * A movement of money, written to the ledger if this attempt ends well and its result counts, in the same stroke, and never
   * otherwise. Throws (as `fail`) for what cannot be one, and beyond 1,000 postings or 256 KiB of them.
   */
  post(posting: Posting): void
}

/** Takes an amount from one account and gives it to another, so that the two sides always balance. */
export interface Posting {
  /** Account the amount is taken from: a name of up to 200 characters, such as `viewer:17`. */
  readonly debit: string
  /** Account it is given to. */
  readonly credit: string
  /** Minor units (cents), above 0. */
  readonly amount: bigint | number
  /** ISO 4217: three capital letters. */
  readonly currency: string
  /** Whom it is about, for whoever reads the ledger. */
  readonly party?: string | null
  /** What must not be charged twice: a second posting with this key, of any transaction, is an error. */
  readonly key?: string | null
}

/** A message to Kafka. */
export interface Message {
  readonly topic: string
  /** Messages of one key go to one partition, in order. */
  readonly key?: string | number | bigint | boolean | null
  /** Anything that JSON can say; null is a record without a value. */
  readonly value: unknown
  /** Of a null one nothing is sent. */
  readonly headers?: Readonly<Record<string, string | number | boolean | null>>
  /** How the value is written; without it, as JSON. It says so in the header `content-type`. */
  readonly format?: MessageFormat
  /** Makes it a CloudEvent. */
  readonly cloudEvent?: MessageEvent
}

export type MessageFormat =
  | 'json'
  | 'json5'
  | 'yaml'
  | 'xml'
  | 'csv'
  | 'form'
  | 'msgpack'
  | 'cbor'
  | 'raw'
  | { readonly csv: { readonly columns?: readonly string[]; readonly delimiter?: string } }

export interface MessageEvent {
  /** What has happened, such as `film.started`. */
  readonly type: string
  /** Without it, `/workflows/` and the name of the workflow. */
  readonly source?: string
  /** Without it, the id of the message, which is the same after a crash. */
  readonly id?: string
  readonly subject?: string
  /** RFC 3339. */
  readonly time?: string
  readonly dataschema?: string
  /** Further attributes: names of a-z and 0-9. */
  readonly extensions?: Readonly<Record<string, string | number | boolean>>
  /** `binary` (default): attributes are headers, the value is the data; `structured`: the value is the whole event. */
  readonly mode?: 'binary' | 'structured'
}

/** Lines end in the attempt's `logs`, bounded; `fields` are written as JSON behind the message. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

export interface FunctionDefinition<Input = unknown, Output = unknown> {
  /** Checks and types the rendered `with:`; a mismatch is final (`invalid_input`). Without it, input is `unknown`. */
  readonly input?: z.ZodType<Input>
  /** Checks what `run` returns; a mismatch is final (`invalid_output`). */
  readonly output?: z.ZodType<Output>
  /** How many attempts one process runs at once. Default 32; 1 for work that keeps the processor busy. */
  readonly concurrency?: number
  /**
   * False: run twice it does things twice, for whoever it calls knows no idempotency key. When nobody knows what an attempt
   * did (killed, lost, a plain throw, an output that does not fit), the step is then not run again: it stands in doubt until
   * a person settles it with `millrace resolve`. After `retry()` and `fail()` nothing is in doubt. Default true.
   */
  readonly idempotent?: boolean
  /**
   * `none`: it only computes or reads, so nobody is worse off when it runs once more or for nothing. It may then be run
   * before what it was given is durable, and a chain of such steps runs on without waiting for commits; a crash may undo
   * it without a trace in the ledger. Steps with other functions still wait for all that is before them. Without it the
   * function may have effects outside.
   */
  readonly effects?: 'none'
  /**
   * True: it says who has sent an event, for `auth` in workflow files (docs/authentication.md), and is of no use in a step. It alone is
   * shown credentials. Its input is an `AuthenticationInput`, its output an `Authenticated`; `fail()` refuses, `retry()` says that
   * whoever it asks is away.
   */
  readonly authenticates?: boolean
  run(args: { input: Input; context: Context }): Output | Failure | Promise<Output | Failure>
}

/** What a function that authenticates is given. */
export interface AuthenticationInput {
  /** Names in lower case; a list where one is there several times. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** The bytes of the value, in base64. */
  readonly body: string
  /** When the event came: RFC 3339. */
  readonly time: string
  /** Null for a record of Kafka. */
  readonly http: {
    readonly method: string
    readonly url: string
    readonly certificate: { readonly subject: string; readonly fingerprint256: string } | null
  } | null
}

/** What it gives. */
export interface Authenticated {
  readonly principal: string
  readonly roles?: readonly string[]
  /** What else `event.auth.claims` is to hold. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** Declares the function of a file: `export default defineFunction({ input, output, async run({ input, context }) {} })`. */
export function defineFunction<Input = unknown, Output = unknown>(
  definition: FunctionDefinition<Input, Output>,
): FunctionDefinition<Input, Output> {
  return Object.freeze(definition)
}
