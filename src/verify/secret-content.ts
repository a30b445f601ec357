/** Events with secret fields, held against what Kafka has: opened where the seal key is at hand, else without these fields. */
import { EngineError } from '../base/error.ts'
import { recall } from '../envelope/decode.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { rawHeaders, type StoredHeaders } from '../envelope/headers.ts'
import { type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { withOpened } from '../envelope/sealed-fields.ts'
import { isSealedRecord, openedRecord } from '../envelope/sealed-value.ts'
import { hidden, isSealed, type SecretPath } from '../envelope/secret-path.ts'
import { redacted, replaceIn } from '../envelope/secrets.ts'
import { secretsIn } from '../workflow/uses.ts'
import type { World } from './world.ts'

/** Anything of this topic's events is secret for some version of a workflow: nothing of a value is shown. */
export function isSecretTopic(topic: string, { versions }: World): boolean {
  return versions.some(({ plan }) => plan !== null && secretsIn(plan, topic).length > 0)
}

/** Null: the same. Else what the two say, without what is secret. */
export function secretsDiffer(
  stored: string,
  event: Envelope,
  secrets: readonly SecretPath[],
  sealer: Sealer | null,
  id: string,
): { readonly expected: string; readonly found: string } | null {
  const shown = contentText(redacted(event, secrets))
  try {
    const kept = recall(stored, event.id)
    const found = contentText(replaceIn(kept, secrets, (value) => (isSealed(value) ? hidden : 'not sealed')))
    if (found !== shown) return { expected: shown, found }
    if (sealer === null) return null
    const opened = withOpened(kept, secrets, sealer, id)
    const isSame = contentText(opened.secrets?.all(opened) ?? opened) === contentText(event)
    return isSame ? null : { expected: `${shown} as it was sent`, found: `${shown} with another content` }
  } catch (error) {
    if (error instanceof EngineError) return { expected: 'what opens with the seal key', found: error.code }
    return { expected: shown, found: 'no event' }
  }
}

/** Null: it is sealed, and there is no key. */
export function openedLetter(
  value: Buffer | null,
  headers: string,
  sealer: Sealer | null,
): Pick<RawRecord, 'value' | 'headers'> | null {
  const record = { value, headers: rawHeaders(JSON.parse(headers) as StoredHeaders) }
  return openedIfPossible(record, sealer)
}

export function openedIfPossible<R extends Pick<RawRecord, 'value' | 'headers'>>(
  record: R,
  sealer: Sealer | null,
): R | null {
  return isSealedRecord(record) && sealer === null ? null : openedRecord(record, sealer)
}

function contentText({ meta, data }: Pick<Envelope, 'meta' | 'data'>): string {
  return stringifyJson(parseJson(stringifyJson({ meta: meta as { [name: string]: Json }, data })))
}
