/** The attempts that run in this process: each begins with two lines and ends in one answer. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { systemClock } from '../../base/clock.ts'
import type { FunctionDefinition } from '../../function/define.ts'
import { storable } from '../text.ts'
import type { ChildSettings, Order } from '../wire.ts'
import { Attempt, type Surroundings } from './attempt.ts'
import { abort } from './context.ts'
import type { Link } from './link.ts'
import { perform } from './perform.ts'
import type { Tracing } from './tracing.ts'
import { unneeded, type Verdict } from './verdict.ts'

/** Which attempt the code that runs right now belongs to. */
export const current = new AsyncLocalStorage<Attempt>()

/** What an attempt has written goes ahead of its result after this, so that a kill does not take it along. */
const logsEveryMs = 200

export interface Attempts {
  /** Begins an attempt, or aborts one. */
  take(definition: FunctionDefinition, head: string, body: string): void
  /** Ends an attempt, if it has not ended yet. */
  settle(attempt: Attempt, verdict: Verdict): void
  /** Sends what attempts that still run have written. */
  sendLogs(): void
}

export function createAttempts(link: Link, settings: ChildSettings, tracing: Tracing | null): Attempts {
  const clock = systemClock()
  const open = new Map<number, Attempt>()
  let logTimer: NodeJS.Timeout | null = null

  const onText = () => {
    if (logTimer === null) logTimer = setTimeout(sendLogs, logsEveryMs).unref()
  }
  const sendLogs = () => {
    logTimer = null
    for (const attempt of open.values()) {
      const text = attempt.takeLogs()
      if (text !== null) link.send(['logs', attempt.id, text], 'null')
    }
  }
  const around: Surroundings = { settings, onText, sendLogs }

  const begin = (definition: FunctionDefinition, head: string, body: string) => {
    const attempt = new Attempt(head, definition.idempotent !== false, clock.nowUs(), around)
    open.set(attempt.id, attempt)
    const traceparent = tracing === null || !attempt.mayName(traceBegin) ? null : (attempt.call[9] ?? null)
    if (tracing === null || traceparent === null) current.run(attempt, run, definition, attempt, body)
    else tracing.within(traceparent, () => current.run(attempt, run, definition, attempt, body))
  }
  /** Without a promise where the function makes none: it is then over before the next one begins. */
  const run = (definition: FunctionDefinition, attempt: Attempt, body: string) => {
    const verdict = perform(definition, attempt, body)
    if (verdict instanceof Promise) void verdict.then((verdict) => settle(attempt, verdict))
    else settle(attempt, verdict)
  }
  const settle = (attempt: Attempt, verdict: Verdict) => {
    const { id, startedUs, stopped, timer } = attempt
    if (!open.delete(id)) return
    const finishedUs = clock.nowUs()
    if (timer !== null) clearTimeout(timer)
    const judged = stopped === 'unneeded' ? unneeded(verdict, attempt.idempotent) : verdict
    const { outcome, code, message, afterMs, output, trace, effectUnknown } = judged
    if (trace !== null) attempt.logs.write(trace)
    const given = attempt.close()
    if (outcome === 'ok' && given !== null) sendGiven(id, given.emitted, given.posted)
    const written = given?.written ?? null
    if (outcome === 'ok' && written === null) return link.sendGood(id, startedUs, finishedUs, output)
    const said = message === null ? null : storable(message.slice(0, settings.messageCharsMax))
    link.send([id, outcome, code, said, afterMs, startedUs, finishedUs, written, effectUnknown], output)
  }
  const sendGiven = (id: number, emitted: string | null, posted: string | null) => {
    if (emitted !== null) link.send(['emitted', id], emitted)
    if (posted !== null) link.send(['posted', id], posted)
  }
  return {
    settle,
    sendLogs,
    take(definition, head, body) {
      if (!isOrder(head)) return begin(definition, head, body)
      const order: Order = JSON.parse(head)
      if (order[0] === 'ping') return link.send(['pong'], 'null')
      const attempt = open.get(order[1])
      if (attempt !== undefined) abort(attempt, 'unneeded')
    },
  }
}

/** `["abort",…`, where a call begins with a number. */
function isOrder(head: string): boolean {
  return head.charCodeAt(1) === quote
}

const quote = 0x22

/** Of a traceparent in a call's line: few calls have one, and the others need not be read for it. */
const traceBegin = '"00-'
