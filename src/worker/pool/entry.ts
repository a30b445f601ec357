/** An invocation on its way through the pool, and the result it ends in. */
import { type Clock, systemClock } from '../../base/clock.ts'
import type { AttemptOutcome, Emitted, Invocation, InvocationResult, Posted } from '../port.ts'
import { storable } from '../text.ts'
import type { Answer } from '../wire.ts'

/** Times are of `performance.now()`, which nobody sets back, except those in µs. */
export interface Entry {
  readonly invocation: Invocation
  /** `reserved`: a process keeps a slot for it, and nothing has been sent. */
  state: 'waiting' | 'reserved' | 'running' | 'settled'
  /** Its function is not idempotent, and whoever asked for it was told that a process is kept. */
  announced: boolean
  /** It was asked to be called: the next slot is for that. */
  proceeds: boolean
  readonly sinceMs: number
  /** Since when a slot is kept for it. */
  keptMs: number
  /** Not to run past this; Infinity is without limit. */
  readonly notAfterMs: number
  /** When its process is killed; set at dispatch. */
  deadlineMs: number
  dispatchedUs: number | null
  /** What it wrote as far as it is known. */
  logs: string
  /** Told just before the result, both. */
  emitted: readonly Emitted[] | null
  posted: readonly Posted[] | null
  /** Raw bytes of its process taken for its own, and those there was no room for. */
  rawBytes: number
  rawDropped: number
}

export const clock: Clock = systemClock()

/** `nowMs` of `performance.now()`: one for all that come together. */
export function enter(invocation: Invocation, nowMs: number): Entry {
  const { notAfterUs } = invocation
  const notAfterMs = notAfterUs === null ? Number.POSITIVE_INFINITY : nowMs + (notAfterUs - clock.nowUs()) / 1000
  return {
    invocation,
    state: 'waiting',
    announced: false,
    proceeds: false,
    sinceMs: nowMs,
    keptMs: nowMs,
    notAfterMs,
    deadlineMs: Number.POSITIVE_INFINITY,
    dispatchedUs: null,
    logs: '',
    emitted: null,
    posted: null,
    rawBytes: 0,
    rawDropped: 0,
  }
}

/** The result as its process told it, `receivedUs`. */
export function answered(entry: Entry, answer: Answer, output: string, receivedUs: number): InvocationResult {
  const [id, outcome, errorCode, errorMessage, retryAfterMs, startedUs, finishedUs, logs, effectUnknown] = answer
  const result: InvocationResult = {
    id,
    outcome,
    output: outcome === 'ok' ? output : null,
    errorCode,
    errorMessage,
    retryAfterMs,
    effectUnknown: effectUnknown && outcome !== 'ok',
    dispatchedUs: entry.dispatchedUs,
    startedUs,
    finishedUs,
    receivedUs,
    logs: logsOf(entry, logs ?? ''),
  }
  return outcome === 'ok' ? withGiven(result, entry) : result
}

/** The same for one that ended well, and wrote nothing more. */
export function answeredWell(
  entry: Entry,
  startedUs: number,
  finishedUs: number,
  output: string,
  receivedUs: number,
): InvocationResult {
  const result: InvocationResult = {
    id: entry.invocation.id,
    outcome: 'ok',
    output,
    errorCode: null,
    errorMessage: null,
    retryAfterMs: null,
    effectUnknown: false,
    dispatchedUs: entry.dispatchedUs,
    startedUs,
    finishedUs,
    receivedUs,
    logs: logsOf(entry, ''),
  }
  return withGiven(result, entry)
}

/** What it gave beside its output. */
function withGiven(result: InvocationResult, { emitted, posted }: Entry): InvocationResult {
  if (emitted === null && posted === null) return result
  return { ...result, ...(emitted !== null && { emitted }), ...(posted !== null && { posted }) }
}

/** The result of an attempt that could not tell its own. */
export function ended(entry: Entry, outcome: AttemptOutcome, errorCode: string, message: string): InvocationResult {
  return {
    id: entry.invocation.id,
    outcome,
    output: null,
    errorCode,
    errorMessage: storable(message),
    retryAfterMs: null,
    effectUnknown: entry.dispatchedUs !== null,
    dispatchedUs: entry.dispatchedUs,
    startedUs: null,
    finishedUs: null,
    receivedUs: clock.nowUs(),
    logs: logsOf(entry, ''),
  }
}

function logsOf(entry: Entry, last: string): string | null {
  const dropped = entry.rawDropped > 0 ? `\n(${entry.rawDropped} raw bytes more were dropped)\n` : ''
  const text = entry.logs + last + dropped
  return text === '' ? null : text
}
