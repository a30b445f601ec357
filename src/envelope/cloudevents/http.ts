/**
 * Events as HTTP messages: in binary mode attributes are headers `ce-…`, percent-encoded; structured and batched they are the body.
 * Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
import { type CloudEvent, checkAttributes, invalid } from './event.ts'
import { batchType, readBatch, readStructured, structuredType, writeBatch, writeStructured } from './structured.ts'

export interface HttpEvents {
  readonly mode: 'binary' | 'structured' | 'batch'
  /** Of a batch any number, none included; else one. */
  readonly events: readonly CloudEvent[]
}

export interface HttpMessage {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Null: the message holds no CloudEvents. Header names in lower case. Throws `EngineError`: `cloudevent_invalid`, `value_…`. */
export function eventsOfHttp(headers: ReadonlyMap<string, string>, body: Buffer): HttpEvents | null {
  const contentType = headers.get('content-type') ?? null
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === structuredType) return { mode: 'structured', events: [readStructured(body)] }
  if (type === batchType) return { mode: 'batch', events: readBatch(body) }
  if (type.startsWith('application/cloudevents')) {
    throw invalid(`CloudEvents are JSON here (${structuredType} or ${batchType}), not ${type.slice(0, 60)}`)
  }
  if (!headers.has('ce-specversion') && !headers.has('ce-id')) return null
  const data = body.length === 0 ? null : body
  return { mode: 'binary', events: [{ attributes: attributesOf(headers), contentType, data }] }
}

export function httpOfEvent(event: CloudEvent, mode: 'binary' | 'structured'): HttpMessage {
  if (mode === 'structured') {
    return { headers: { 'content-type': `${structuredType}; charset=utf-8` }, body: writeStructured(event) }
  }
  const { attributes, contentType, data } = event
  const headers = Object.fromEntries([...attributes].map(([name, text]) => [`ce-${name}`, encoded(text)]))
  if (data === null) return { headers, body: Buffer.alloc(0) }
  return { headers: { ...headers, 'content-type': contentType ?? 'application/json' }, body: data }
}

export function httpOfBatch(events: readonly CloudEvent[]): HttpMessage {
  return { headers: { 'content-type': `${batchType}; charset=utf-8` }, body: writeBatch(events) }
}

function attributesOf(headers: ReadonlyMap<string, string>): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [name, text] of headers) {
    // It should be content-type alone; the JavaScript SDK once wrote both.
    if (name.startsWith('ce-') && name !== 'ce-datacontenttype') attributes.set(name.slice(3), decoded(name, text))
  }
  checkAttributes(attributes, (name) => `header ce-${name}`)
  return attributes
}

/** Space, the quotation mark, the percent sign and whatever is no printable ASCII. */
function encoded(text: string): string {
  return text.replace(/[^\x21\x23\x24\x26-\x7e]+/gu, encodeURIComponent)
}

/** A value in quotation marks is an older writing of the same. */
function decoded(name: string, text: string): string {
  const bare = /^"(.*)"$/.exec(text)?.[1]?.replace(/\\(["\\])/g, '$1') ?? text
  try {
    return decodeURIComponent(bare)
  } catch {
    throw invalid(`header ${name.slice(0, 100)} has a % that no UTF-8 follows`)
  }
}
