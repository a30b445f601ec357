/** New values for dead letters: one of a file, or what a module of the operator's own makes of each. */
import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EngineError, messageOf } from '../base/error.ts'
import { decode } from '../envelope/decode.ts'
import type { FormatSpec } from '../envelope/format.ts'
import { rawHeaders, type StoredHeaders, storedHeaders } from '../envelope/headers.ts'
import { parseJson } from '../envelope/json.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { isSealedRecord, openedRecord, resealed } from '../envelope/sealed-value.ts'
import type { LetterContent } from '../ledger/read/letters.ts'
import { usage } from './fail.ts'

/** What a module is told of a letter, besides its value as text. */
export interface EditedLetter {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly workflow: string | null
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: unknown
  readonly code: string
  readonly reason: string
  readonly receivedAt: string
  readonly transactionId: string | null
}

/** `formats`: in which it may be read. Null: it stays as it is. Throws `EngineError` `edit_invalid`, naming the letter. */
export type Edit = (letter: LetterContent, formats: readonly (FormatSpec | null)[]) => Promise<Edited | null>

/** `isSealed`: the letter's value was, and so is this one. */
export interface Edited {
  readonly value: Buffer
  readonly isSealed: boolean
}

/**
 * Throws `EngineError` `usage`: a file is the value of one letter alone. `sealer`: for values that are sealed; null: there is no
 * key.
 */
export async function editOf(
  file: string,
  letters: number,
  valueBytesMax: number,
  sealer: Sealer | null,
): Promise<Edit> {
  const change = ['.mjs', '.js'].includes(extname(file)) ? await moduleOf(file) : await bytesOf(file, letters)
  return async (letter, formats) => {
    const record = recordOf(letter)
    const opened = openedBy(sealer, letter, record)
    const headers = JSON.stringify(storedHeaders(opened.headers))
    const value = await change({ ...letter, value: opened.value, headers })
    if (opened.value?.equals(value)) return null
    check(letter, { ...opened, value }, valueBytesMax, formats)
    if (!isSealedRecord(record)) return { value, isSealed: false }
    return { value: resealed(record, value, sealer as Sealer).value as Buffer, isSealed: true }
  }
}

function recordOf({ key, value, headers, kafka_offset: offset }: LetterContent): RawRecord {
  const all = rawHeaders(JSON.parse(headers) as StoredHeaders)
  return { offset, key, value, headers: all, timestampUs: null, fetchedUs: 0 }
}

function openedBy(sealer: Sealer | null, letter: LetterContent, record: RawRecord): RawRecord {
  try {
    return openedRecord(record, sealer)
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause
    throw invalid(letter, cause.message, cause)
  }
}

type Change = (letter: LetterContent) => Promise<Buffer>

async function bytesOf(file: string, letters: number): Promise<Change> {
  if (letters > 1) {
    const message = `--edit ${file} is the value of one dead letter, but ${letters} match: narrow --where, or name a`
    throw usage(`${message} .mjs file whose default export is (value, letter) => the new value`)
  }
  try {
    const value = await readFile(file)
    return async () => value
  } catch (cause) {
    throw new EngineError('unreadable_file', `--edit ${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

async function moduleOf(file: string): Promise<Change> {
  const edit = (await imported(file)) as (value: string | null, letter: EditedLetter) => unknown
  if (typeof edit !== 'function') throw usage(`--edit ${file}: its default export is no function (value, letter) => …`)
  return async (letter) => {
    try {
      const edited = await edit(letter.value?.toString('utf8') ?? null, told(letter))
      if (typeof edited === 'string') return Buffer.from(edited, 'utf8')
      throw new Error(`it gave ${edited === null ? 'null' : typeof edited}, expected the new value as text`)
    } catch (cause) {
      throw invalid(letter, messageOf(cause), cause)
    }
  }
}

async function imported(file: string): Promise<unknown> {
  try {
    return (await import(pathToFileURL(resolve(file)).href)).default
  } catch (cause) {
    throw new EngineError('unreadable_file', `--edit ${file} cannot be loaded: ${messageOf(cause)}`, { cause })
  }
}

function told(letter: LetterContent): EditedLetter {
  const { id, topic, workflow, key, value, code, reason } = letter
  return {
    ...{ id, topic, workflow, key, value, code, reason },
    partition: letter.kafka_partition,
    offset: letter.kafka_offset,
    headers: parseJson(letter.headers),
    receivedAt: letter.received_at,
    transactionId: letter.transaction_id,
  }
}

/** As a coordinator will read it: what cannot be read is refused before anything is asked for. */
function check(
  letter: LetterContent,
  record: RawRecord,
  valueBytesMax: number,
  formats: readonly (FormatSpec | null)[],
): void {
  const causes = formats.map((format) => whyUnreadable(record, letter.id, valueBytesMax, format))
  const [cause] = causes
  if (cause !== undefined && causes.every((each) => each !== null)) throw invalid(letter, cause?.message ?? '', cause)
}

/** Null: it can be read, or a registry must be asked. */
function whyUnreadable(
  record: RawRecord,
  id: string,
  valueBytesMax: number,
  format: FormatSpec | null,
): EngineError | null {
  try {
    decode(record, id, valueBytesMax, { format })
    return null
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return error.code === 'registry_missing' ? null : error
  }
}

function invalid({ id, topic, kafka_partition, kafka_offset }: LetterContent, message: string, cause: unknown) {
  const where = `${topic}/${kafka_partition} at offset ${kafka_offset}`
  return new EngineError('edit_invalid', `--edit, dead letter ${id} of ${where}: ${message}; nothing was redriven`, {
    cause,
  })
}
