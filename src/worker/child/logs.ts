import { storable } from '../text.ts'

/** What one attempt has written, up to its limit; beyond it bytes are counted and dropped. */
export class LogBook {
  readonly #bytesMax: number
  readonly #onText: () => void
  #text = ''
  #bytes = 0
  #dropped = 0
  #closed = false

  /** `onText` is called when there is something to take that was not there before. */
  constructor(bytesMax: number, onText: () => void) {
    this.#bytesMax = bytesMax
    this.#onText = onText
  }

  write(chunk: string | Uint8Array): void {
    if (this.#closed) return
    const bytes = typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength
    const room = this.#bytesMax - this.#bytes
    if (room <= 0) {
      this.#dropped += bytes
      return
    }
    if (this.#text === '') this.#onText()
    this.#bytes += Math.min(bytes, room)
    this.#dropped += Math.max(0, bytes - room)
    this.#text += bytes <= room && typeof chunk === 'string' ? chunk : headOf(chunk, room)
  }

  /** What came since the last time; null for nothing. */
  take(): string | null {
    const text = this.#text
    this.#text = ''
    return text === '' ? null : storable(text)
  }

  /** The rest, with a line about what was dropped. Later writes are lost. */
  close(): string | null {
    const text = this.take()
    this.#closed = true
    return this.#dropped === 0 ? text : `${text ?? ''}\n(${this.#dropped} bytes more were dropped)\n`
  }
}

/** The first `bytesMax` bytes as text, without a character that was cut in two. */
function headOf(chunk: string | Uint8Array, bytesMax: number): string {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk.slice(0, bytesMax)) : Buffer.from(chunk)
  return bytes
    .subarray(0, bytesMax)
    .toString('utf8')
    .replace(/\uFFFD$/, '')
}
