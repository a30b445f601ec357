/** What is said of a request that is not taken: RFC 9457, short, and never a word of what it carried. */
import { EngineError } from '../base/error.ts'

export interface Problem {
  readonly status: number
  /** snake_case, stable. */
  readonly code: string
  readonly detail?: string
  /** Seconds after which it may be tried again. */
  readonly retryAfterS?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Thrown on the way of a request; whoever answers turns it into one. */
export class Refusal extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.code)
    this.problem = problem
  }
}

export function refuse(status: number, code: string, detail?: string, more: Partial<Problem> = {}): Refusal {
  return new Refusal({ status, code, ...(detail === undefined ? {} : { detail }), ...more })
}

/** Of whatever was thrown; null: it is nothing that a request can do, but a mistake of ours. */
export function problemOf(thrown: unknown): Problem | null {
  if (thrown instanceof Refusal) return thrown.problem
  if (!(thrown instanceof EngineError)) return null
  const status = statusOf[thrown.code] ?? (/^value_not_(?!writable)/.test(thrown.code) ? 400 : undefined)
  if (status !== undefined) return { status, code: thrown.code, detail: thrown.message }
  // What an outage is called inside, with addresses, is nobody's business outside.
  if (thrown.retryable) return { status: 503, code: thrown.code, detail: outageDetail(thrown.code), retryAfterS: 1 }
  return { status: 422, code: thrown.code, detail: thrown.message }
}

/** What is not what it says it is (`value_not_xml`, …) is 400; everything else that a value is refused for is 422. */
const statusOf: Readonly<Record<string, number>> = {
  unauthenticated: 401,
  value_too_large: 413,
  message_refused: 413,
  cloudevent_invalid: 400,
  content_type_unknown: 415,
}

function outageDetail(code: string): string {
  if (code === 'door_full') return 'too much waits to be written'
  if (code === 'write_unknown')
    return 'nobody knows whether it was written: repeat it with the same Idempotency-Key, or CloudEvents id, and it counts once'
  return 'it was not taken: try again'
}

export const problemType = 'application/problem+json; charset=utf-8'

export function problemText({ status, code, detail }: Problem): string {
  const said = status === 401 ? undefined : detail
  return `${JSON.stringify({ type: 'about:blank', title: titles[status] ?? 'Error', status, code, detail: said })}\n`
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
}
