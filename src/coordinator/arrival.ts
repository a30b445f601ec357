/** A record is read: for each workflow on its topic it becomes a transaction, a dead letter or a passed offset. */
import { EngineError, messageOf } from '../base/error.ts'
import { isCredential } from '../envelope/credentials.ts'
import { type Decoded, decode } from '../envelope/decode.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { admit } from '../transaction/admit.ts'
import { deadLetterId, type Origin } from '../transaction/ids.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Plan } from '../workflow/plan.ts'
import { type Catalogue, idsOf } from './catalogue.ts'
import type { DeadLetterRow, PassedRow, SubscriptionRow, TransactionRow } from './ports.ts'

/** What reading needs besides the record. */
export interface ReadingRoom {
  readonly catalogue: Catalogue
  /** Null: no seal key, so credentials are not kept at all. */
  readonly sealer: Sealer | null
  readonly valueBytesMax: number
}

export interface Reading {
  readonly transactions: readonly Transaction[]
  readonly rows: readonly TransactionRow[]
  readonly deadLetters: readonly DeadLetterRow[]
  readonly passed: readonly PassedRow[]
  readonly subscriptions: readonly SubscriptionRow[]
}

export interface Place {
  readonly origin: Omit<Origin, 'workflow'>
  /** workflow name -> the offset from which on it takes records. */
  readonly subscriptions: ReadonlyMap<string, number>
  readonly admittedUs: number
}

export function read(record: RawRecord, place: Place, room: ReadingRoom): Reading {
  const plans = room.catalogue.byTopic.get(place.origin.topic) ?? []
  if (plans.length === 0) return { ...nothing, passed: [pass(record, null, 'no_workflow')] }
  try {
    const decoded = decode(record, whereOf(place), room.valueBytesMax)
    return join(plans.map((plan) => readFor(plan, decoded, record, place, room)))
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { ...nothing, deadLetters: [deadLetter(record, null, error, place, room)] }
  }
}

const nothing: Reading = { transactions: [], rows: [], deadLetters: [], passed: [], subscriptions: [] }

function readFor(plan: Plan, decoded: Decoded, record: RawRecord, place: Place, room: ReadingRoom): Reading {
  const { workflowId } = idsOf(room.catalogue, plan)
  const from = place.subscriptions.get(plan.name)
  if (from !== undefined && record.offset < from) {
    return { ...nothing, passed: [pass(record, workflowId, 'before_start')] }
  }
  // A workflow that is new to a lane already read begins here.
  const subscriptions = from === undefined ? [{ workflowId, fromOffset: record.offset }] : []
  const { type } = plan.on.kafka
  if (type !== null && type !== decoded.envelope.type) {
    return { ...nothing, subscriptions, passed: [pass(record, workflowId, 'other_type')] }
  }
  try {
    return { ...admission(plan, decoded, record, place, room), subscriptions }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { ...nothing, subscriptions, deadLetters: [deadLetter(record, plan, error, place, room)] }
  }
}

function admission(plan: Plan, decoded: Decoded, record: RawRecord, place: Place, room: ReadingRoom): Reading {
  const transaction = admit(plan, decoded.envelope, { ...place, producedUs: record.timestampUs })
  if (transaction.key !== null && /\p{Surrogate}|\0/u.test(transaction.key)) {
    throw new EngineError('key_unstorable', 'the key holds a NUL or half a character')
  }
  const row: TransactionRow = {
    id: transaction.id,
    versionId: idsOf(room.catalogue, plan).versionId,
    offset: record.offset,
    key: transaction.key,
    eventId: decoded.envelope.id,
    envelope: decoded.text,
    auth: sealed(decoded.envelope.auth, room.sealer),
    producedUs: record.timestampUs,
    fetchedUs: record.fetchedUs,
    admittedUs: place.admittedUs,
  }
  return { ...nothing, transactions: [transaction], rows: [row] }
}

/** The record as it came, with the sentence that says why it can be no transaction. `plan` null: of no workflow. */
export function deadLetter(
  record: RawRecord,
  plan: Plan | null,
  error: EngineError,
  place: Pick<Place, 'origin' | 'admittedUs'>,
  room: ReadingRoom,
): DeadLetterRow {
  const auth = record.headers.filter((header) => isCredential(header.name))
  return {
    id: deadLetterId({ ...place.origin, workflow: plan?.name ?? '' }, place.admittedUs),
    workflowId: plan === null ? null : idsOf(room.catalogue, plan).workflowId,
    offset: record.offset,
    key: record.key,
    value: record.value,
    headers: headersText(record),
    sealed: sealed(Object.fromEntries(auth.map((header) => [header.name, header.value.toString('utf8')])), room.sealer),
    code: error.code,
    reason: messageOf(error),
    receivedUs: place.admittedUs,
  }
}

function pass(record: RawRecord, workflowId: number | null, reason: PassedRow['reason']): PassedRow {
  return { workflowId, fromOffset: record.offset, toOffset: record.offset, reason }
}

function sealed(auth: Readonly<Record<string, string>>, sealer: Sealer | null): Buffer | null {
  return sealer === null || Object.keys(auth).length === 0 ? null : sealer.seal(auth)
}

function headersText(record: RawRecord): string {
  const plain = record.headers.filter((header) => !isCredential(header.name))
  return JSON.stringify(Object.fromEntries(plain.map((header) => [legible(header.name), headerValue(header.value)])))
}

function headerValue(value: Buffer): string | { base64: string } {
  const text = value.toString('utf8')
  const exact = Buffer.from(text, 'utf8').equals(value) && !text.includes('\u0000')
  return exact ? text : { base64: value.toString('base64') }
}

function legible(text: string): string {
  return text.replaceAll('\u0000', '\ufffd')
}

function whereOf(place: Place): string {
  const { topic, partition, offset } = place.origin
  return `${topic}/${partition}/${offset}`
}

function join(readings: readonly Reading[]): Reading {
  if (readings.length === 1) return readings[0] as Reading
  return {
    transactions: readings.flatMap((reading) => reading.transactions),
    rows: readings.flatMap((reading) => reading.rows),
    deadLetters: readings.flatMap((reading) => reading.deadLetters),
    passed: readings.flatMap((reading) => reading.passed),
    subscriptions: readings.flatMap((reading) => reading.subscriptions),
  }
}
