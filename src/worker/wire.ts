/**
 * What goes over the pipes between the pool and a worker process (descriptors 3 and 4): pairs of lines, the first a
 * small JSON array that says what this is, the second a JSON text that nobody on the way looks into. Most answers say
 * only that all went well: they have a first line of their own that costs neither side a parser.
 */

import type { Form } from '../envelope/written.ts'
import type { Invocation } from './port.ts'

/** In place of a step, where a function authenticates an event: no step can have this id. */
export const authenticationStep = '(authentication)'

/** First line of an invocation; the second is its input. */
export type Call = readonly [
  id: number,
  attempt: number,
  timeoutMs: number,
  /** ms since 1970. */
  deadlineMs: number,
  workflow: string,
  step: string,
  transactionId: string,
  idempotencySeed: string,
  /** Only of a compensation: what the key of the step it undoes is made of. */
  forwardSeed?: string | null,
  /** The traceparent it goes on with. */
  trace?: string,
]

/** First line of a result; the second is its output, or null. */
export type Answer = readonly [
  id: number,
  outcome: 'ok' | 'retry' | 'fail' | 'timeout',
  errorCode: string | null,
  errorMessage: string | null,
  retryAfterMs: number | null,
  startedUs: number,
  finishedUs: number,
  logs: string | null,
  /** Nobody knows what it did outside. */
  effectUnknown: boolean,
]

/** To the process: abort the signal of this attempt; say that you hear. */
export type Order = readonly ['abort', id: number] | readonly ['ping']

/**
 * From the process: the function is loaded; it cannot be; what an attempt that still runs has written; what one that ends
 * well now has emitted, and posted (the second line, a list of `EmittedMessage`, or of `PostedMovement`); what spans its
 * function has made (the second line, a list of `FunctionSpan`); it hears.
 */
export type Note =
  | readonly ['hello', concurrency: number | null, idempotent: boolean, effectFree: boolean]
  | readonly ['unfit', code: string, message: string]
  | readonly ['logs', id: number, text: string]
  | readonly ['emitted', id: number]
  | readonly ['posted', id: number]
  | readonly ['spans', dropped: number]
  | readonly ['pong']

/** `value` is JSON text, or null; `form` how it is to be written. */
export type EmittedMessage = readonly [
  topic: string,
  key: string | null,
  value: string | null,
  headers: Readonly<Record<string, string>>,
  form?: Form,
]

/** `amount` in decimal digits. */
export type PostedMovement = readonly [
  debit: string,
  credit: string,
  amount: string,
  currency: string,
  party: string | null,
  key: string | null,
]

/** A span that an author's function has made, as OpenTelemetry means it. Times are seconds and nanoseconds since 1970. */
export interface FunctionSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | null
  readonly name: string
  readonly kind: number
  readonly start: readonly [number, number]
  readonly end: readonly [number, number]
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: object
  readonly events: readonly {
    readonly name: string
    readonly time: readonly [number, number]
    readonly attributes: object
  }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: object }[]
  readonly scope: { readonly name: string; readonly version: string | null }
}

/** What a process is started with, as one JSON argument. */
export interface ChildSettings {
  readonly module: string
  readonly coordinatorPid: number
  readonly outputBytesMax: number
  readonly logBytesMax: number
  readonly messageCharsMax: number
  readonly emittedMax: number
  readonly emittedBytesMax: number
  readonly postedMax: number
  readonly postedBytesMax: number
  readonly spanBytesMax: number
  /** The file that makes spans of what functions ask of OpenTelemetry; null: nobody wants them. */
  readonly tracing: string | null
  readonly abortLeadMs: number
}

export function writePair(head: Call | Answer | Order | Note, body: string): string {
  return `${JSON.stringify(head)}\n${body}\n`
}

/**
 * As `writePair` would write it, without looking for what cannot be there (the engine's own ids need no escape), and of few
 * pieces: what many calls have in common is one.
 */
export function writeCall(invocation: Invocation, deadlineMs: number, body: string): string {
  const { id, transactionId, workflow, step, attempt, idempotencySeed, forwardSeed, timeoutMs, trace } = invocation
  const times = timesOf(attempt, timeoutMs, deadlineMs)
  const end = forwardSeed === null && trace === null ? '"]\n' : endOf(forwardSeed, trace)
  return `[${id}${times}${placeOf(workflow, step)}${transactionId}","${idempotencySeed}${end}${body}\n`
}

