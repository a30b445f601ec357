/**
 * Reads the provider's book, for the provider at its start and for whoever compares the book with a ledger. A last
 * line without its end is what a kill in mid-write leaves: nobody was answered for it, so it does not count.
 */
import { readFile } from 'node:fs/promises'
import { EngineError } from '../../src/base/error.ts'
import { type Entry, parseLine } from './entry.ts'

export interface Book {
  /** The first entry of each idempotency key, in the order of the book; declined ones included. */
  readonly byKey: ReadonlyMap<string, Entry>
  /** Entries whose key was there before: an idempotent provider writes none. */
  readonly duplicates: readonly Entry[]
  /** Length up to the end of the last whole line, and of what is torn behind it. */
  readonly bytes: number
  readonly tornBytes: number
}

/** A file that is not there is an empty book. Throws EngineError `book_corrupt` for a broken line before the end. */
export async function readBook(file: string): Promise<Book> {
  const content = await readIfThere(file)
  const bytes = content.lastIndexOf(0x0a) + 1
  const byKey = new Map<string, Entry>()
  const duplicates: Entry[] = []
  for (const entry of entriesOf(content.subarray(0, bytes), file)) {
    if (byKey.has(entry.key)) duplicates.push(entry)
    else byKey.set(entry.key, entry)
  }
  return { byKey, duplicates, bytes, tornBytes: content.length - bytes }
}

/** Entries that moved money: what a ledger must agree with. */
export function effectsOf(book: Book): Entry[] {
  const all = [...book.byKey.values(), ...book.duplicates]
  return all.filter(({ status, amount }) => status === 'succeeded' && amount > 0)
}

/** What the entry's party has more by it, in minor units; a party that paid has less. */
export function gainOf(entry: Entry, { byKey }: Book): number {
  return entry.status === 'succeeded' ? signOf(entry, byKey) * entry.amount : 0
}

function signOf({ kind, of }: Entry, byKey: Book['byKey']): number {
  if (kind === 'charge') return -1
  const undone = kind === 'payout' ? undefined : byKey.get(of ?? '')
  return undone === undefined ? 1 : -signOf(undone, byKey)
}

function* entriesOf(content: Buffer, file: string): Generator<Entry> {
  let start = 0
  for (let line = 1; start < content.length; line += 1) {
    const end = content.indexOf(0x0a, start)
    yield entryAt(content.toString('utf8', start, end), file, line)
    start = end + 1
  }
}

function entryAt(text: string, file: string, line: number): Entry {
  try {
    return parseLine(text)
  } catch (cause) {
    throw new EngineError('book_corrupt', `${file}:${line}: not an entry of the book`, {
      cause,
      details: { file, line },
    })
  }
}

async function readIfThere(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
