/** A message as it goes to Kafka: its value in a format, and as a CloudEvent where it is to be one. */
import { EngineError } from '../base/error.ts'
import { type CloudEvent, checkAttributes } from './cloudevents/event.ts'
import { recordOfEvent } from './cloudevents/kafka.ts'
import { type FormatSpec, isOfRegistry } from './format.ts'
import { formatOf } from './formats/all.ts'
import { unwritable } from './formats/text.ts'
import { type Json, stringifyJson } from './json.ts'
import { type WireSpec, wireHeader, wireHeaderText } from './wire-spec.ts'

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
 * without data. What a registry's schema is to write stays JSON, and a header says by which. Throws `EngineError`:
 * `value_not_writable`, `cloudevent_invalid`.
 */
export function written(
  value: Json,
  topic: string,
  headers: Readonly<Record<string, string>>,
  { format, event }: Form,
): Written {
  const plain = value === null ? null : stringifyJson(value)
  if (format === null && event === null) return { value: plain, headers }
  if (format !== null && isOfRegistry(format)) return toBeWired(plain, headers, wireSpecOf(format, topic), event)
  const own = Object.keys(headers).find((name) => name.toLowerCase() === 'content-type')
  const { contentType, bytes } = body(value, format)
  const type = own === undefined ? contentType : (headers[own] as string)
  if (event !== null) return ofEvent(event, type, bytes, headers, own)
  return { value: bytes, headers: bytes === null ? headers : { 'content-type': contentType, ...headers } }
}

/** Its schema says what it holds: no header does. */
function toBeWired(
  value: string | null,
  headers: Readonly<Record<string, string>>,
  spec: WireSpec,
  event: EventForm | null,
): Written {
  if (event === null) return { value, headers: { ...headers, [wireHeader]: wireHeaderText(spec) } }
  if (event.mode === 'structured') throw unwritable('a structured CloudEvent', 'data by a schema of a registry')
  const attributes = Object.entries({ specversion: '1.0', ...event.attributes })
  checkAttributes(new Map(attributes), (name) => `attribute ${name}`)
  const said = Object.fromEntries(attributes.map(([name, text]) => [`ce_${name}`, text]))
  return { value, headers: { ...headers, ...said, [wireHeader]: wireHeaderText(spec) } }
}

function wireSpecOf(format: FormatSpec, topic: string): WireSpec {
  const { kind, subject } = format as Extract<FormatSpec, { readonly subject?: unknown }>
  const { name = null, version = 'latest', message = null } = subject ?? {}
  return { kind, subject: name ?? `${topic}-value`, version, message }
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
