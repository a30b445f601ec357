/** A CloudEvent 1.0, apart from how it travels. Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */
import { EngineError } from '../../base/error.ts'
import { isDay } from '../formats/time.ts'

export interface CloudEvent {
  /**
   * Everything but `datacontenttype` and data: `specversion`, `id`, `source`, `type`, and those that are there of `subject`,
   * `time`, `dataschema` and extensions. Names of a-z and 0-9, values as text.
   */
  readonly attributes: ReadonlyMap<string, string>
  /** `datacontenttype`; null is JSON. */
  readonly contentType: string | null
  /** As bytes of that type; null: it has none. */
  readonly data: Buffer | null
}

const required = ['specversion', 'id', 'source', 'type'] as const

/** `named`: how errors call an attribute, which is how it is written where it came from. Throws `EngineError` `cloudevent_invalid`. */
export function checkAttributes(attributes: ReadonlyMap<string, string>, named: (name: string) => string): void {
  for (const name of required) {
    if (!attributes.get(name)) throw invalid(`${named(name)} is missing or empty`)
  }
  const version = attributes.get('specversion')
  if (version !== '1.0') throw invalid(`${named('specversion')} is ${shown(version)}, 1.0 is taken`)
  for (const name of attributes.keys()) {
    if (!/^[a-z0-9]{1,100}$/.test(name)) throw invalid(`${named(name.slice(0, 100))} is no name of a-z and 0-9`)
  }
  const time = attributes.get('time')
  if (time !== undefined) timeOf(time)
}

/** UTC with milliseconds. Throws `EngineError` `cloudevent_invalid`. */
export function timeOf(text: string): string {
  const ms = rfc3339.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw invalid(`time ${shown(text)} is no RFC 3339 time`)
  return new Date(ms).toISOString()
}

/** Date.parse takes much more, and reads it in the host's time zone. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

/** JSON, or whatever is written in it; what says nothing is JSON too. */
export function isJsonType(contentType: string | null): boolean {
  if (contentType === null) return true
  return /^(?:application|text)\/json$|^[^/]+\/[^/]+\+json$/i.test(contentType.split(';')[0]?.trim() ?? '')
}

export function invalid(message: string): EngineError {
  return new EngineError('cloudevent_invalid', message)
}

function shown(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 100))
}
