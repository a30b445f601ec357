/** Secret fields of an event in the ledger: each is sealed in its place, for its transaction and that place alone. */
import { EngineError } from '../base/error.ts'
import { cannotBeStored, textOfEnvelope } from './decode.ts'
import type { Envelope } from './envelope.ts'
import { isStorable, type Json, parseJson, stringifyJson } from './json.ts'
import type { Sealer } from './seal.ts'
import { isSealed, type SecretPath } from './secret-path.ts'
import { concealed, replaceIn } from './secrets.ts'

/** What the ledger keeps of the event of this transaction. `event` has its secrets apart. */
export function textWithSealed(event: Envelope, paths: readonly SecretPath[], sealer: Sealer, id: string): string {
  const whole = event.secrets?.all(event) ?? event
  const { meta, data } = replaceIn(whole, paths, (value, at) => ({
    $sealed: sealer.sealBytes(Buffer.from(stringifyJson(value)), placeOf(id, at)).toString('base64'),
  }))
  const text = textOfEnvelope({ ...whole, meta }, stringifyJson(data))
  if (isStorable(text)) return text
  throw cannotBeStored()
}

/**
 * The event as it was in memory, from what the ledger keeps. `sealer` null: this coordinator has no key. Throws `EngineError`
 * `seal_broken` when they cannot be opened.
 */
export function withOpened(
  stored: Envelope,
  paths: readonly SecretPath[],
  sealer: Sealer | null,
  id: string,
): Envelope {
  const opened = replaceIn(stored, [...paths].reverse(), (value, at) => {
    if (sealer === null) throw noKey(id)
    if (!isSealed(value))
      throw new EngineError('seal_broken', `${at} of transaction ${id} is not sealed, and should be`)
    return parseJson(sealer.openBytes(Buffer.from(String(value.$sealed), 'base64'), placeOf(id, at)).toString('utf8'))
  })
  return concealed({ ...stored, ...opened }, paths)
}

function placeOf(id: string, at: string): string {
  return `${id} ${at}`
}

function noKey(id: string): EngineError {
  const message = `transaction ${id} has secret fields, and this coordinator has no seal key: set MILLRACE_SEAL_KEY`
  return new EngineError('seal_broken', message)
}

/** With what is sealed told from what is not, for people: nothing of it can be read. */
export function withoutSealed(value: Json): Json {
  if (isSealed(value)) return '[sealed]'
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutSealed)
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withoutSealed(field)]))
}
