/**
 * Record -> envelope: the format is what the workflow file says, else what the content-type header does, else JSON; of CloudEvents 1.0
 * the attributes come from headers or from the value. What cannot be read throws an `EngineError` whose code and
 * sentence become the dead letter's: `value_null`, `value_too_large`, `value_unstorable`, `value_not_utf8`, `value_not_json` and so for
 * each format, `content_type_unknown`, `cloudevent_invalid`, `registry_missing`.
 */
import { EngineError } from '../base/error.ts'
import { storableText } from '../base/utf8.ts'
import type { Auth } from './auth.ts'
import { type CloudEvent, timeOf } from './cloudevents/event.ts'
import { eventOfRecord } from './cloudevents/kafka.ts'
import { isCredential } from './credentials.ts'
import type { Envelope } from './envelope.ts'
import type { FormatSpec } from './format.ts'
import { formatOf, formatOfContentType } from './formats/all.ts'
import { json, readJson } from './formats/json.ts'
import { textOf } from './formats/text.ts'
import { httpHeader, httpPartOf, onceHeader } from './http.ts'
import { isStorable, type Json, parseJson, stringifyJson } from './json.ts'
import type { RawRecord } from './record.ts'

export interface Decoded {
  readonly envelope: Envelope
  /** What the ledger keeps of it: JSON text of auth (where it asks for anybody), key, type, source, time, meta, data. */
  readonly text: string
}

/** How a workflow wants a record's value read. */
export interface Wanted {
  /** Null: as the record says, or JSON. */
  readonly format: FormatSpec | null
  /** The value, where it had to be asked for elsewhere, or why it could not be had; undefined: it is read here. */
  readonly value?: Json | EngineError | undefined
}

const asItSays: Wanted = { format: null }

/** `where` is topic/partition/offset, for the id of an event that brings none. */
export function decode(record: RawRecord, where: string, valueBytesMax: number, wanted = asItSays): Decoded {
  const bytes = bytesOf(record, valueBytesMax)
  const headers = headersOf(record)
  const event = eventOfRecord(headers, bytes)
  const { data, dataText } = dataOf(event, headers, bytes, wanted)
  const key = record.key === null ? null : keyTextOf(record.key)
  const said = event?.attributes
  const time = said?.get('time')
  const envelope = {
    id: said?.get('id') ?? `${key ?? ''}@${where}`,
    type: said?.get('type') ?? null,
    source: said?.get('source') ?? null,
    time: time === undefined ? timeOfRecord(record) : timeOf(time),
    key,
    meta: metaOf(headers, event),
    auth: null,
    data,
    ...httpOf(headers),
  }
  const text = textOfEnvelope(envelope, dataText)
  if (!isStorable(text) || unstorable.test(envelope.id)) throw cannotBeStored()
  return { envelope, text }
}

const unstorable = /\p{Surrogate}|\0/u

export function cannotBeStored(): EngineError {
  return new EngineError('value_unstorable', 'the event holds a NUL, half a character or nests deeper than 128 levels')
}

/** As a workflow that authenticates its events sees it. */
export function authenticated(decoded: Decoded, auth: Auth): Decoded {
  const text = withAuth(decoded.text, auth)
  if (!isStorable(text)) throw new EngineError('value_unstorable', 'what is said of its sender cannot be stored')
  return { ...decoded, envelope: { ...decoded.envelope, auth }, text }
}

/** The envelope as it was, from what the ledger kept. */
export function recall(text: string, id: string): Envelope {
  return { auth: null, ...(parseJson(text) as unknown as Omit<Envelope, 'id' | 'auth'>), id }
}

function bytesOf({ value }: RawRecord, valueBytesMax: number): Buffer {
  if (value === null) throw new EngineError('value_null', 'the record has no value (a tombstone), expected one')
  if (value.length <= valueBytesMax) return value
  throw new EngineError('value_too_large', `the value has ${value.length} bytes, at most ${valueBytesMax} are taken`)
}

