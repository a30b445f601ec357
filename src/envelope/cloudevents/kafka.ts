/**
 * Events as Kafka records: in binary mode attributes are headers `ce_…`, in structured mode the value is the event. The binding
 * has no batches. Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
import type { RawHeader } from '../record.ts'
import { type CloudEvent, checkAttributes, invalid } from './event.ts'
import { readStructured, structuredType, writeStructured } from './structured.ts'

export interface EventRecord {
  readonly headers: readonly RawHeader[]
  readonly value: Buffer | null
}

/** Null: the record is no CloudEvent. Header names in lower case. Throws `EngineError` `cloudevent_invalid`. */
export function eventOfRecord(headers: ReadonlyMap<string, string>, value: Buffer): CloudEvent | null {
  const contentType = headers.get('content-type') ?? null
  if (contentType !== null && isOfEvents(contentType)) return structured(contentType, value)
  if (!headers.has('ce_specversion') && !headers.has('ce_id')) return null
  return { attributes: attributesOf(headers), contentType: contentType ?? headers.get(typeName) ?? null, data: value }
}

export function recordOfEvent(event: CloudEvent, mode: 'binary' | 'structured'): EventRecord {
  if (mode === 'structured') {
    return { headers: [header('content-type', `${structuredType}; charset=utf-8`)], value: writeStructured(event) }
  }
  const { attributes, contentType, data } = event
  const headers = [...attributes].map(([name, text]) => header(`ce_${name}`, text))
  // A record without a value is a tombstone; an event without data says null.
  if (data === null)
    return { headers: [...headers, header('content-type', 'application/json')], value: Buffer.from('null') }
  return { headers: contentType === null ? headers : [...headers, header('content-type', contentType)], value: data }
}

/** It should be content-type alone; the JavaScript SDK writes both. */
const typeName = 'ce_datacontenttype'

function isOfEvents(contentType: string): boolean {
  return /^application\/cloudevents/i.test(contentType)
}

function structured(contentType: string, value: Buffer): CloudEvent {
  const type = contentType.split(';')[0]?.trim().toLowerCase()
  if (type === structuredType) return readStructured(value)
  if (type?.startsWith('application/cloudevents-batch')) {
    throw invalid('Kafka takes no batches of CloudEvents: send each event as a record of its own')
  }
  throw invalid(`a structured CloudEvent is JSON here (${structuredType}), not ${type?.slice(0, 60)}`)
}

function attributesOf(headers: ReadonlyMap<string, string>): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [name, text] of headers) {
    if (name.startsWith('ce_') && name !== typeName) attributes.set(name.slice(3), text)
  }
  // Whoever leaves it out means the only version there is.
  if (!attributes.has('specversion')) attributes.set('specversion', '1.0')
  checkAttributes(attributes, (name) => `header ce_${name}`)
  return attributes
}

function header(name: string, text: string): RawHeader {
  return { name, value: Buffer.from(text, 'utf8') }
}
