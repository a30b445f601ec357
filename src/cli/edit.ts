/** New values for dead letters: one of a file, or what a module of the operator's own makes of each. */
import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EngineError, messageOf } from '../base/error.ts'
import { decode } from '../envelope/decode.ts'
import { parseJson } from '../envelope/json.ts'
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

/** Null: it stays as it is. Throws `EngineError` `edit_invalid`, naming the letter. */
export type Edit = (letter: LetterContent) => Promise<Buffer | null>

/** Throws `EngineError` `usage`: a file is the value of one letter alone. */
export async function editOf(file: string, letters: number, valueBytesMax: number): Promise<Edit> {
  const change = ['.mjs', '.js'].includes(extname(file)) ? await moduleOf(file) : await bytesOf(file, letters)
  return async (letter) => {
    const value = await change(letter)
    if (letter.value?.equals(value)) return null
    check(letter, value, valueBytesMax)
    return value
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
function check(letter: LetterContent, value: Buffer, valueBytesMax: number): void {
  const entries = Object.entries(JSON.parse(letter.headers) as Record<string, string | { base64: string }>)
  const headers = entries.map(([name, text]) => ({
    name,
    value: typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.base64, 'base64'),
  }))
  const { key, kafka_offset: offset } = letter
  try {
    decode({ offset, key, value, headers, timestampUs: null, fetchedUs: 0 }, letter.id, valueBytesMax)
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause
    throw invalid(letter, cause.message, cause)
  }
}

function invalid({ id, topic, kafka_partition, kafka_offset }: LetterContent, message: string, cause: unknown) {
  const where = `${topic}/${kafka_partition} at offset ${kafka_offset}`
  return new EngineError('edit_invalid', `--edit, dead letter ${id} of ${where}: ${message}; nothing was redriven`, {
    cause,
  })
}
