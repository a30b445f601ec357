/** The floor's functions: what one would write by hand, in one process, and nothing about it. */
import { Socket } from 'node:net'
import { frames, headBytes, resultBytes } from './frames.ts'

interface Value {
  readonly n: number
}

/** With FLOOR_WAIT_MS it waits like a function that asks somebody else. */
const waitMs = Number(process.env.FLOOR_WAIT_MS ?? 0)
/** Answers at once: with the first ones a commit begins while the others still run. */
const answersMax = 250
const pipe = new Socket({ fd: 3, readable: true, writable: true })

const run = ({ n }: Value): Value => ({ n })

const nowUs = () => (performance.timeOrigin + performance.now()) * 1000

function onFrame(frame: Buffer): void {
  const count = frame.readInt32LE(4)
  const inputs: Value[] = JSON.parse(`[${frame.toString('utf8', headBytes + count * 4)}]`)
  if (waitMs > 0) return void waitAndAnswer(frame, inputs)
  for (let from = 0; from < count; from += answersMax) runSome(frame, inputs, from, Math.min(count, from + answersMax))
}

function runSome(frame: Buffer, inputs: readonly Value[], from: number, to: number): void {
  const startedUs = new Float64Array(to - from)
  const finishedUs = new Float64Array(to - from)
  const outputs = new Array<string>(to - from)
  for (let index = 0; index < to - from; index++) {
    startedUs[index] = nowUs()
    outputs[index] = JSON.stringify(run(inputs[from + index] as Value))
    finishedUs[index] = nowUs()
  }
  answer(frame, from, startedUs, finishedUs, outputs)
}

function waitAndAnswer(frame: Buffer, inputs: readonly Value[]): void {
  const startedUs = new Float64Array(inputs.length).fill(nowUs())
  setTimeout(() => {
    const outputs = inputs.map((input) => JSON.stringify(run(input)))
    answer(frame, 0, startedUs, new Float64Array(inputs.length).fill(nowUs()), outputs)
  }, waitMs)
}

function answer(
  frame: Buffer,
  from: number,
  startedUs: Float64Array,
  finishedUs: Float64Array,
  outputs: readonly string[],
): void {
  const count = outputs.length
  const text = outputs.join('')
  const bytes = Buffer.byteLength(text)
  const size = headBytes + count * resultBytes + bytes
  const buffer = Buffer.allocUnsafe(size)
  const view = new DataView(buffer.buffer, buffer.byteOffset, size)
  view.setInt32(0, size, true)
  view.setInt32(4, count, true)
  const call = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const ascii = bytes === text.length
  for (let index = 0, at = headBytes; index < count; index++, at += resultBytes) {
    const output = outputs[index] as string
    view.setInt32(at, call.getInt32(headBytes + (from + index) * 4, true), true)
    view.setInt32(at + 4, ascii ? output.length : Buffer.byteLength(output), true)
    view.setFloat64(at + 8, startedUs[index] as number, true)
    view.setFloat64(at + 16, finishedUs[index] as number, true)
  }
  buffer.write(text, size - bytes)
  pipe.write(buffer)
}

pipe.on('data', frames(onFrame))
pipe.on('end', () => process.exit(0))
