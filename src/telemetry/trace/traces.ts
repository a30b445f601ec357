/**
 * What is handed on of a trace: to the process that runs an attempt, to a sub-workflow, in the headers of a message. With
 * telemetry off what came with the event is handed on as it came, so that others see one trace all the same.
 */
import { randomBytes } from 'node:crypto'
import { Lately } from '../../base/lately.ts'
import { parseTraceparent, type TraceParent, traceparentOf } from './context.ts'
import { attemptSpanId, processSpanId, sendSpanId, type Traced, traceIdOf } from './ids.ts'

export interface Traces {
  /** A traceparent for whatever the attempt calls; null: there is none to hand on. */
  ofAttempt(transaction: Traced, step: number, item: string, attempt: number): string | null
  /** Headers, by their names. */
  ofMessage(transaction: Traced, messageId: string): Carried | null
  /** For the `meta` of a sub-workflow's event. */
  ofCall(transaction: Traced): Carried | null
  /** Of a request to the HTTP door, by its own headers; null: they go on as they came. */
  ofRequest(traceparent: string | undefined, tracestate: string | undefined): RequestTrace | null
}

export interface RequestTrace extends TraceParent {
  /** The client's span; null: it brought none. */
  readonly parentId: string | null
  /** What its events carry on. */
  readonly headers: Carried
}

export type Carried = Readonly<Record<string, string>>

export const handedOn: Traces = {
  ofAttempt: ({ envelope: { meta } }) => carried(meta.traceparent, undefined)?.traceparent ?? null,
  ofMessage: ({ envelope }) => carried(envelope.meta.traceparent, envelope.meta.tracestate),
  ofCall: ({ envelope }) => carried(envelope.meta.traceparent, envelope.meta.tracestate),
  ofRequest: () => null,
}

/** Whether a trace is told, by its id and, where one came, by what its sender decided. */
export type Sampling = (traceId: string, parent: TraceParent | null) => boolean

/** What is known of a transaction's trace. */
export interface Trace {
  readonly transactionId: string
  readonly traceId: string
  /** The producer's span; null: the event brought none. */
  readonly parentId: string | null
  readonly isSampled: boolean
}

/**
 * The first of an event's transactions to be asked for leaves its trace at the event, which all its states share: it is asked for
 * a dozen times, and finding it by its id each time was a quarter of what telemetry takes in a profile. No copy, and no JSON, has it.
 */
const note = Symbol('trace')

interface Noted {
  readonly [note]?: Trace
}

/** With telemetry on: those that are told get spans of ours. Others go on as they came. */
export class OwnTraces implements Traces {
  readonly #sampling: Sampling
  readonly #known = new Lately<Trace>()

  constructor(sampling: Sampling) {
    this.#sampling = sampling
  }

  of(transaction: Traced): Trace {
    const { id, envelope } = transaction
    const noted = (envelope as Noted)[note]
    if (noted?.transactionId === id) return noted
    const known = this.#known.get(id) ?? this.#made(transaction)
    if (noted === undefined) Object.defineProperty(envelope, note, { value: known })
    return known
  }

  #made(transaction: Traced): Trace {
    const { id, envelope } = transaction
    const parent = parseTraceparent(envelope.meta.traceparent)
    const traceId = parent?.traceId ?? traceIdOf(transaction)
    const parentId = parent?.spanId ?? null
    const trace = { transactionId: id, traceId, parentId, isSampled: this.#sampling(traceId, parent) }
    this.#known.set(id, trace)
    return trace
  }

  ofAttempt(transaction: Traced, step: number, item: string, attempt: number): string | null {
    const trace = this.of(transaction)
    if (!trace.isSampled) return handedOn.ofAttempt(transaction, step, item, attempt)
    return own(trace, attemptSpanId(transaction.id, step, item, attempt))
  }

  ofMessage(transaction: Traced, messageId: string): Carried | null {
    const trace = this.of(transaction)
    if (isAnothers(trace)) return handedOn.ofMessage(transaction, messageId)
    return carried(own(trace, sendSpanId(messageId)), transaction.envelope.meta.tracestate)
  }

  ofCall(transaction: Traced): Carried | null {
    const trace = this.of(transaction)
    if (isAnothers(trace)) return handedOn.ofCall(transaction)
    return carried(own(trace, processSpanId(transaction.id)), transaction.envelope.meta.tracestate)
  }

  ofRequest(traceparent: string | undefined, tracestate: string | undefined): RequestTrace | null {
    const parent = parseTraceparent(traceparent)
    const traceId = parent?.traceId ?? randomBytes(16).toString('hex')
    const isSampled = this.#sampling(traceId, parent)
    if (!isSampled && parent !== null) return null
    const span = { traceId, spanId: randomBytes(8).toString('hex'), isSampled }
    const headers = carried(traceparentOf(span), parent === null ? undefined : tracestate) as Carried
    return { ...span, parentId: parent?.spanId ?? null, headers }
  }
}

/** Not told, and begun elsewhere. One of ours that is not told is handed on, too: whoever takes it up is not to decide again. */
function isAnothers({ isSampled, parentId }: Trace): boolean {
  return !isSampled && parentId !== null
}

function own({ traceId, isSampled }: Trace, spanId: string): string {
  return traceparentOf({ traceId, spanId, isSampled })
}

/** What a header may hold else is not copied on and on: W3C asks for no more than this of the second. */
const stateCharsMax = 512

/** `tracestate` is of no use without the other. */
function carried(traceparent: string | undefined, tracestate: string | undefined): Carried | null {
  if (traceparent === undefined || parseTraceparent(traceparent) === null) return null
  return tracestate === undefined || tracestate.length > stateCharsMax ? { traceparent } : { traceparent, tracestate }
}
