/** How an attempt ended, by what the function returned or threw. */
import { inspect } from 'node:util'
import { type Failure, isFailure } from '../../function/outcome.ts'
import { storable } from '../text.ts'
import { isMisuse } from './misuse.ts'

export interface Verdict {
  readonly outcome: 'ok' | 'retry' | 'fail' | 'timeout'
  readonly code: string | null
  readonly message: string | null
  readonly afterMs: number | null
  /** JSON text. */
  readonly output: string
  /** For the logs: where it was thrown. */
  readonly trace: string | null
  /** Nobody knows what the function did outside: it threw or gave up, or its answer makes no sense. */
  readonly effectUnknown: boolean
}

/** Of a code: it is a key to count by. */
const codeCharsMax = 100

export function succeeded(output: string): Verdict {
  return { outcome: 'ok', code: null, message: null, afterMs: null, output, trace: null, effectUnknown: false }
}

export function failed(
  outcome: 'retry' | 'fail' | 'timeout',
  code: unknown,
  message: unknown,
  more: { afterMs?: unknown; trace?: string; effectUnknown?: boolean } = {},
): Verdict {
  const { afterMs, trace, effectUnknown = false } = more
  return {
    outcome,
    code: storable(String(code).slice(0, codeCharsMax)),
    message: String(message),
    afterMs: typeof afterMs === 'number' && afterMs >= 0 ? afterMs : null,
    output: 'null',
    trace: trace ?? null,
    effectUnknown,
  }
}

/** The function came to its end, and what it answered is none: what it did is not known by it. */
export function answeredNothing(code: string, message: string): Verdict {
  return failed('fail', code, message, { effectUnknown: true })
}

/** Who says so knows what was done: nothing that a further attempt would double. */
export function saidSo(failure: Failure): Verdict {
  const { kind, code, message, afterMs } = failure
  if (isMisuse(failure)) return answeredNothing(code, message)
  return failed(kind === 'fail' ? 'fail' : 'retry', code, message, { afterMs })
}

/** It was told of its deadline by the signal and gave up, instead of being killed at it; a failure still says what it is. */
export function gaveUp(thrown: unknown): Verdict {
  const verdict = threw(thrown)
  if (verdict.outcome === 'fail' || !verdict.effectUnknown) return verdict
  const { message, trace } = verdict
  const more = { effectUnknown: true, ...(trace !== null && { trace }) }
  return failed('timeout', 'step_timeout', `gave up at its deadline: ${message}`, more)
}

/**
 * Nobody needs it any more, so it will not be tried again, whatever it asks for. What a further attempt would have found out
 * then stays unknown; only a function that is not idempotent says by `retry()` that it did nothing.
 */
export function unneeded(verdict: Verdict, idempotent: boolean): Verdict {
  if (verdict.outcome !== 'retry') return verdict
  if (!verdict.effectUnknown) return { ...verdict, outcome: 'fail', afterMs: null, effectUnknown: idempotent }
  const message = `gave up when it was aborted: ${verdict.message}`
  return { ...verdict, outcome: 'fail', code: 'aborted', message, afterMs: null }
}

/** `fetch failed` says little: what is behind it says why. */
function causeOf(thrown: unknown): string {
  const { cause } = thrown as { cause?: unknown }
  if (cause === undefined || cause === null) return ''
  const { message, code } = cause as { message?: unknown; code?: unknown }
  const said = [message, code].find((one) => typeof one === 'string' && one !== '')
  return ` (${said ?? inspect(cause)})`
}

/** Where it was thrown in the author's code; the frames of Node and of this program below it help nobody. */
function traceOf(thrown: unknown): string {
  const lines = inspect(thrown).split('\n')
  return `${lines.filter((line) => !/^\s+at .*(?:node:internal|millrace-child-)/.test(line)).join('\n')}\n`
}

/** A failure says what it is; a plain throw may go well the next time. Never throws itself, whatever was thrown. */
export function threw(thrown: unknown, codeOtherwise = 'thrown'): Verdict {
  try {
    if (isFailure(thrown)) return saidSo(thrown)
    const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }
    const said = typeof message === 'string' && message !== '' ? message : inspect(thrown)
    return failed('retry', typeof code === 'string' && code !== '' ? code : codeOtherwise, said + causeOf(thrown), {
      trace: traceOf(thrown),
      effectUnknown: true,
    })
  } catch {
    return failed('retry', codeOtherwise, 'something was thrown that cannot be shown', { effectUnknown: true })
  }
}
