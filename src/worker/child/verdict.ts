/** How an attempt ended, by what the function returned or threw. */
import { inspect } from 'node:util'
import { type Failure, isFailure } from '../../function/outcome.ts'
import { storable } from '../text.ts'

export interface Verdict {
  readonly outcome: 'ok' | 'retry' | 'fail'
  readonly code: string | null
  readonly message: string | null
  readonly afterMs: number | null
  /** JSON text. */
  readonly output: string
  /** For the logs: where it was thrown. */
  readonly trace: string | null
}

/** Of a code: it is a key to count by. */
const codeCharsMax = 100

export function succeeded(output: string): Verdict {
  return { outcome: 'ok', code: null, message: null, afterMs: null, output, trace: null }
}

export function failed(
  outcome: 'retry' | 'fail',
  code: unknown,
  message: unknown,
  more: { afterMs?: unknown; trace?: string } = {},
): Verdict {
  const { afterMs, trace } = more
  return {
    outcome,
    code: storable(String(code).slice(0, codeCharsMax)),
    message: String(message),
    afterMs: typeof afterMs === 'number' && afterMs >= 0 ? afterMs : null,
    output: 'null',
    trace: trace ?? null,
  }
}

export function saidSo({ kind, code, message, afterMs }: Failure): Verdict {
  return failed(kind === 'fail' ? 'fail' : 'retry', code, message, { afterMs })
}

/** A failure says what it is; a plain throw may go well the next time. Never throws itself, whatever was thrown. */
export function threw(thrown: unknown, codeOtherwise = 'thrown'): Verdict {
  try {
    if (isFailure(thrown)) return saidSo(thrown)
    const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }
    const said = typeof message === 'string' && message !== '' ? message : inspect(thrown)
    return failed('retry', typeof code === 'string' && code !== '' ? code : codeOtherwise, said, {
      trace: `${inspect(thrown)}\n`,
    })
  } catch {
    return failed('retry', codeOtherwise, 'something was thrown that cannot be shown')
  }
}
