/** What of an HTTP request its event keeps besides body and headers: `event.http`. It travels as a header of the record. */
import type { RawHeader, RawRecord } from './record.ts'

export interface HttpPart {
  readonly method: string
  /** The names in the route's path -> what stood there, decoded. */
  readonly path: Readonly<Record<string, string>>
  /** Of a repeated name the last one counts. */
  readonly query: Readonly<Record<string, string>>
}

/** JSON of `HttpPart`; ASCII, so that it is legible in whatever shows headers. */
export const httpHeader = 'millrace-http'

/** A hash that tells repetitions of one request, by its Idempotency-Key. */
export const onceHeader = 'millrace-once'

export function httpHeaderOf(part: HttpPart): RawHeader {
  return { name: httpHeader, value: Buffer.from(JSON.stringify(part), 'utf8') }
}

/** Null where it is none: anybody may write a header. */
export function httpPartOf(text: string | undefined): HttpPart | null {
  if (text === undefined) return null
  try {
    const { method, path, query } = JSON.parse(text)
    if (typeof method !== 'string' || !areTexts(path) || !areTexts(query)) return null
    return { method, path, query }
  } catch {
    return null
  }
}

function areTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((each) => typeof each === 'string')
}

/** Written by the door. */
export function isRequest({ headers }: Pick<RawRecord, 'headers'>): boolean {
  return headers.some(({ name }) => name.toLowerCase() === httpHeader)
}
