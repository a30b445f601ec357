/** A record is read: for each workflow on its topic it becomes a transaction, a dead letter or a passed offset. */
import { assert } from '../base/assert.ts'
import { EngineError } from '../base/error.ts'
import type { Auth } from '../envelope/auth.ts'
import { authenticated, type Decoded } from '../envelope/decode.ts'
import type { Envelope } from '../envelope/envelope.ts'
import { onceHeader } from '../envelope/http.ts'
import { stringifyJson } from '../envelope/json.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { textWithSealed } from '../envelope/sealed-fields.ts'
import { isSealedRecord } from '../envelope/sealed-value.ts'
import type { SecretPath } from '../envelope/secret-path.ts'
import { concealed, redacted } from '../envelope/secrets.ts'
import type { Traces } from '../telemetry/trace/traces.ts'
import { admit } from '../transaction/admit.ts'
import { deadLetterId, dedupKey, messageId, type Origin, signalId, unkeptId } from '../transaction/ids.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { keyText } from '../workflow/expression/compile.ts'
import { limits } from '../workflow/limits.ts'
import type { Plan, SignalTopic } from '../workflow/plan.ts'
import { triggerOf } from '../workflow/trigger.ts'
import { type Catalogue, idsOf, secretsOf } from './catalogue.ts'
import { type Decoding, decodingOf } from './decoding.ts'
import { keptReason, keptRecord } from './kept-record.ts'
import type {
  DeadLetterRow,
  DedupClaim,
  MessageRow,
  PassedRow,
  SignalRow,
  SubscriptionRow,
  TransactionRow,
} from './ports.ts'

/** What reading needs besides the record. */
export interface ReadingRoom {
  readonly catalogue: Catalogue
  /** Null: no seal key, so dead letters keep no credentials. */
  readonly sealer: Sealer | null
  readonly valueBytesMax: number
  readonly traces: Traces
}

export interface Reading {
  readonly transactions: readonly Transaction[]
  readonly rows: readonly TransactionRow[]
  readonly deadLetters: readonly DeadLetterRow[]
  /** Copies of the dead letters. */
  readonly messages: readonly Message[]
  readonly passed: readonly PassedRow[]
  readonly subscriptions: readonly SubscriptionRow[]
  /** Kept for those who wait for it. */
  readonly signals: readonly SignalRow[]
}

/** A message without its number, which it gets when it is written. */
export type Message = Omit<MessageRow, 'seq'>

export interface Place {
  readonly origin: Omit<Origin, 'workflow'>
  /** workflow name -> the offset from which on it takes records. */
  readonly subscriptions: ReadonlyMap<string, number>
  readonly admittedUs: number
  /** Ids of workflows that took this topic's records before, and whose files are gone. */
  readonly gone: readonly number[]
  /** The dead letter that is made a transaction again; such a one is nobody's copy. */
  readonly redrivenFrom: string | null
}

export function read(record: RawRecord, place: Place, room: ReadingRoom): Reading {
  const { topic } = place.origin
  const plans = room.catalogue.byTopic.get(topic) ?? []
  const waiters = room.catalogue.waitersByTopic.get(topic) ?? nobody
  if (plans.length + waiters.length === 0) return { ...nothing, passed: [pass(record, null, 'no_workflow')] }
  try {
    const decoding = decodingOf(record, place, room)
    const started = plans.map((plan) => readFor(plan, decoding, record, place, room))
    const kept = waiters.map((plan) => keepFor(plan, decoding, record, place, room, plans.includes(plan)))
    const reading = joinReadings([...started, ...kept])
    if (place.gone.length === 0) return reading
    return { ...reading, passed: [...reading.passed, ...place.gone.map((id) => pass(record, id, 'no_workflow'))] }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return given(deadLetter(record, null, error, place, room), [...new Set([...plans, ...waiters])])
  }
}

const nobody: readonly Plan[] = []

const nothing: Reading = {
  transactions: [],
  rows: [],
  deadLetters: [],
  messages: [],
  passed: [],
  subscriptions: [],
  signals: [],
}

/** A dead letter, with a copy for each topic that its workflows name. */
export function given(letter: DeadLetterRow, plans: readonly Plan[]): Reading {
  const topics = new Set(plans.flatMap((plan) => plan.deadLetter.topic ?? []))
  return { ...nothing, deadLetters: [letter], messages: [...topics].map((topic) => copyOf(letter.id, topic, null)) }
}

/**
 * Its key, value and headers are read from the dead letter when it is published. `transactionId`: of whose failure it tells;
 * should that one be a copy and not admitted, nothing is told.
 */
export function copyOf(deadLetterId: string, topic: string, transactionId: string | null): Message {
  const id = messageId(`${deadLetterId}/${topic}`)
  const place = { id, transactionId, step: null, n: 0, topic }
  return { ...place, key: null, value: null, headers: '{}', deadLetterId, error: null }
}

