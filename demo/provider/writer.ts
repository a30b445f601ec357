/**
 * Appends to the book. While one write and its fdatasync are under way the next entries gather and then share one, so
 * that many requests at once cost one sync and each is answered only after its line is on the disk. After a write that
 * failed (disk full) nothing more is written and every append fails: behind half a line no line would be readable.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { type Entry, lineOf } from './entry.ts'

export interface BookWriter {
  /** Resolves when the entry is on the disk. */
  append(entry: Entry): Promise<void>
  /** Length of what is on the disk for good. */
  readonly bytes: number
  /** Waits for what is under way; twice is safe. */
  close(): Promise<void>
}

/** Opens the book for appending behind its first `bytes` bytes; cuts what is behind them (a torn last line). */
export async function openWriter(file: string, bytes: number): Promise<BookWriter> {
  const handle = await open(file, 'a')
  await handle.truncate(bytes)
  return new GroupWriter(handle, bytes)
}

class GroupWriter implements BookWriter {
  readonly #handle: FileHandle
  #bytes: number
  #waiting: string[] = []
  /** The write that the waiting lines will go with. */
  #next: Promise<void> | null = null
  #current: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  constructor(handle: FileHandle, bytes: number) {
    this.#handle = handle
    this.#bytes = bytes
  }

  get bytes(): number {
    return this.#bytes
  }

  append(entry: Entry): Promise<void> {
    this.#waiting.push(lineOf(entry))
    this.#next ??= this.#current = this.#writeAfter(this.#current)
    return this.#next
  }

  close(): Promise<void> {
    this.#closing ??= this.#current.then(() => this.#handle.close())
    return this.#closing
  }

  async #writeAfter(previous: Promise<void>): Promise<void> {
    await previous
    const lines = Buffer.from(this.#waiting.join(''))
    this.#waiting = []
    this.#next = null
    await this.#handle.appendFile(lines)
    await this.#handle.datasync()
    this.#bytes += lines.length
  }
}
