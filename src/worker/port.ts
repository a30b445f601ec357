/** What goes to worker processes and what comes back; the pool's public face is made of these. */

export interface Invocation {
  /** Chosen by the caller, unique among what is in flight; echoed in the result. */
  readonly id: number
  readonly function: string
  readonly transactionId: string
  readonly workflow: string
  readonly step: string
  /** From 1. */
  readonly attempt: number
  readonly idempotencyKey: string
  /** JSON text on one line. */
  readonly input: string
  /** From dispatch to kill, in milliseconds. */
  readonly timeoutMs: number
  /** Not to run past this moment (µs since 1970), even if it was dispatched late; null is without limit. */
  readonly notAfterUs: number | null
  /** Run it in a process that runs nothing else: it was lost with a process before. */
  readonly alone: boolean
}

export type AttemptOutcome = 'ok' | 'retry' | 'fail' | 'timeout' | 'crash' | 'lost'

export interface InvocationResult {
  readonly id: number
  readonly outcome: AttemptOutcome
  /** JSON text as the process wrote it, when `ok`. */
  readonly output: string | null
  readonly errorCode: string | null
  readonly errorMessage: string | null
  /** The function's wish for a delay before the next attempt. */
  readonly retryAfterMs: number | null
  /** Stamps in µs since 1970: of this process, except `startedUs` and `finishedUs`, which are the worker's own clock. */
  readonly dispatchedUs: number | null
  readonly startedUs: number | null
  readonly finishedUs: number | null
  readonly receivedUs: number
  /** What it wrote to stdout, stderr and `context.log`, bounded; null for nothing. */
  readonly logs: string | null
}
