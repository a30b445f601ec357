/** What an author's function is told, and the attempt it belongs to. What few functions ask for is made when asked. */
import { inspect } from 'node:util'
import { keyOfSeed } from '../../base/key-of-seed.ts'
import type { Context, Log } from '../../function/define.ts'
import type { Call } from '../wire.ts'
import { type Emissions, emit } from './emit.ts'
import type { LogBook } from './logs.ts'
import { type Postings, post } from './post.ts'

export interface Attempt {
  readonly id: number
  /** By its function's own word. */
  readonly idempotent: boolean
  readonly logs: LogBook
  readonly emissions: Emissions
  readonly postings: Postings
  readonly startedUs: number
  /** Made when the function first asks for its signal, or the pool aborts it. */
  abort: AbortController | null
  /** Why its signal was aborted: its deadline is reached, or nobody needs it any more. The first reason counts. */
  stopped: 'late' | 'unneeded' | null
  /** Aborts the signal just before the deadline. */
  timer: NodeJS.Timeout | null
  readonly call: Call
}

/** `sendLogs` is called when the deadline has aborted the signal: the kill is near. */
export function contextOf(attempt: Attempt, abortLeadMs: number, sendLogs: () => void): Context {
  const [, transactionId, workflow, step, number, idempotencySeed, deadlineMs, , forwardSeed = null, trace] =
    attempt.call
  let log: Log | null = null
  return {
    transactionId,
    workflow,
    step,
    attempt: number,
    get idempotencyKey() {
      return keyOfSeed(idempotencySeed)
    },
    direction: forwardSeed === null ? 'forward' : 'undo',
    get forwardKey() {
      return forwardSeed === null ? null : keyOfSeed(forwardSeed)
    },
    traceparent: trace ?? null,
    get deadline() {
      return new Date(deadlineMs)
    },
    get signal() {
      return signalOf(attempt, abortLeadMs, sendLogs)
    },
    emit: (message) => emit(attempt.emissions, message),
    post: (posting) => post(attempt.postings, posting),
    get log() {
      log ??= logOf(attempt.logs)
      return log
    },
  }
}

/** Aborts now, whether or not the function has asked for its signal yet. */
export function abort(attempt: Attempt, why: keyof typeof reasons): void {
  attempt.stopped ??= why
  attempt.abort ??= new AbortController()
  attempt.abort.abort(new DOMException(reasons[why], 'AbortError'))
}

const reasons = { late: 'the deadline is reached', unneeded: 'nobody needs the attempt any more' }

function signalOf(attempt: Attempt, abortLeadMs: number, sendLogs: () => void): AbortSignal {
  if (attempt.abort === null) {
    attempt.abort = new AbortController()
    const [, , , , , , deadlineMs, timeoutMs] = attempt.call
    const leadMs = Math.min(abortLeadMs, timeoutMs / 10)
    const inMs = Math.max(0, deadlineMs - leadMs - Date.now())
    const onDeadline = () => {
      abort(attempt, 'late')
      setImmediate(sendLogs)
    }
    if (inMs < timerMsMax) attempt.timer = setTimeout(onDeadline, inMs).unref()
  }
  return attempt.abort.signal
}

/** Node's timers know no more. */
const timerMsMax = 2 ** 31 - 1

function logOf(book: LogBook): Log {
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    book.write(`${level} ${message}${fields === undefined ? '' : ` ${asJson(fields)}`}\n`)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function asJson(fields: Record<string, unknown>): string {
  try {
    return JSON.stringify(fields, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
  } catch {
    return inspect(fields, { breakLength: Number.POSITIVE_INFINITY })
  }
}
