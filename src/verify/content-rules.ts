/** One record and what the ledger made of it, held against what the code of the engine makes of it now. */
import { EngineError, messageOf } from '../base/error.ts'
import { isCredential } from '../envelope/credentials.ts'
import { type Decoded, decode } from '../envelope/decode.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { RawHeader, RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { redacted } from '../envelope/secrets.ts'
import { keyText } from '../workflow/expression/compile.ts'
import type { Expression, Plan, SignalTopic } from '../workflow/plan.ts'
import type { Wrong } from './check.ts'
import type { Placed } from './content.ts'
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

/** What a record is held against. */
interface Against {
  readonly topic: string
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
  const opened = tried(() => openedIfPossible(record, sealer))
  if (opened === null) return []
  const read = opened instanceof EngineError ? opened : tryDecode(opened, `${topic}/${partition}/${record.offset}`)
  const against = { topic, record: opened instanceof EngineError ? record : opened, read, world, sealer }
  return rows.flatMap((row): Wrong[] => {
    const { lane, workflow, id } = row
    return differencesOf(row, against).map((each) => ({ ...each, lane, workflow, position: record.offset, id }))
  })
}

function tryDecode(record: RawRecord, where: string): Decoded | EngineError {
  return tried(() => decode(record, where, Number.POSITIVE_INFINITY))
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

function ofTransaction(row: Said, decoded: Decoded, { record, world, sealer }: Against): Difference[] {
  const { envelope, text } = decoded
  const plan = world.versions.find((version) => version.id === row.version_id)?.plan
  const value = plan?.secrets.length ? ofSecretValue(row, decoded, plan, sealer) : ofValue(row, text, record)
  if (!plan) return value
  const key =
    plan.order === 'none'
      ? null
      : plan.key === null
        ? envelope.key
        : keyOf(() => keyText(plan.key!.evaluate({ event: envelope, steps: {} })))
  return key === row.key ? value : [...value, { kind: 'key_differs', expected: named(key), found: named(row.key) }]
}

function ofValue({ envelope }: Said, text: string, record: RawRecord): Difference[] {
  const stored = envelope ?? ''
  const same = stored === text || comparable(stored, record) === comparable(text, record)
  return same ? [] : [{ kind: 'value_differs', expected: shown(text), found: shown(stored) }]
}

function ofSecretValue(row: Said, { envelope }: Decoded, { secrets }: Plan, sealer: Sealer | null): Difference[] {
  const differing = secretsDiffer(row.envelope ?? '', envelope, secrets, sealer, row.id ?? '')
  if (differing === null) return []
  return [{ kind: 'value_differs', expected: shown(differing.expected), found: shown(differing.found) }]
}

/** Of any version: which one it was that kept it is not known. */
function ofSignal(row: Said, { envelope }: Decoded, { topic, record, world }: Against): Difference[] {
  const { id, type, source, time, key } = envelope
  const topics = world.versions.flatMap(({ workflow, plan }) =>
    workflow === row.workflow ? (plan?.signals ?? []).filter((each) => each.topic === topic) : [],
  )
  const values = (topics.length === 0 ? [{ secrets: [] }] : topics).map(({ secrets }) => {
    const { data } = redacted(envelope, secrets)
    return ofValue(row, stringifyJson({ id, type, source, time, key, data }), record)
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

/** A record without a stamp has the time at which it was fetched, which nobody knows any more. */
function comparable(text: string, { timestampUs }: RawRecord): string {
  try {
    const { time, ...rest } = parseJson(text) as { [name: string]: Json }
    return stringifyJson(timestampUs === null ? rest : { ...rest, time: time ?? null })
  } catch {
    return ''
  }
}

function eventDiffers({ event_id: id }: Said, { envelope }: Decoded): Difference[] {
  return id === envelope.id
    ? []
    : [{ kind: 'event_differs', expected: `event ${shown(envelope.id)}`, found: shown(id ?? 'none') }]
}

function ofLetter(row: Said, { record, read, sealer }: Against): Difference[] {
  const letter = tried(() => openedLetter(row.record_value, row.headers ?? '{}', sealer))
  const isReadable = letter !== null && !(letter instanceof EngineError)
  const isSame = isReadable && sameBytes(letter.value, record.value)
  const parts = [
    sameBytes(row.record_key, record.key) ? [] : ['key'],
    isSame || letter === null ? [] : ['value'],
    letter === null || (isReadable && sameHeaders(letter.headers, record)) ? [] : ['headers'],
  ].flat()
  const bytes = parts.map((part) => ({
    kind: 'letter_differs',
    expected: `the ${part} that Kafka holds`,
    found: 'another',
  }))
  const code = read instanceof EngineError ? read.code : 'a record that can be read'
  const wrongly = decoderCodes.has(row.code ?? '') && row.code !== code
  return wrongly ? [...bytes, { kind: 'letter_wrongly', expected: code, found: row.code ?? '' }] : bytes
}

/** What depends on nothing but the record; how large a value may be is a setting. */
const decoderCodes = new Set([
  'value_null',
  'value_not_utf8',
  'value_not_json',
  'value_unstorable',
  'cloudevent_invalid',
])

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

/** Credentials are sealed apart; of a name that comes twice an older coordinator kept the last one alone. */
function sameHeaders(kept: readonly RawHeader[], { headers }: RawRecord): boolean {
  const plain = headers.filter(({ name }) => !isCredential(name))
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
