/** The attempts that run in this process: each begins with two lines and ends in one answer. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { systemClock } from '../../base/clock.ts'
import type { FunctionDefinition } from '../../function/define.ts'
import { storable } from '../text.ts'
import type { Call, ChildSettings, Order } from '../wire.ts'
import { type Attempt, abort, contextOf } from './context.ts'
import { newEmissions } from './emit.ts'
import type { Link } from './link.ts'
import { LogBook } from './logs.ts'
import { perform } from './perform.ts'
import { newPostings } from './post.ts'
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
      const text = attempt.logs.take()
      if (text !== null) link.send(['logs', attempt.id, text], 'null')
    }
  }
  const begin = (definition: FunctionDefinition, call: Call, body: string) => {
    const logs = new LogBook(settings.logBytesMax, onText)
    const attempt: Attempt = {
      id: call[0],
      call,
      logs,
      idempotent: definition.idempotent !== false,
      emissions: newEmissions(settings),
      postings: newPostings(settings),
      startedUs: clock.nowUs(),
      abort: null,
      timer: null,
      stopped: null,
    }
    open.set(attempt.id, attempt)
    const context = contextOf(attempt, settings.abortLeadMs, sendLogs)
    const run = () =>
      current.run(attempt, async () => {
        settle(
          attempt,
          await perform(definition, context, body, settings.outputBytesMax, () => attempt.stopped === 'late'),
        )
      })
    const { traceparent } = context
    void (tracing === null || traceparent === null ? run() : tracing.within(traceparent, run))
  }
  const settle = (attempt: Attempt, verdict: Verdict) => {
    if (!open.delete(attempt.id)) return
    const judged = attempt.stopped === 'unneeded' ? unneeded(verdict, attempt.idempotent) : verdict
    const { outcome, code, message, afterMs, output, trace, effectUnknown } = judged
    const finishedUs = clock.nowUs()
    if (attempt.timer !== null) clearTimeout(attempt.timer)
    if (trace !== null) attempt.logs.write(trace)
    const said = message === null ? null : storable(message.slice(0, settings.messageCharsMax))
    const { id, startedUs, logs, emissions, postings } = attempt
    const emitted = emissions.close()
    if (outcome === 'ok' && emitted !== null) link.send(['emitted', id], emitted)
    const posted = postings.close()
    if (outcome === 'ok' && posted !== null) link.send(['posted', id], posted)
    const written = logs.close()
    if (outcome === 'ok' && written === null) link.sendGood({ id, startedUs, finishedUs }, output)
    else link.send([id, outcome, code, said, afterMs, startedUs, finishedUs, written, effectUnknown], output)
  }
  return {
    settle,
    sendLogs,
    take(definition, head, body) {
      const call: Call | Order = JSON.parse(head)
      if (call[0] === 'ping') return link.send(['pong'], 'null')
      if (call[0] !== 'abort') return begin(definition, call as Call, body)
      const attempt = open.get(call[1])
      if (attempt !== undefined) abort(attempt, 'unneeded')
    },
  }
}