export function readFor(plan: Plan, decoding: Decoding, record: RawRecord, place: Place, room: ReadingRoom): Reading {
  const { workflowId } = idsOf(room.catalogue, plan)
  const from = place.subscriptions.get(plan.name)
  if (from !== undefined && record.offset < from) {
    return { ...nothing, passed: [pass(record, workflowId, 'before_start')] }
  }
  // A workflow that is new to a lane already read begins here.
  const subscriptions = from === undefined ? [{ workflowId, fromOffset: record.offset }] : []
  try {
    const decoded = decoding.started(plan)
    const trigger = triggerOf(plan, place.origin.topic, decoded.envelope.http !== undefined)
    const type = trigger !== null && 'type' in trigger ? trigger.type : null
    if (type !== null && type !== decoded.envelope.type) {
      return { ...nothing, subscriptions, passed: [pass(record, workflowId, 'other_type')] }
    }
    trigger?.schema?.check(decoded.envelope, decoded.text)
    const sent = plan.auth === null ? decoded : authenticated(decoded, senderOf(record, plan))
    return { ...admission(plan, sent, record, place, room), subscriptions }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { ...given(deadLetter(record, plan, error, place, room), [plan]), subscriptions }
  }
}

/** Throws why it is refused. Nothing is read before it is known. */
function senderOf({ prepared }: RawRecord, plan: Plan): Auth {
  const known = prepared?.auth.get(plan.version)
  assert(known, `it is known who sent the record to ${plan.name}`)
  if (known instanceof EngineError) throw known
  return known
}

/** The event is kept for those of the workflow that wait for it, or will. `isStarted`: it starts some of it, too. */
function keepFor(
  plan: Plan,
  decoding: Decoding,
  record: RawRecord,
  place: Place,
  room: ReadingRoom,
  isStarted: boolean,
): Reading {
  const { workflowId } = idsOf(room.catalogue, plan)
  const from = place.subscriptions.get(plan.name)
  if (from !== undefined && record.offset < from) {
    return isStarted ? nothing : { ...nothing, passed: [pass(record, workflowId, 'before_start')] }
  }
  const subscriptions = from === undefined && !isStarted ? [{ workflowId, fromOffset: record.offset }] : []
  try {
    checkClassified(record, topicOf(plan, place).secrets)
    const row = signalOf(plan, workflowId, decoding.awaited(plan), record, place)
    const passed = row === null && !isStarted ? [pass(record, workflowId, 'no_key')] : []
    return { ...nothing, subscriptions, passed, signals: row === null ? [] : [row] }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { ...given(unkept(record, plan, error, place, room), [plan]), subscriptions }
  }
}

/** An event that cannot be kept; the same record may be a dead letter of the same workflow, which it cannot start. */
export function unkept(
  record: RawRecord,
  plan: Plan,
  error: EngineError,
  place: Pick<Place, 'origin' | 'admittedUs'>,
  room: ReadingRoom,
): DeadLetterRow {
  const id = unkeptId({ ...place.origin, workflow: plan.name }, place.admittedUs)
  return { ...deadLetter(record, plan, error, place, room), id }
}

/** Null: without a key it is for nobody. */
function signalOf(
  plan: Plan,
  workflowId: number,
  { envelope }: Decoded,
  record: RawRecord,
  { origin, admittedUs }: Place,
): SignalRow | null {
  const topic = topicOf(plan, { origin })
  const event = { ...envelope, ...redacted(envelope, topic.secrets) }
  const key = topic.key === null ? event.key : keyText(topic.key.evaluate({ event, steps: {} }), topic.key.source)
  if (key === null) return null
  if (key.length > limits.signalKeyCharsMax || /\p{Surrogate}|\0/u.test(key)) {
    throw new EngineError('key_unstorable', `the key of the event holds a NUL or half a character, or is too long`)
  }
  const atUs = record.timestampUs ?? record.fetchedUs
  return {
    id: signalId({ ...origin, workflow: plan.name }, admittedUs),
    workflowId,
    offset: record.offset,
    key,
    atUs,
    receivedUs: admittedUs,
    keepUntilUs: atUs + topic.keepMs * 1000,
    take: topic.take,
    text: signalText(event),
  }
}

function topicOf(plan: Plan, { origin }: Pick<Place, 'origin'>): SignalTopic {
  const topic = plan.signals.find((each) => each.topic === origin.topic)
  assert(topic, `${plan.name} waits for events of ${origin.topic}`)
  return topic
}

/** Whoever sealed its value knows of secret fields in it; who does not would write them down. */
function checkClassified(record: RawRecord, secrets: readonly SecretPath[]): void {
  if (secrets.length > 0 || !isSealedRecord(record)) return
  throw new EngineError('not_classified', 'its value came sealed, and the workflow does not say what in it is secret')
}