/** Binary keys, such as Java's serialised integers with their zero bytes, order as well as text does. */
function keyTextOf(key: Buffer): string {
  return storableText(key) ?? `base64:${key.toString('base64')}`
}

/** Lower-case names; of a repeated header the last one counts. */
function headersOf(record: RawRecord): Map<string, string> {
  return new Map(record.headers.map((header) => [header.name.toLowerCase(), header.value.toString('utf8')]))
}

interface Content {
  readonly data: Json
  readonly dataText: string
}

function dataOf(
  event: CloudEvent | null,
  headers: ReadonlyMap<string, string>,
  bytes: Buffer,
  { format, value }: Wanted,
): Content {
  if (value instanceof EngineError) throw value
  if (value !== undefined) return { data: value, dataText: stringifyJson(value) }
  const own = event === null ? bytes : event.data
  if (own === null) return { data: null, dataText: 'null' }
  return read(own, format, event === null ? (headers.get('content-type') ?? null) : event.contentType)
}

/** What JSON says is kept as it was written. */
function read(bytes: Buffer, spec: FormatSpec | null, contentType: string | null): Content {
  const format = spec !== null ? formatOf(spec) : contentType === null ? json : formatOfContentType(contentType)
  const isUnsaid = spec === null && contentType === null
  if (format === null || (isUnsaid && bytes[0] === registryMagic)) throw registryMissing()
  if (format === json) {
    const dataText = textOf(bytes)
    return { data: readJson(dataText), dataText }
  }
  const data = format.decode(bytes)
  return { data, dataText: stringifyJson(data) }
}

/** The first byte of what a schema registry's clients write; no JSON begins with it. */
const registryMagic = 0

function registryMissing(): EngineError {
  return new EngineError(
    'registry_missing',
    'the value is written by a schema of a registry, and no registry was asked',
  )
}

function timeOfRecord(record: RawRecord): string {
  return new Date((record.timestampUs ?? record.fetchedUs) / 1000).toISOString()
}

/** Credentials are nobody's to see; what is said of CloudEvents elsewhere is not said again, the rest stays under `ce_…`. */
function metaOf(headers: ReadonlyMap<string, string>, event: CloudEvent | null): Envelope['meta'] {
  const meta: Record<string, string> = Object.create(null)
  for (const [name, value] of headers) {
    if (ours.has(name)) continue
    if ((event === null || !name.startsWith('ce_')) && !isCredential(name)) meta[name] = value
  }
  if (event !== null) addAttributes(meta, event, headers)
  return meta
}

const saidElsewhere: ReadonlySet<string> = new Set(['specversion', 'id', 'type', 'source', 'time'])

function addAttributes(
  meta: Record<string, string>,
  { attributes, contentType }: CloudEvent,
  headers: ReadonlyMap<string, string>,
): void {
  for (const [name, text] of attributes) if (!saidElsewhere.has(name)) meta[`ce_${name}`] = text
  if (contentType !== null && contentType !== headers.get('content-type')) meta.ce_datacontenttype = contentType
}

function httpOf(headers: ReadonlyMap<string, string>): Pick<Envelope, 'http'> {
  const http = httpPartOf(headers.get(httpHeader))
  return http === null ? none : { http }
}

const none: Pick<Envelope, 'http'> = {}

/** What the door says of a request; the event has it elsewhere, or is not to have it. */
const ours: ReadonlySet<string> = new Set([httpHeader, onceHeader])

/** What the ledger keeps of an envelope; `recall` reads it. */
export function textOfEnvelope(envelope: Envelope, dataText: string): string {
  const { key, type, source, time, meta, auth, http } = envelope
  const head = JSON.stringify(
    http === undefined ? { key, type, source, time, meta } : { key, type, source, time, meta, http },
  )
  const text = `${head.slice(0, -1)},"data":${dataText}}`
  return auth === null ? text : withAuth(text, auth)
}

function withAuth(text: string, auth: Auth): string {
  return `{"auth":${stringifyJson(auth as unknown as Json)},${text.slice(1)}`
}
