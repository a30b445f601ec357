/** A message as it goes to Kafka: its value in a format, and as a CloudEvent where it is to be one. */
import { EngineError } from '../base/error.ts'
import { type CloudEvent, checkAttributes } from './cloudevents/event.ts'
import { recordOfEvent } from './cloudevents/kafka.ts'
import type { FormatSpec } from './format.ts'
import { formatOf } from './formats/all.ts'
import { type Json, stringifyJson } from './json.ts'

/** How a message is written. */
export interface Form {
  /** Null: as JSON. */
  readonly format: FormatSpec | null
  /** Null: it is no CloudEvent. */
  readonly event: EventForm | null
}

export interface EventForm {
  readonly mode: 'binary' | 'structured'
  /** By name, but `specversion` and `datacontenttype`. */
  readonly attributes: Readonly<Record<string, string>>
}

export interface Written {
  readonly value: string | Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

/**
 * `headers` are the author's: a content-type among them stands for the one of the format. Null is a record without a value, or an event
 * without data. Throws `EngineError`: `value_not_writable`, `cloudevent_invalid`.
 */
export function written(value: Json, headers: Readonly<Record<string, string>>, { format, event }: Form): Written {
  const plain = value === null ? null : stringifyJson(value)
  if (format === null && event === null) return { value: plain, headers }
  const own = Object.keys(headers).find((name) => name.toLowerCase() === 'content-type')
  const { contentType, bytes } = body(value, format)
  const type = own === undefined ? contentType : (headers[own] as string)
  if (event !== null) return ofEvent(event, type, bytes, headers, own)
  return { value: bytes, headers: bytes === null ? headers : { 'content-type': contentType, ...headers } }
}

function body(value: Json, spec: FormatSpec | null): { contentType: string; bytes: Buffer | null } {
  const format = formatOf(spec ?? json)
  if (format === null) throw new EngineError('registry_missing', 'the value needs a schema of a registry')
  return { contentType: format.mediaTypes[0] as string, bytes: value === null ? null : format.encode(value) }
}

const json: FormatSpec = { kind: 'json' }

function ofEvent(
  { mode, attributes }: EventForm,
  contentType: string,
  data: Buffer | null,
  headers: Readonly<Record<string, string>>,
  own: string | undefined,
): Written {
  const event: CloudEvent = {
    attributes: new Map(Object.entries({ specversion: '1.0', ...attributes })),
    contentType,
    data,
  }
  checkAttributes(event.attributes, (name) => `attribute ${name}`)
  const record = recordOfEvent(event, mode)
  const { [own ?? '']: _, ...others } = headers
  const made = record.headers.map(({ name, value }) => [name, value.toString('utf8')])
  return { value: record.value, headers: { ...others, ...Object.fromEntries(made) } }
}
