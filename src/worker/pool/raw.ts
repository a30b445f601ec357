/**
 * Reads what a process writes to its stdout and stderr past `console` (native code, programs it starts). It is always
 * read, so that nobody hangs on a full pipe, but no faster than a limit, so that nobody keeps the coordinator busy.
 */
import type { Readable } from 'node:stream'

export interface RawLimit {
  readonly bytesMax: number
  readonly pauseMs: number
}

/** Returns the way to read on without a limit: the writer is dead, what is left is little. */
export function readRaw(stream: Readable, limit: RawLimit, onBytes: (bytes: Buffer) => void): () => void {
  let budget = limit.bytesMax
  let timer: NodeJS.Timeout | null = null
  const refill = () => {
    timer = null
    budget = limit.bytesMax
    stream.resume()
  }
  stream.on('error', () => {})
  stream.on('data', (bytes: Buffer) => {
    onBytes(bytes)
    budget -= bytes.length
    if (budget === Number.POSITIVE_INFINITY) return
    timer ??= setTimeout(refill, limit.pauseMs)
    if (budget < 0) stream.pause()
  })
  return () => {
    if (timer !== null) clearTimeout(timer)
    budget = Number.POSITIVE_INFINITY
    stream.resume()
  }
}

/** The last bytes of a stream, for the message of a crash. */
export class Tail {
  readonly #bytesMax: number
  #bytes: Buffer = Buffer.alloc(0)

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  add(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(-this.#bytesMax)]).subarray(-this.#bytesMax)
  }

  text(): string {
    return this.#bytes.toString('utf8').trim()
  }
}
