/** The events of a request, as records: a body, what says how to read it, and CloudEvents attributes in Kafka's spelling. */
import { recordOfEvent } from '../envelope/cloudevents/kafka.ts'
import { batchType, readBatch, structuredType } from '../envelope/cloudevents/structured.ts'
import { isCredential } from '../envelope/credentials.ts'
import { type HttpPart, httpHeaderOf } from '../envelope/http.ts'
import type { RawHeader } from '../envelope/record.ts'
import type { Carried } from '../telemetry/trace/traces.ts'
import { refuse } from './problem.ts'

export interface RequestEvent {
  readonly value: Buffer
  readonly headers: readonly RawHeader[]
}

export interface Asking {
  readonly http: HttpPart
  /** As Node has them: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** The trace that its events are of; null: that which it brought. */
  readonly trace: Carried | null
}

/** One, or those of a CloudEvents batch. Throws `Refusal`. */
export function eventsOf(asking: Asking, batchMax: number): { events: RequestEvent[]; isBatch: boolean } {
  const own = ownHeaders(asking.rawHeaders)
  const shared = [httpHeaderOf(asking.http), ...traceHeaders(own, asking.trace)]
  const type = own.get('content-type')
  if (type?.toLowerCase().startsWith(batchType)) return { events: batch(asking.body, shared, batchMax), isBatch: true }
  return { events: [single(asking.body, type, own, shared)], isBatch: false }
}

/** Lower-case names; of what may stand once the last counts. */
function ownHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < raw.length; at += 2) headers.set((raw[at] as string).toLowerCase(), raw[at + 1] as string)
  return headers
}

/** A request without a body is an event without data. */
function single(
  body: Buffer,
  type: string | undefined,
  own: ReadonlyMap<string, string>,
  shared: readonly RawHeader[],
): RequestEvent {
  const isEmpty = body.length === 0 && !type?.toLowerCase().startsWith(structuredType)
  const contentType = isEmpty ? 'application/json' : type
  const headers = [...shared, ...cloudEventHeaders(own)]
  if (contentType !== undefined) headers.push(header('content-type', contentType))
  return { value: isEmpty ? Buffer.from('null') : body, headers }
}

/** `ce-id` over HTTP is `ce_id` in Kafka; values over HTTP are percent-encoded. */
function cloudEventHeaders(own: ReadonlyMap<string, string>): RawHeader[] {
  const named = [...own].filter(([name]) => /^ce-[a-z0-9]+$/.test(name) && !isCredential(name))
  return named.map(([name, value]) => header(`ce_${name.slice(3)}`, percentDecoded(value)))
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse(400, 'cloudevent_invalid', 'a ce- header is not percent-encoded UTF-8')
  }
}

function traceHeaders(own: ReadonlyMap<string, string>, trace: Carried | null): RawHeader[] {
  if (trace !== null) return Object.entries(trace).map(([name, value]) => header(name, value))
  return ['traceparent', 'tracestate'].flatMap((name) => (own.has(name) ? [header(name, own.get(name) as string)] : []))
}

/** Each as a record of its own: Kafka has no batches. */
function batch(body: Buffer, shared: readonly RawHeader[], batchMax: number): RequestEvent[] {
  const events = readBatch(body)
  if (events.length > batchMax) throw refuse(413, 'batch_too_large', `at most ${batchMax} events are taken at once`)
  if (events.length === 0) throw refuse(400, 'cloudevent_invalid', 'the batch is empty')
  return events.map((event) => {
    const { headers, value } = recordOfEvent(event, 'structured')
    return { value: value as Buffer, headers: [...shared, ...headers] }
  })
}

function header(name: string, text: string): RawHeader {
  return { name, value: Buffer.from(text, 'utf8') }
}