/** What comes with an event may hold anything. */
function endOf(forwardSeed: string | null, trace: string | null): string {
  const undone = forwardSeed === null ? 'null' : `"${forwardSeed}"`
  return trace === null ? `",${undone}]\n` : `",${undone},${JSON.stringify(trace)}]\n`
}

/** Of one frame most are the same. */
const last = { attempt: 0, timeoutMs: 0, deadlineMs: 0, text: '' }

function timesOf(attempt: number, timeoutMs: number, deadlineMs: number): string {
  if (last.attempt !== attempt || last.timeoutMs !== timeoutMs || last.deadlineMs !== deadlineMs) {
    last.text = `,${attempt},${timeoutMs},${deadlineMs},`
    last.attempt = attempt
    last.timeoutMs = timeoutMs
    last.deadlineMs = deadlineMs
  }
  return last.text
}

/** There are few places, and each comes again and again. */
const placesMax = 10_000
const places = new Map<string, Map<string, string>>()
let placesKnown = 0

/** Ends where the transaction's id begins. */
function placeOf(workflow: string, step: string): string {
  return places.get(workflow)?.get(step) ?? newPlace(workflow, step)
}

function newPlace(workflow: string, step: string): string {
  if (++placesKnown > placesMax) {
    places.clear()
    placesKnown = 1
  }
  const steps = places.get(workflow) ?? new Map<string, string>()
  const text = `${JSON.stringify(workflow)},${JSON.stringify(step)},"`
  places.set(workflow, steps.set(step, text))
  return text
}

/** First line of an attempt that ended well, and wrote and sent nothing more: `+17 1790000000000000 42`. */
export function writeGood(id: number, startedUs: number, finishedUs: number, output: string): string {
  return `+${id} ${stampText(startedUs)} ${finishedUs - startedUs}\n${output}\n`
}

/** The number's text, made of two halves: sixteen digits at once are no small integer, and take five times as long. */
function stampText(us: number): string {
  const millions = Math.floor(us / million)
  if (millions !== lastMillions) {
    lastMillions = millions
    lastMillionsText = String(millions)
  }
  return lastMillionsText + String(million + (us - millions * million)).slice(1)
}

const million = 1_000_000
let lastMillions = -1
let lastMillionsText = ''

export function isGood(line: string): boolean {
  return line.charCodeAt(0) === plus
}

/** NaN for each of them that is no number. An id may be below 0, and so may what it took: whose clock was set back has ended before it began. */
export function readGood(line: string): readonly [id: number, startedUs: number, finishedUs: number] {
  const first = line.indexOf(' ')
  const second = line.indexOf(' ', first + 1)
  const startedUs = digits(line, first + 1, second)
  return [signed(line, 1, first), startedUs, startedUs + signed(line, second + 1, line.length)]
}

function signed(line: string, from: number, to: number): number {
  const isBelow = line.charCodeAt(from) === minus
  return isBelow ? -digits(line, from + 1, to) : digits(line, from, to)
}

/** As `Number` reads them, without a text of their own. */
function digits(line: string, from: number, to: number): number {
  let number = from < to ? 0 : Number.NaN
  for (let at = from; at < to; at++) {
    const digit = line.charCodeAt(at) - zero
    number = digit >= 0 && digit <= 9 ? number * 10 + digit : Number.NaN
  }
  return number
}

const plus = 0x2b
const minus = 0x2d
const zero = 0x30

/**
 * Cuts a stream of text into pairs of lines. The returned function takes the next chunk and is false when a line
 * grows beyond `lineCharsMax`, or when `onPair` is: then nothing further is to be read.
 */
export function pairReader(lineCharsMax: number, onPair: (head: string, body: string) => boolean) {
  let rest = ''
  let head: string | null = null
  const onLine = (line: string): boolean => {
    if (head === null) {
      head = line
      return true
    }
    const first = head
    head = null
    return onPair(first, line)
  }
  return (chunk: string): boolean => {
    let from = 0
    for (let to = chunk.indexOf('\n'); to !== -1; to = chunk.indexOf('\n', from)) {
      const line = rest === '' ? chunk.slice(from, to) : rest + chunk.slice(from, to)
      rest = ''
      from = to + 1
      if (!onLine(line)) return false
    }
    rest += chunk.slice(from)
    return rest.length <= lineCharsMax
  }
}
