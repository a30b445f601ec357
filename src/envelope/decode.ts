/**
 * Record -> envelope: CloudEvents 1.0 in Kafka's binary and structured mode, and plain JSON. What cannot be read throws
 * an `EngineError` whose code and sentence become the dead letter's:
 * `value_null`, `value_too_large`, `value_not_utf8`, `value_not_json`, `value_unstorable`, `cloudevent_invalid`.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
import { EngineError } from '../base/error.ts'
import { isCredential } from './credentials.ts'
import type { Envelope } from './envelope.ts'
import { httpHeader, httpPartOf, onceHeader } from './http.ts'
import { isStorable, type Json, parseJson, stringifyJson } from './json.ts'
import type { RawRecord } from './record.ts'

export interface Decoded {
  readonly envelope: Envelope
  /** What the ledger keeps of it: JSON text of key, type, source, time, meta, data. */
  readonly text: string
}

/** `where` is topic/partition/offset, for the id of an event that brings none. */
export function decode(record: RawRecord, where: string, valueBytesMax: number): Decoded {
  const value = textOf(record, valueBytesMax)
  const headers = headersOf(record)
  const key = record.key === null ? null : keyTextOf(record.key)
  const content = isStructured(headers) ? structured(value) : binary(headers, value)
  const envelope = {
    id: content.id ?? `${key ?? ''}@${where}`,
    type: content.type,
    source: content.source,
    time: content.time ?? timeOf(record),
    key,
    ...split(headers),
    data: content.data,
    ...httpOf(headers),
  }
  const text = textOfEnvelope(envelope, content.dataText)
  if (!isStorable(text) || unstorable.test(envelope.id)) throw cannotBeStored()
  return { envelope, text }
}

const unstorable = /\p{Surrogate}|\0/u

function cannotBeStored(): EngineError {
  return new EngineError('value_unstorable', 'the event holds a NUL, half a character or nests deeper than 128 levels')
}

/** The envelope as it was, from what the ledger kept. */
export function recall(text: string, id: string, auth: Readonly<Record<string, string>>): Envelope {
  return { ...(parseJson(text) as unknown as Omit<Envelope, 'id' | 'auth'>), id, auth }
}

interface Content {
  readonly id: string | null
  readonly type: string | null
  readonly source: string | null
  readonly time: string | null
  readonly data: Json
  readonly dataText: string
}

function textOf(record: RawRecord, valueBytesMax: number): string {
  const { value } = record
  if (value === null) throw new EngineError('value_null', 'the record has no value (a tombstone), expected JSON')
  if (value.length > valueBytesMax) {
    throw new EngineError('value_too_large', `the value has ${value.length} bytes, at most ${valueBytesMax} are taken`)
  }
  try {
    return utf8.decode(value)
  } catch (cause) {
    throw new EngineError('value_not_utf8', 'the value is not UTF-8 text', { cause })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Binary keys, such as Java's serialised integers with their zero bytes, order as well as text does. */
function keyTextOf(key: Buffer): string {
  try {
    const text = utf8.decode(key)
    if (!text.includes('\0')) return text
  } catch {}
  return `base64:${key.toString('base64')}`
}

/** Lower-case names; of a repeated header the last one counts. */
function headersOf(record: RawRecord): Map<string, string> {
  return new Map(record.headers.map((header) => [header.name.toLowerCase(), header.value.toString('utf8')]))
}

function isStructured(headers: ReadonlyMap<string, string>): boolean {
  return headers.get('content-type')?.toLowerCase().startsWith('application/cloudevents+json') ?? false
}

function binary(headers: ReadonlyMap<string, string>, value: string): Content {
  const data = json(value)
  if (!headers.has('ce_specversion') && !headers.has('ce_id')) {
    return { id: null, type: null, source: null, time: null, data, dataText: value }
  }
  const attribute = (name: string) => {
    const text = headers.get(`ce_${name}`)
    if (text) return text
    throw new EngineError('cloudevent_invalid', `header ce_${name} is missing or empty`)
  }
  const time = timeAttribute(headers.get('ce_time'))
  return { id: attribute('id'), type: attribute('type'), source: attribute('source'), time, data, dataText: value }
}

function structured(value: string): Content {
  const event = json(value)
  if (event === null || typeof event !== 'object' || Array.isArray(event)) {
    throw new EngineError('cloudevent_invalid', 'a structured CloudEvent is a JSON object')
  }
  const attribute = (name: string) => {
    const text = event[name]
    if (typeof text === 'string' && text !== '') return text
    throw new EngineError('cloudevent_invalid', `attribute ${name} is missing or not a string`)
  }
  if ('data_base64' in event) {
    throw new EngineError('cloudevent_invalid', 'data_base64 is not taken, expected JSON in data')
  }
  // Writing what nests without end overflows the stack, so it is refused before.
  if (!isStorable(value)) throw cannotBeStored()
  const data = event.data ?? null
  const time = event.time === undefined || event.time === null ? null : timeAttribute(String(event.time))
  const id = attribute('id')
  return { id, type: attribute('type'), source: attribute('source'), time, data, dataText: stringifyJson(data) }
}

function timeAttribute(text: string | undefined): string | null {
  if (text === undefined) return null
  const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw new EngineError('cloudevent_invalid', `time ${JSON.stringify(text)} is no RFC 3339 time`)
  return new Date(ms).toISOString()
}

/** Date.parse takes much more, and reads it in the host's time zone. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

function timeOf(record: RawRecord): string {
  return new Date((record.timestampUs ?? record.fetchedUs) / 1000).toISOString()
}

function json(text: string): Json {
  try {
    return parseJson(text)
  } catch (cause) {
    if (cause instanceof RangeError) throw cannotBeStored() // nests so deep that reading it overflows the stack
    throw new EngineError('value_not_json', `the value is not JSON: ${(cause as Error).message.slice(0, 200)}`, {
      cause,
    })
  }
}

function httpOf(headers: ReadonlyMap<string, string>): Pick<Envelope, 'http'> {
  const http = httpPartOf(headers.get(httpHeader))
  return http === null ? none : { http }
}

const none: Pick<Envelope, 'http'> = {}

/** Credentials apart; CloudEvents attributes are said already. */
function split(headers: ReadonlyMap<string, string>): Pick<Envelope, 'meta' | 'auth'> {
  const meta: Record<string, string> = Object.create(null)
  const auth: Record<string, string> = Object.create(null)
  for (const [name, value] of headers) {
    if (name.startsWith('ce_') || ours.has(name)) continue
    ;(isCredential(name) ? auth : meta)[name] = value
  }
  return { meta, auth }
}

/** What the door says of a request; the event has it elsewhere, or is not to have it. */
const ours: ReadonlySet<string> = new Set([httpHeader, onceHeader])

/** What the ledger keeps of an envelope; `recall` reads it. */
export function textOfEnvelope(envelope: Envelope, dataText: string): string {
  const { key, type, source, time, meta, http } = envelope
  const head = JSON.stringify({ key, type, source, time, meta, ...(http ? { http } : {}) })
  return `${head.slice(0, -1)},"data":${dataText}}`
}
