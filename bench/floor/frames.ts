/**
 * What goes through the pipe. To the child: size, count, a slot each, the inputs as JSON with commas between them. Back:
 * size, count, and for each its slot, started and finished (µs since 1970), the length of its output; then the outputs.
 */
import { copy } from './columns.ts'

export const headBytes = 8
export const resultBytes = 24

/** Calls that wait for their commit; written in place, sent as one frame. */
export class CallFrame {
  readonly slots: Int32Array
  count = 0
  #text: Buffer
  #textAt = 0

  constructor(callsMax: number) {
    this.slots = new Int32Array(callsMax)
    this.#text = Buffer.alloc(64 * callsMax)
  }

  add(slot: number, input: Uint8Array, start: number, end: number): void {
    const size = end - start + 1
    if (this.#textAt + size > this.#text.length) this.#grow(size)
    if (this.count > 0) this.#text[this.#textAt++] = 44
    copy(input, start, end, this.#text, this.#textAt)
    this.#textAt += end - start
    this.slots[this.count++] = slot
  }

  take(): Buffer {
    const size = headBytes + this.count * 4 + this.#textAt
    const frame = Buffer.allocUnsafe(size)
    frame.writeInt32LE(size, 0)
    frame.writeInt32LE(this.count, 4)
    for (let index = 0; index < this.count; index++)
      frame.writeInt32LE(this.slots[index] as number, headBytes + index * 4)
    frame.set(this.#text.subarray(0, this.#textAt), size - this.#textAt)
    this.count = 0
    this.#textAt = 0
    return frame
  }

  #grow(size: number): void {
    const larger = Buffer.alloc((this.#text.length + size) * 2)
    this.#text.copy(larger, 0, 0, this.#textAt)
    this.#text = larger
  }
}

/** Gives whole frames to `onFrame`, however the pipe has cut them. */
export function frames(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = []
  let held = 0
  return (chunk) => {
    parts.push(chunk)
    held += chunk.length
    const first = parts[0] as Buffer
    if (first.length >= headBytes && held < first.readInt32LE(0)) return
    let data = parts.length === 1 ? chunk : Buffer.concat(parts)
    while (data.length >= headBytes && data.length >= data.readInt32LE(0)) {
      const size = data.readInt32LE(0)
      onFrame(data.subarray(0, size))
      data = data.subarray(size)
    }
    parts = data.length > 0 ? [data] : []
    held = data.length
  }
}
