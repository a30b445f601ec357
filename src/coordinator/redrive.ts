/** A dead letter is made a transaction again: read anew from its bytes, by the workflows there are now. */
import { EngineError, messageOf } from '../base/error.ts'
import { rawHeaders } from '../envelope/headers.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { type Credentials, openCredentials } from '../envelope/sealed-credentials.ts'
import { isSealedRecord, resealed } from '../envelope/sealed-value.ts'
import type { Plan } from '../workflow/plan.ts'
import { joinReadings, type Place, type Reading, type ReadingRoom, readFor } from './arrival.ts'
import { secretsOf } from './catalogue.ts'
import { type Decoding, decodingOf } from './decoding.ts'
import { keptReason } from './kept-record.ts'
import type { Command, StoredLetter } from './ports.ts'

/** What is to be read anew, and by whom. */
export interface Redriven {
  readonly record: RawRecord
  readonly plans: readonly Plan[]
}

/** Throws `EngineError` with the sentence why nothing can be made of it: it stays as it is. */
export function redriven(
  command: Command,
  letter: StoredLetter,
  topic: string,
  room: ReadingRoom,
  nowUs: number,
): Redriven {
  const all = room.catalogue.byTopic.get(topic) ?? []
  const plans = letter.workflow === null ? all : all.filter((plan) => plan.name === letter.workflow)
  if (plans.length === 0) {
    const whose = letter.workflow === null ? `no workflow takes ${topic}` : `workflow ${letter.workflow} is not there`
    throw new EngineError('redrive_refused', `${whose} any more: give the engine its file again`)
  }
  return { record: recordOf(command, letter, room.sealer, nowUs), plans }
}

/** Throws as above. */
export function redrive({ record, plans }: Redriven, place: Omit<Place, 'subscriptions'>, room: ReadingRoom): Reading {
  const decoding = decodingFor(record, place, room)
  const subscriptions = new Map(plans.map((plan) => [plan.name, 0]))
  const reading = joinReadings(plans.map((plan) => readFor(plan, decoding, record, { ...place, subscriptions }, room)))
  const [refused] = reading.deadLetters
  if (reading.transactions.length > 0) return { ...reading, passed: [] }
  throw new EngineError('redrive_refused', refused ? refused.reason : 'no workflow takes an event of this type')
}

/** Why it cannot be read is answered, and kept: of secret fields nothing is quoted. */
function decodingFor(record: RawRecord, place: Pick<Place, 'origin'>, room: ReadingRoom): Decoding {
  try {
    return decodingOf(record, place, room)
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause
    const secrets = secretsOf(room.catalogue, place.origin.topic)
    throw new EngineError(cause.code, keptReason(record, secrets, cause), { cause })
  }
}

function recordOf(command: Command, letter: StoredLetter, sealer: Sealer | null, nowUs: number): RawRecord {
  const { headers, sentUs } = letter.sealed === null ? nothing : unsealed(letter.sealed, sealer)
  const record = {
    offset: letter.offset,
    key: letter.key,
    value: letter.value,
    headers: [...rawHeaders(JSON.parse(letter.headers)), ...headers],
    timestampUs: null,
    fetchedUs: nowUs,
    ...(sentUs !== null && { sentUs }),
  }
  const { value, isSealed = false } = argsOf(command)
  if (value === undefined) return record
  const bytes = Buffer.from(value, 'base64')
  if (isSealed || !isSealedRecord(record)) return { ...record, value: bytes }
  if (sealer !== null) return resealed(record, bytes, sealer)
  throw new EngineError(
    'redrive_refused',
    'its value is sealed, and this coordinator has no seal key: set MILLRACE_SEAL_KEY',
  )
}

const nothing: Credentials = { headers: [], sentUs: null }

/** Without them it would be another event, and go wrong in another way. */
function unsealed(sealed: Buffer, sealer: Sealer | null): Credentials {
  if (sealer !== null) return openCredentials(sealed, sealer)
  const message = 'its credentials are sealed, and this coordinator has no seal key: set MILLRACE_SEAL_KEY'
  throw new EngineError('redrive_refused', message)
}

/** `value`: the new bytes, in base64; `isSealed`: as `sealedRecord` seals them, if those before were. */
function argsOf({ args }: Command): { readonly value?: string; readonly isSealed?: boolean } {
  try {
    return JSON.parse(args)
  } catch (cause) {
    throw new EngineError('redrive_refused', `the command's arguments are no JSON: ${messageOf(cause)}`)
  }
}
