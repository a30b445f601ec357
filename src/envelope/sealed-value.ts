/**
 * A record whose value is sealed, for topics with secret fields: where it is kept (dead letters), or written to Kafka by a door
 * of the engine's own. Header `millrace-sealed` says so; the value holds the bytes and the headers that are secret.
 */
import { EngineError } from '../base/error.ts'
import { rawHeaders, type StoredHeaders, storedHeaders } from './headers.ts'
import type { RawHeader, RawRecord } from './record.ts'
import type { Sealer } from './seal.ts'

export const sealedHeader = 'millrace-sealed'

type Content = Pick<RawRecord, 'value' | 'headers'>

export function isSealedRecord({ headers }: Pick<RawRecord, 'headers'>): boolean {
  return headers.some(isMark)
}

/** `secretHeaders`: names in lower case. What is sealed already, and can be opened, stays. */
export function sealedRecord<R extends Content>(record: R, secretHeaders: ReadonlySet<string>, sealer: Sealer): R {
  if (isSealedRecord(record) && canOpen(record, sealer)) return record
  const isSecret = ({ name }: RawHeader) => secretHeaders.has(name.toLowerCase()) || name.toLowerCase() === sealedHeader
  const inside = Buffer.from(JSON.stringify(storedHeaders(record.headers.filter(isSecret))), 'utf8')
  const head = Buffer.alloc(5)
  head.writeUInt32BE(inside.length)
  head.writeUInt8(record.value === null ? 1 : 0, 4)
  const plain = Buffer.concat([head, inside, record.value ?? Buffer.alloc(0)])
  const headers = [...record.headers.filter((header) => !isSecret(header)), mark]
  return { ...record, value: sealer.sealBytes(plain, bound), headers }
}

/**
 * As it was before it was sealed; any other record is the same one. Throws `EngineError` `seal_broken`; `sealer` null: there
 * is no key.
 */
export function openedRecord<R extends Content>(record: R, sealer: Sealer | null): R {
  if (!isSealedRecord(record)) return record
  if (sealer === null) {
    throw new EngineError('seal_broken', 'the value is sealed, and there is no seal key here: set MILLRACE_SEAL_KEY')
  }
  const plain = sealer.openBytes(record.value ?? Buffer.alloc(0), bound)
  const headersEnd = 5 + plain.readUInt32BE()
  const inside = JSON.parse(plain.toString('utf8', 5, headersEnd)) as StoredHeaders
  const headers = [...record.headers.filter((header) => !isMark(header)), ...rawHeaders(inside)]
  return { ...record, value: plain.readUInt8(4) === 1 ? null : plain.subarray(headersEnd), headers }
}

/** With another value, and sealed as it was: its secret headers are sealed with the value that it had. */
export function resealed<R extends Content>(record: R, value: Buffer, sealer: Sealer): R {
  const { headers } = openedRecord(record, sealer)
  const plain = new Set(record.headers.map(({ name }) => name.toLowerCase()))
  const secret = headers.map(({ name }) => name.toLowerCase()).filter((name) => !plain.has(name))
  return sealedRecord({ ...record, value, headers }, new Set(secret), sealer)
}

function canOpen(record: Content, sealer: Sealer): boolean {
  try {
    openedRecord(record, sealer)
    return true
  } catch (error) {
    if (error instanceof EngineError) return false
    throw error
  }
}

function isMark({ name }: RawHeader): boolean {
  return name.length === sealedHeader.length && name.toLowerCase() === sealedHeader
}

const bound = 'the value of a record'
const mark: RawHeader = Object.freeze({ name: sealedHeader, value: Buffer.from('1') })
