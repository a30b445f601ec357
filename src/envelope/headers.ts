/** Headers of a record as text that the ledger keeps, and back again, byte for byte. */
import type { RawHeader } from './record.ts'

/** A text, bytes that are no text, or a list where a header is there several times. */
export type StoredHeader = StoredValue | readonly StoredValue[]
type StoredValue = string | { readonly base64: string }
export type StoredHeaders = Readonly<Record<string, StoredHeader>>

/** In the order in which each name is there first. */
export function storedHeaders(headers: readonly RawHeader[]): StoredHeaders {
  const values = new Map<string, StoredValue[]>()
  for (const { name, value } of headers) {
    const own = legible(name)
    values.set(own, [...(values.get(own) ?? []), storedValue(value)])
  }
  return Object.fromEntries(
    [...values].map(([name, each]) => [name, each.length === 1 ? (each[0] as StoredValue) : each]),
  )
}

export function rawHeaders(stored: StoredHeaders): RawHeader[] {
  return Object.entries(stored).flatMap(([name, header]) => {
    const values = Array.isArray(header) ? (header as readonly StoredValue[]) : [header as StoredValue]
    return values.map((value) => ({ name, value: rawValue(value) }))
  })
}

function storedValue(value: Buffer): StoredValue {
  const text = value.toString('utf8')
  const exact = Buffer.from(text, 'utf8').equals(value) && !text.includes('\u0000')
  return exact ? text : { base64: value.toString('base64') }
}

function rawValue(value: StoredValue): Buffer {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value.base64, 'base64')
}

function legible(text: string): string {
  return text.replaceAll('\u0000', '\ufffd')
}
