/** A message of the ledger as Kafka's client takes it. */
import type { Message } from 'kafkajs'
import { EngineError } from '../base/error.ts'
import type { OutboxLetter, OutboxMessage } from '../coordinator/ports.ts'
import { rawHeaders, type StoredHeaders } from '../envelope/headers.ts'
import type { RawHeader } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { openCredentials } from '../envelope/sealed-credentials.ts'

/** Throws `EngineError` `message_refused` when the credentials of a dead letter cannot be opened. */
export function recordOf(message: OutboxMessage, sealer: Sealer | null): Message {
  const { id, transactionId, key, value, letter } = message
  const given = rawHeaders(JSON.parse(message.headers) as StoredHeaders)
  const own = [header('millrace-message-id', id)]
  if (transactionId !== null) own.push(header('millrace-transaction-id', transactionId))
  const copied = letter === null ? [] : [...credentialsOf(letter, sealer), ...reasonOf(letter)]
  return { key, value, headers: byName([...given, ...copied, ...own]) }
}

export function bytesOf({ key, value, headers }: OutboxMessage): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + headers.length
}

function credentialsOf({ sealed }: OutboxLetter, sealer: Sealer | null): readonly RawHeader[] {
  if (sealed === null) return []
  try {
    if (sealer !== null) return openCredentials(sealed, sealer).headers
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause
  }
  throw new EngineError('message_refused', 'the credentials in its dead letter cannot be opened with this seal key')
}

function reasonOf({ id, code, reason, topic, partition, offset }: OutboxLetter): RawHeader[] {
  return [
    header('millrace-dead-letter-id', id),
    header('millrace-dead-letter-code', code),
    header('millrace-dead-letter-reason', reason),
    header('millrace-dead-letter-place', `${topic}/${partition}/${offset}`),
  ]
}

function header(name: string, text: string): RawHeader {
  return { name, value: Buffer.from(text, 'utf8') }
}

/** Several of one name stay several. */
function byName(headers: readonly RawHeader[]): Record<string, Buffer[]> {
  const values = new Map<string, Buffer[]>()
  for (const { name, value } of headers) values.set(name, [...(values.get(name) ?? []), value])
  return Object.fromEntries(values)
}
