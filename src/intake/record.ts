import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { RawHeader, RawRecord } from '../envelope/record.ts'

/** A client's message as the engine's record. */
export function recordOf(message: KafkaMessage, fetchedUs: number): RawRecord {
  const timestampMs = Number(message.timestamp)
  return {
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    headers: message.headers ? headersOf(message.headers) : none,
    timestampUs: timestampMs > 0 && timestampMs <= timestampMsMax ? timestampMs * 1000 : null,
    fetchedUs,
  }
}

/** The end of year 9999, behind which neither RFC 3339 nor a Date goes on: such a claim is no time. */
const timestampMsMax = Date.UTC(10_000, 0) - 1

const none: readonly RawHeader[] = Object.freeze([])

function headersOf(headers: IHeaders): RawHeader[] {
  const list: RawHeader[] = []
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      if (value !== undefined) list.push({ name, value: typeof value === 'string' ? Buffer.from(value) : value })
    }
  }
  return list
}
