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

/** The end of the year 9999: a producer that stamps in nanoseconds says nothing that a clock or Postgres could hold. */
const timestampMsMax = 253_402_300_799_999

const none: readonly RawHeader[] = Object.freeze([])

function headersOf(headers: IHeaders): RawHeader[] {
  const list: RawHeader[] = []
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      if (isValue(value)) list.push({ name, value: bytesOf(value) })
    }
  }
  return list
}

/** The client gathers headers in a plain object: of one called `__proto__` or `constructor` the first value is what every object has there. */
function isValue(value: unknown): value is Buffer | string | null {
  return value === null || typeof value === 'string' || Buffer.isBuffer(value)
}

/** Kafka's header values may be null, whatever the client's types say. */
function bytesOf(value: Buffer | string | null): Buffer {
  if (value === null) return Buffer.alloc(0)
  return typeof value === 'string' ? Buffer.from(value) : value
}
