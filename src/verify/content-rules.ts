/** One record and what the ledger made of it, held against what the code of the engine makes of it now. */
import { EngineError, messageOf } from '../base/error.ts'
import { isCredential } from '../envelope/credentials.ts'
import { type Decoded, decode } from '../envelope/decode.ts'
import { type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { RawRecord } from '../envelope/record.ts'
import { keyText } from '../workflow/expression/compile.ts'
import type { Expression, Plan } from '../workflow/plan.ts'
import type { Wrong } from './check.ts'
import type { Placed } from './content.ts'
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

export function wrongsOf({ topic, partition, record }: Placed, rows: readonly Said[], world: World): Wrong[] {
  const read = tryDecode(record, `${topic}/${partition}/${record.offset}`)
  return rows.flatMap((row) => {
    const { lane, workflow, id } = row
    return differencesOf(row, topic, record, read, world).map((each) => ({
      ...each,
      lane,
      workflow,
      position: record.offset,
      id,
    }))
  })
}

function tryDecode(record: RawRecord, where: string): Decoded | EngineError {
  try {
    return decode(record, where, Number.POSITIVE_INFINITY)
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
}

function differencesOf(
  row: Said,
  topic: string,
  record: RawRecord,
  read: Decoded | EngineError,
  world: World,
): Difference[] {
  if (row.what === 'letter') return ofLetter(row, record, read)
  if (read instanceof EngineError) return row.what === 'passed' ? [] : [unreadable(row, read)]
  if (row.what === 'passed') return ofPassed(row, read, world)
  if (row.what === 'signal') return ofSignal(row, topic, record, read, world)
  const event = eventDiffers(row, read)
  return row.what === 'duplicate' ? event : [...ofTransaction(row, record, read, world), ...event]
}

function unreadable(row: Said, error: EngineError): Difference {
  return {
    kind: 'value_differs',
    expected: `a dead letter: ${messageOf(error)} (${error.code})`,
    found: `a ${row.what}`,
  }
}

function ofTransaction(row: Said, record: RawRecord, { envelope, text }: Decoded, world: World): Difference[] {
  const stored = row.envelope ?? ''
  const same = stored === text || comparable(stored, record) === comparable(text, record)
  const value = same ? [] : [{ kind: 'value_differs', expected: shown(text), found: shown(stored) }]
  const plan = world.versions.find((version) => version.id === row.version_id)?.plan
  if (!plan) return value
  const key =
    plan.order === 'none'
      ? null
      : plan.key === null
        ? envelope.key
        : keyOf(() => keyText(plan.key!.evaluate({ event: envelope, steps: {} })))
  return key === row.key ? value : [...value, { kind: 'key_differs', expected: named(key), found: named(row.key) }]
}

/** Of any version: which one it was that kept it is not known. */
function ofSignal(row: Said, topic: string, record: RawRecord, { envelope }: Decoded, world: World): Difference[] {
  const { id, type, source, time, key, data } = envelope
  const text = stringifyJson({ id, type, source, time, key, data })
  const stored = row.envelope ?? ''
  const same = stored === text || comparable(stored, record) === comparable(text, record)
  const value = same ? [] : [{ kind: 'value_differs', expected: shown(text), found: shown(stored) }]
  const topics = world.versions.flatMap(({ workflow, plan }) =>
    workflow === row.workflow ? (plan?.signals ?? []).filter((each) => each.topic === topic) : [],
  )
  const keys = topics.map((each) =>
    each.key === null ? key : keyOf(() => keyText((each.key as Expression).evaluate({ event: envelope, steps: {} }))),
  )
  if (keys.length === 0 || keys.includes(row.key)) return value
  return [...value, { kind: 'key_differs', expected: named(keys[0]), found: named(row.key) }]
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

function ofLetter(row: Said, record: RawRecord, read: Decoded | EngineError): Difference[] {
  const parts = [
    sameBytes(row.record_key, record.key) ? [] : ['key'],
    sameBytes(row.record_value, record.value) ? [] : ['value'],
    sameHeaders(row.headers ?? '{}', record) ? [] : ['headers'],
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

/** Credentials are sealed apart; of a name that comes twice the last one is kept. */
function sameHeaders(text: string, { headers }: RawRecord): boolean {
  const kept = Object.entries(JSON.parse(text) as Record<string, string | { base64: string }>)
  const plain = new Map(
    headers.filter(({ name }) => !isCredential(name)).map(({ name, value }) => [legible(name), value]),
  )
  if (kept.length !== plain.size) return false
  return kept.every(([name, value]) => {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value.base64, 'base64')
    return plain.get(name)?.equals(bytes) === true
  })
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
