/** What an author's function is told, and the attempt it belongs to. What few functions ask for is made when asked. */
import { inspect } from 'node:util'
import { keyOfSeed } from '../../base/key-of-seed.ts'
import type { Context, Log } from '../../function/define.ts'
import type { Attempt } from './attempt.ts'
import { emit } from './emit.ts'
import { post } from './post.ts'

/** What `run` is given. Most functions look at their input alone, so the context is made when it is looked at. */
export class Args {
  readonly input: unknown
  declare readonly context: Context
  readonly #attempt: Attempt
  #context: Context | null = null

  constructor(input: unknown, attempt: Attempt) {
    this.input = input
    this.#attempt = attempt
    Object.defineProperty(this, 'context', Args.#contextProperty)
  }

  static readonly #contextProperty = lazy(function (this: Args) {
    this.#context ??= new AttemptContext(this.#attempt)
    return this.#context
  })
}

class AttemptContext implements Context {
  readonly transactionId: string
  readonly workflow: string
  readonly step: string
  readonly attempt: number
  declare readonly idempotencyKey: string
  readonly direction: 'forward' | 'undo'
  declare readonly forwardKey: string | null
  readonly traceparent: string | null
  declare readonly deadline: Date
  declare readonly signal: AbortSignal
  declare readonly log: Log
  readonly emit: Context['emit']
  readonly post: Context['post']
  readonly #attempt: Attempt
  #log: Log | null = null

  constructor(attempt: Attempt) {
    const [, number, , , workflow, step, transactionId, , forwardSeed = null, trace = null] = attempt.call
    this.#attempt = attempt
    this.transactionId = transactionId
    this.workflow = workflow
    this.step = step
    this.attempt = number
    this.direction = forwardSeed === null ? 'forward' : 'undo'
    this.traceparent = trace
    // Closures, as a function may take them apart: `({ context: { emit } })`.
    this.emit = (message) => emit(attempt.emissions, message)
    this.post = (posting) => post(attempt.postings, posting)
    for (const [name, property] of AttemptContext.#lazies) Object.defineProperty(this, name, property)
  }

  static readonly #lazies = Object.entries({
    idempotencyKey: lazy(function (this: AttemptContext) {
      return keyOfSeed(this.#attempt.call[7])
    }),
    forwardKey: lazy(function (this: AttemptContext) {
      const [, , , , , , , , forwardSeed = null] = this.#attempt.call
      return forwardSeed === null ? null : keyOfSeed(forwardSeed)
    }),
    deadline: lazy(function (this: AttemptContext) {
      return new Date(this.#attempt.call[3])
    }),
    signal: lazy(function (this: AttemptContext) {
      return signalOf(this.#attempt)
    }),
    log: lazy(function (this: AttemptContext) {
      this.#log ??= logOf(this.#attempt)
      return this.#log
    }),
  })
}

/** An object's own property, so that `{ ...context }` has it; one for all objects costs a third of a getter in each. */
function lazy<This>(get: (this: This) => unknown): PropertyDescriptor {
  return { enumerable: true, get }
}

/** Aborts now, whether or not the function has asked for its signal yet. */
export function abort(attempt: Attempt, why: keyof typeof reasons): void {
  attempt.stopped ??= why
  attempt.abort ??= new AbortController()
  attempt.abort.abort(new DOMException(reasons[why], 'AbortError'))
}

const reasons = { late: 'the deadline is reached', unneeded: 'nobody needs the attempt any more' }

function signalOf(attempt: Attempt): AbortSignal {
  if (attempt.abort === null) {
    const { settings, sendLogs } = attempt.around
    attempt.abort = new AbortController()
    const [, , timeoutMs, deadlineMs] = attempt.call
    const leadMs = Math.min(settings.abortLeadMs, timeoutMs / 10)
    const inMs = Math.max(0, deadlineMs - leadMs - Date.now())
    const onDeadline = () => {
      abort(attempt, 'late')
      // The kill is near.
      setImmediate(sendLogs)
    }
    if (inMs < timerMsMax) attempt.timer = setTimeout(onDeadline, inMs).unref()
  }
  return attempt.abort.signal
}

/** Node's timers know no more. */
const timerMsMax = 2 ** 31 - 1

function logOf({ logs }: Attempt): Log {
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    logs.write(`${level} ${message}${fields === undefined ? '' : ` ${asJson(fields)}`}\n`)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function asJson(fields: Record<string, unknown>): string {
  try {
    return JSON.stringify(fields, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
  } catch {
    return inspect(fields, { breakLength: Number.POSITIVE_INFINITY })
  }
}
