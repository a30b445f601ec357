/**
 * Gives what is written by `console` and `process.stdout`/`stderr` to the attempt that wrote it. What belongs to no
 * attempt (while loading, in a timer of a module) goes out raw, up to a limit, and the pool keeps the end of it.
 */
import { writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import { current } from './attempts.ts'

/** Per process, in its whole life: enough to see what it says when it dies, and no flood. */
const rawBytesMax = 64 * 1024

let rawBytes = 0

export function captureOutput(): void {
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    const stream = catching(fd)
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream })
  }
}

/** To where no attempt hears it. */
export function writeRaw(fd: number, chunk: string | Uint8Array): void {
  const bytes = Buffer.from(chunk as string)
  const head = bytes.subarray(0, rawBytesMax - rawBytes)
  rawBytes += head.length
  try {
    if (head.length > 0) writeSync(fd, head)
  } catch {
    // Nobody reads it any more.
  }
}

/** Takes everything at once, and cannot be ended: Node's own cannot either. */
function catching(fd: 1 | 2): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      const attempt = current.getStore()
      if (attempt === undefined) writeRaw(fd, chunk)
      else attempt.logs.write(chunk)
      done()
    },
  })
  const end = (chunk?: unknown) => {
    if (chunk !== undefined && typeof chunk !== 'function') stream.write(chunk)
    return stream
  }
  return Object.assign(stream, { fd, isTTY: false, end, destroy: () => stream }) as unknown as NodeJS.WriteStream
}
