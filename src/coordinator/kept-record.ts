/** A record as the ledger keeps it, for a dead letter: of a topic with secret fields nothing of its value can be read. */
import { assert } from '../base/assert.ts'
import { type EngineError, messageOf } from '../base/error.ts'
import { storedHeaders } from '../envelope/headers.ts'
import { type RawRecord, sentAtUs } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { sealCredentials } from '../envelope/sealed-credentials.ts'
import { isSealedRecord, sealedRecord } from '../envelope/sealed-value.ts'
import type { SecretPath } from '../envelope/secret-path.ts'
import type { ReadingRoom } from './arrival.ts'
import { carriesCredential, secretsOf } from './catalogue.ts'
import type { RawRow } from './ports.ts'

/** Headers as text, those with credentials apart and sealed; without a seal key they are not kept. */
export function keptRecord(record: RawRecord, topic: string, { catalogue, sealer }: ReadingRoom): RawRow {
  const { key, value, headers } = withSealedValue(record, secretsOf(catalogue, topic), sealer)
  const isCredential = carriesCredential(catalogue, topic)
  const plain = headers.filter(({ name }) => !isCredential(name))
  const credentials = headers.filter(({ name }) => isCredential(name))
  const sealed = sealer === null ? null : sealCredentials(credentials, sentAtUs(record), sealer)
  return { key, value, headers: JSON.stringify(storedHeaders(plain)), sealed }
}

/** What is said of why it could not be read: the sentence may quote it, so of a secret one only the code is told. */
export function keptReason(record: RawRecord, secrets: readonly SecretPath[], error: EngineError): string {
  const isQuiet = secrets.length + (isSealedRecord(record) ? 1 : 0) === 0 || quotesNothing.has(error.code)
  return isQuiet
    ? messageOf(error)
    : `it cannot be read (${error.code}); why is not said, for it may quote a secret field`
}

/** What these say is made of settings, of names, or of an event without its secret fields. */
const quotesNothing: ReadonlySet<string> = new Set([
  'value_null',
  'value_too_large',
  'value_not_utf8',
  'value_unstorable',
  'expression_failed',
  'key_unstorable',
  'seal_broken',
  'not_classified',
  'unauthenticated',
  'preparing_timeout',
])

function withSealedValue(record: RawRecord, secrets: readonly SecretPath[], sealer: Sealer | null): RawRecord {
  if (secrets.length === 0 && !isSealedRecord(record)) return record
  if (sealer === null) {
    assert(secrets.length === 0, 'a workflow with secret fields is not loaded without a seal key')
    return record
  }
  const names = secrets.flatMap(({ root, segments }) => (root === 'meta' ? [segments[0] as string] : []))
  return sealedRecord(record, new Set(names), sealer)
}
