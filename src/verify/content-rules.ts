/** One record and what the ledger made of it, held against what the code of the engine makes of it now. */
import { EngineError, messageOf } from '../base/error.ts'
import type { Auth } from '../envelope/auth.ts'
import { credentialHeadersOf } from '../envelope/auth-spec.ts'
import { isCredential } from '../envelope/credentials.ts'
import { type Decoded, recall } from '../envelope/decode.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { RawHeader, RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { redacted } from '../envelope/secrets.ts'
import { keyText } from '../workflow/expression/compile.ts'
import type { Expression, Plan, SignalTopic } from '../workflow/plan.ts'
import { startTopics } from '../workflow/uses.ts'
import type { Wrong } from './check.ts'
import type { Placed } from './content.ts'
import { readingsOf } from './readings.ts'
import { isSecretTopic, openedIfPossible, openedLetter, secretsDiffer } from './secret-content.ts'
import type { VersionFacts, World } from './world.ts'

export const kinds: Readonly<Record<string, string>> = {
  value_differs:
    'millrace_data.transaction: envelope, or millrace_data.signal: event was changed, or the row stands at another record’s offset',
  event_differs: 'event_id was changed, or the row stands at another record’s offset',
  key_differs: 'millrace_data.transaction or signal: key was changed',
  letter_differs: 'millrace_data.dead_letter: key, value or headers were changed',
  letter_wrongly: 'millrace_data.dead_letter: code was changed, or the row is too much: the record can be read',
  passed_wrongly:
    'millrace_data.passed: reason was changed, or the row is too much: the workflow takes records of this type',
}

/** A row of the ledger about a record. */
export interface Said {
  readonly lane: number
  readonly what: 'transaction' | 'signal' | 'letter' | 'duplicate' | 'passed'
  readonly workflow: string | null
  readonly id: string | null
  readonly version_id: number | null
  readonly event_id: string | null
  readonly key: string | null
  readonly envelope: string | null
  readonly record_key: Buffer | null
  readonly record_value: Buffer | null
  readonly headers: string | null
  readonly code: string | null
}

type Difference = Pick<Wrong, 'kind' | 'expected' | 'found'>

type IsSecret = (headerName: string) => boolean

/** What a record is held against. */
interface Against {
  readonly topic: string
  /** Whether a header carries a credential, for some version of a workflow of the topic. */
  readonly isSecret: IsSecret
  /** As it was before it was sealed. */
  readonly record: RawRecord
  readonly read: Decoded | EngineError
  readonly world: World
  readonly sealer: Sealer | null
}

/** `sealer` null: there is no key, and what came sealed is not compared. */
export function wrongsOf(
  { topic, partition, record }: Placed,
  rows: readonly Said[],
  world: World,
  sealer: Sealer | null,
) {
  const isSecret = credentialsOn(topic, world)
  const opened = tried(() => shownOf(openedIfPossible(record, sealer), isSecret))
  if (opened === null) return []
  const readings = readingsOf(opened, topic, `${topic}/${partition}/${record.offset}`, world)
  const against = { topic, isSecret, record: opened instanceof EngineError ? record : opened, world, sealer }
  return rows.flatMap((row): Wrong[] => {
    const { lane, workflow, id } = row
    const found = leastOf(readings(row).map((read) => differencesOf(row, { ...against, read })))
    return found.map((each) => ({ ...each, lane, workflow, position: record.offset, id }))
  })
}

function credentialsOn(topic: string, { versions }: World): IsSecret {
  const plans = versions.flatMap(({ plan }) => (plan?.auth && startTopics(plan).includes(topic) ? [plan.auth] : []))
  const own = new Set(plans.flatMap(credentialHeadersOf))
  return (name) => isCredential(name) || own.has(name.toLowerCase())
}

function shownOf(record: RawRecord | null, isSecret: IsSecret): RawRecord | null {
  return record && { ...record, headers: record.headers.filter(({ name }) => !isSecret(name)) }
}

/** It may have been read in any of these formats. */
function leastOf(found: readonly (readonly Difference[])[]): readonly Difference[] {
  return found.find((each) => each.length === 0) ?? found[0] ?? []
}