function signalText({ id, type, source, time, key, data }: Envelope): string {
  return stringifyJson({ id, type, source, time, key, data })
}

function admission(plan: Plan, decoded: Decoded, record: RawRecord, place: Place, room: ReadingRoom): Reading {
  checkClassified(record, plan.secrets)
  const event = concealed(decoded.envelope, plan.secrets)
  const transaction = admit(plan, event, { ...place, producedUs: record.timestampUs })
  if (transaction.key !== null && /\p{Surrogate}|\0/u.test(transaction.key)) {
    throw new EngineError('key_unstorable', 'the key holds a NUL or half a character')
  }
  const row: TransactionRow = {
    id: transaction.id,
    versionId: idsOf(room.catalogue, plan).versionId,
    offset: record.offset,
    key: transaction.key,
    eventId: event.id,
    envelope: textOf(transaction, decoded, room),
    auth: null,
    producedUs: record.timestampUs,
    fetchedUs: record.fetchedUs,
    admittedUs: place.admittedUs,
    dedup: place.redrivenFrom === null ? claimOf(plan, event, record, place, room) : null,
    raw: plan.deadLetter.failed ? keptRecord(record, place.origin.topic, room) : null,
    redrivenFrom: place.redrivenFrom,
    parent: null,
  }
  return { ...nothing, transactions: [transaction], rows: [row] }
}

/** Record time tells how far apart two copies are; a record without it came when it was fetched. */
function claimOf(
  plan: Plan,
  envelope: Envelope,
  record: RawRecord,
  place: Place,
  room: ReadingRoom,
): DedupClaim | null {
  const { withinMs } = plan.deduplicate
  const same = sameOf(plan, envelope)
  const { workflowId } = idsOf(room.catalogue, plan)
  const atUs = record.timestampUs ?? record.fetchedUs
  if (same !== null) {
    const key = dedupKey(place.origin.engine, plan.name, same)
    return { key, workflowId, atUs, withinUs: withinMs * 1000 }
  }
  const once = onceOf(record)
  return once === null ? null : { key: once, workflowId, atUs, withinUs: onceWithinUs }
}

/** What copies of the event have in common; null: nothing tells them. */
function sameOf({ deduplicate: { by, withinMs } }: Plan, envelope: Envelope): string | null {
  if (withinMs === 0) return null
  return by === null ? cloudEventOf(envelope) : keyText(by.evaluate({ event: envelope, steps: {} }), 'deduplicate.by')
}

/** The door writes a repeated request a second time when it cannot know whether the first was written. */
function onceOf({ headers }: RawRecord): string | null {
  const header = headers.find(({ name }) => name === onceHeader)
  const key = header?.value.toString('latin1')
  return key !== undefined && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(key) ? key : null
}

/** As long as the door knows the key. */
const onceWithinUs = 24 * 60 * 60 * 1_000_000

function cloudEventOf({ source, id }: Envelope): string | null {
  return source === null ? null : JSON.stringify([source, id])
}

/** What the ledger keeps of its event. */
function textOf({ id, plan, envelope }: Transaction, decoded: Decoded, { sealer }: ReadingRoom): string {
  if (plan.secrets.length === 0) return decoded.text
  assert(sealer, 'a workflow with secret fields is not loaded without a seal key')
  return textWithSealed(envelope, plan.secrets, sealer, id)
}

/** The record as it came, with the sentence that says why it can be no transaction. `plan` null: of no workflow. */
export function deadLetter(
  record: RawRecord,
  plan: Plan | null,
  error: EngineError,
  place: Pick<Place, 'origin' | 'admittedUs'>,
  room: ReadingRoom,
): DeadLetterRow {
  const secrets = secretsOf(room.catalogue, place.origin.topic)
  return {
    id: deadLetterId({ ...place.origin, workflow: plan?.name ?? '' }, place.admittedUs),
    workflowId: plan === null ? null : idsOf(room.catalogue, plan).workflowId,
    offset: record.offset,
    ...keptRecord(record, place.origin.topic, room),
    code: error.code,
    reason: keptReason(record, secrets, error),
    receivedUs: place.admittedUs,
    transactionId: null,
  }
}

function pass(record: RawRecord, workflowId: number | null, reason: PassedRow['reason']): PassedRow {
  return { workflowId, fromOffset: record.offset, toOffset: record.offset, reason }
}

export function joinReadings(readings: readonly Reading[]): Reading {
  if (readings.length === 1) return readings[0] as Reading
  return {
    transactions: readings.flatMap((reading) => reading.transactions),
    rows: readings.flatMap((reading) => reading.rows),
    deadLetters: readings.flatMap((reading) => reading.deadLetters),
    messages: readings.flatMap((reading) => reading.messages),
    passed: readings.flatMap((reading) => reading.passed),
    subscriptions: readings.flatMap((reading) => reading.subscriptions),
    signals: readings.flatMap((reading) => reading.signals),
  }
}
