/**
 * Events as JSON: one, or a batch of them. Numbers in their data stay as they are written.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */

import { LosslessNumber, parse, stringify } from 'lossless-json'
import { EngineError } from '../../base/error.ts'
import { readJson } from '../formats/json.ts'
import { textOf } from '../formats/text.ts'
import { hasLongNumbers, isStorable } from '../json.ts'
import { type CloudEvent, checkAttributes, invalid, isJsonType } from './event.ts'

export const structuredType = 'application/cloudevents+json'
export const batchType = 'application/cloudevents-batch+json'

/** Throws `EngineError`: `cloudevent_invalid`, `value_not_json`, `value_not_utf8`, `value_unstorable`. */
export function readStructured(bytes: Buffer): CloudEvent {
  return eventOf(parsed(bytes), 'a structured CloudEvent')
}

export function readBatch(bytes: Buffer): CloudEvent[] {
  const events = parsed(bytes)
  if (!Array.isArray(events)) throw invalid('a batch of CloudEvents is a JSON list')
  return events.map((event, place) => eventOf(event, `event ${place + 1} of the batch`))
}

export function writeStructured(event: CloudEvent): Buffer {
  return Buffer.from(textOfEvent(event), 'utf8')
}

export function writeBatch(events: readonly CloudEvent[]): Buffer {
  return Buffer.from(`[${events.map(textOfEvent).join(',')}]`, 'utf8')
}

/** What nests without end is refused before, because writing it again overflows the stack. */
function parsed(bytes: Buffer): unknown {
  const text = textOf(bytes)
  const value = readJson(text)
  if (!isStorable(text)) {
    throw new EngineError('value_unstorable', 'the event holds a NUL, half a character or nests deeper than 128 levels')
  }
  return hasLongNumbers(text) ? parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue }) : value
}

function eventOf(value: unknown, what: string): CloudEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} is a JSON object`)
  const { data, data_base64: base64, datacontenttype, ...rest } = value as Readonly<Record<string, unknown>>
  const attributes = new Map<string, string>()
  for (const [name, each] of Object.entries(rest)) {
    if (each !== null) attributes.set(name, attributeText(name, each))
  }
  checkAttributes(attributes, (name) => `attribute ${name}`)
  const said =
    datacontenttype === undefined || datacontenttype === null ? null : attributeText('datacontenttype', datacontenttype)
  return { attributes, ...contentOf(said, data, base64) }
}

function attributeText(name: string, value: unknown): string {
  const isText = typeof value === 'string' || (typeof value === 'boolean' && !texts.has(name))
  if (isText || ((typeof value === 'number' || value instanceof LosslessNumber) && !texts.has(name)))
    return String(value)
  throw invalid(`attribute ${name.slice(0, 100)} is not a string`)
}

/** Others may be numbers and booleans. */
const texts: ReadonlySet<string> = new Set([
  ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'dataschema', 'datacontenttype'],
])

function contentOf(type: string | null, data: unknown, base64: unknown): Pick<CloudEvent, 'contentType' | 'data'> {
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined) throw invalid('an event has data or data_base64, not both')
    return { contentType: type ?? 'application/octet-stream', data: bytesOf(base64) }
  }
  if (data === undefined || data === null) return { contentType: type, data: null }
  if (isJsonType(type)) return { contentType: type, data: Buffer.from(stringify(data) as string, 'utf8') }
  if (typeof data !== 'string') throw invalid(`data of ${type} is a text here, or data_base64`)
  return { contentType: type, data: Buffer.from(data, 'utf8') }
}

function bytesOf(base64: unknown): Buffer {
  if (typeof base64 === 'string' && base64.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return Buffer.from(base64, 'base64')
  }
  throw invalid('data_base64 is no base64 text')
}

/** JSON as it is, other texts as a string, all else in base64. */
function textOfEvent({ attributes, contentType, data }: CloudEvent): string {
  const head = JSON.stringify({
    ...Object.fromEntries(attributes),
    ...(contentType === null ? {} : { datacontenttype: contentType }),
  })
  return data === null ? head : `${head.slice(0, -1)},${member(contentType, data)}}`
}

function member(contentType: string | null, data: Buffer): string {
  if (isJsonType(contentType)) return `"data":${textOf(data)}`
  const text = isText(contentType) ? asText(data) : null
  return text === null ? `"data_base64":"${data.toString('base64')}"` : `"data":${JSON.stringify(text)}`
}

function isText(contentType: string | null): boolean {
  return /^text\/|[/+](?:xml|yaml|x-www-form-urlencoded|json5)(?:;|$)/i.test(contentType ?? '')
}

function asText(data: Buffer): string | null {
  try {
    return textOf(data)
  } catch {
    return null
  }
}