function tried<T>(act: () => T): T | EngineError {
  try {
    return act()
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
}

function differencesOf(row: Said, against: Against): Difference[] {
  const { topic, read, world } = against
  if (row.what === 'letter') return ofLetter(row, against)
  if (read instanceof EngineError && read.code === 'registry_missing') return [] // nobody is asked here
  if (read instanceof EngineError) {
    return row.what === 'passed' ? [] : [unreadable(row, read, isSecretTopic(topic, world))]
  }
  if (row.what === 'passed') return ofPassed(row, read, world)
  if (row.what === 'signal') return ofSignal(row, read, against)
  const event = eventDiffers(row, read)
  return row.what === 'duplicate' ? event : [...ofTransaction(row, read, against), ...event]
}

/** `isSecret`: the sentence may quote what is secret. */
function unreadable(row: Said, error: EngineError, isSecret: boolean): Difference {
  return {
    kind: 'value_differs',
    expected: `a dead letter: ${isSecret ? 'it cannot be read' : messageOf(error)} (${error.code})`,
    found: `a ${row.what}`,
  }
}

function ofTransaction(row: Said, decoded: Decoded, against: Against): Difference[] {
  const { world, sealer } = against
  const { envelope, text } = decoded
  const plan = world.versions.find((version) => version.id === row.version_id)?.plan
  const value = plan?.secrets.length ? ofSecretValue(row, decoded, plan, sealer) : ofValue(row, text, against)
  if (!plan) return value
  const key =
    plan.order === 'none'
      ? null
      : plan.key === null
        ? envelope.key
        : keyOf(() => keyText(plan.key!.evaluate({ event: { ...envelope, auth: senderOf(row) }, steps: {} })))
  return key === row.key ? value : [...value, { kind: 'key_differs', expected: named(key), found: named(row.key) }]
}

/** Who sent it is what was found out then: the record alone does not tell. */
function senderOf({ envelope }: Said): Auth | null {
  const stored = tried(() => recall(envelope ?? '{}', ''))
  return stored instanceof EngineError ? null : stored.auth
}

function ofValue({ envelope }: Said, text: string, against: Against): Difference[] {
  const stored = envelope ?? ''
  const same = stored === text || comparable(stored, against) === comparable(text, against)
  return same ? [] : [{ kind: 'value_differs', expected: shown(text), found: shown(stored) }]
}

function ofSecretValue(row: Said, { envelope }: Decoded, { secrets }: Plan, sealer: Sealer | null): Difference[] {
  const differing = secretsDiffer(row.envelope ?? '', envelope, secrets, sealer, row.id ?? '')
  if (differing === null) return []
  return [{ kind: 'value_differs', expected: shown(differing.expected), found: shown(differing.found) }]
}

/** Of any version: which one it was that kept it is not known. */
function ofSignal(row: Said, { envelope }: Decoded, against: Against): Difference[] {
  const { topic, world } = against
  const { id, type, source, time, key } = envelope
  const topics = world.versions.flatMap(({ workflow, plan }) =>
    workflow === row.workflow ? (plan?.signals ?? []).filter((each) => each.topic === topic) : [],
  )
  const values = (topics.length === 0 ? [{ secrets: [] }] : topics).map(({ secrets }) => {
    const { data } = redacted(envelope, secrets)
    return ofValue(row, stringifyJson({ id, type, source, time, key, data }), against)
  })
  const value = values.find((wrong) => wrong.length === 0) ?? (values[0] as Difference[])
  const keys = topics.map((each) =>
    each.key === null
      ? key
      : keyOf(() => keyText((each.key as Expression).evaluate({ event: withoutSecrets(envelope, each), steps: {} }))),
  )
  if (keys.length === 0 || keys.includes(row.key)) return value
  return [...value, { kind: 'key_differs', expected: named(keys[0]), found: named(row.key) }]
}

function withoutSecrets(event: Envelope, { secrets }: SignalTopic): Envelope {
  return { ...event, ...redacted(event, secrets) }
}

function keyOf(evaluate: () => string | null): string | null | undefined {
  try {
    return evaluate()
  } catch (error) {
    if (error instanceof EngineError) return undefined
    throw error
  }
}

function named(key: string | null | undefined): string {
  if (key === undefined) return 'a dead letter: no key can be made of the record'
  return key === null ? 'no key' : `key ${shown(key)}`
}

/**
 * A record without a stamp has the time at which it was fetched, which nobody knows any more; who sent it is not in the record, and which
 * headers carry credentials was another question for an earlier version.
 */
function comparable(text: string, { record: { timestampUs }, isSecret }: Against): string {
  try {
    const { time, auth: _, meta, ...rest } = parseJson(text) as { [name: string]: Json }
    const shown = Object.entries(meta ?? {}).filter(([name]) => !isSecret(name))
    const event = meta === undefined ? rest : { ...rest, meta: Object.fromEntries(shown) as Json }
    return stringifyJson(timestampUs === null ? event : { ...event, time: time ?? null })
  } catch {
    return ''
  }
}

function eventDiffers({ event_id: id }: Said, { envelope }: Decoded): Difference[] {
  return id === envelope.id
    ? []
    : [{ kind: 'event_differs', expected: `event ${shown(envelope.id)}`, found: shown(id ?? 'none') }]
}

function ofLetter(row: Said, { record, read, sealer, isSecret }: Against): Difference[] {
  const letter = tried(() => openedLetter(row.record_value, row.headers ?? '{}', sealer))
  const isReadable = letter !== null && !(letter instanceof EngineError)
  const isSame = isReadable && sameBytes(letter.value, record.value)
  const parts = [
    sameBytes(row.record_key, record.key) ? [] : ['key'],
    isSame || letter === null ? [] : ['value'],
    letter === null || (isReadable && sameHeaders(letter.headers, record, isSecret)) ? [] : ['headers'],
  ].flat()
  const bytes = parts.map((part) => ({
    kind: 'letter_differs',
    expected: `the ${part} that Kafka holds`,
    found: 'another',
  }))
  const code = read instanceof EngineError ? read.code : 'a record that can be read'
  const wrongly = isOfDecoder(row.code ?? '') && row.code !== code && code !== 'registry_missing'
  return wrongly ? [...bytes, { kind: 'letter_wrongly', expected: code, found: row.code ?? '' }] : bytes
}

/** What depends on nothing but the record; how large a value may be is a setting. */
function isOfDecoder(code: string): boolean {
  return decoderCodes.has(code) || /^value_not_(?!writable)/.test(code)
}

const decoderCodes = new Set(['value_null', 'value_unstorable', 'content_type_unknown', 'cloudevent_invalid'])

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

/** Credentials are sealed apart; of a name that comes twice an older coordinator kept the last one alone. */
function sameHeaders(stored: readonly RawHeader[], { headers }: RawRecord, isSecret: IsSecret): boolean {
  const plain = headers.filter(({ name }) => !isSecret(name))
  const kept = stored.filter(({ name }) => !isSecret(name))
  const names = new Set(plain.map(({ name }) => legible(name)))
  if (new Set(kept.map(({ name }) => name)).size !== names.size) return false
  return kept.every(({ name, value }) => plain.some((each) => legible(each.name) === name && each.value.equals(value)))
}

function legible(text: string): string {
  return text.replaceAll('\u0000', '\ufffd')
}

/** Of any version: which one it was that passed it is not kept. */
function ofPassed({ workflow }: Said, { envelope }: Decoded, { versions }: World): Difference[] {
  const own = versions.filter((version) => version.workflow === workflow && version.plan !== null)
  const takes = ({ plan }: VersionFacts) => {
    const { kafka } = (plan as Plan).on
    return kafka !== null && [null, envelope.type].includes(kafka.type)
  }
  if (own.length === 0 || !own.every(takes)) return []
  return [
    {
      kind: 'passed_wrongly',
      expected: `what became of a record of type ${envelope.type}`,
      found: 'passed as other_type',
    },
  ]
}

function shown(text: string): string {
  return text.length <= shownCharsMax ? text : `${text.slice(0, shownCharsMax)}…`
}

const shownCharsMax = 200
