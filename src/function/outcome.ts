/**
 * What a function's author can say besides a value: try again, or give up. Both may be returned or thrown. A plain
 * throw means try again.
 */
const brand = Symbol.for('millrace.failure')

/** A failure as a value. `code` is snake_case and lands in the ledger's `error_code`. */
export interface Failure {
  readonly kind: 'retry' | 'fail'
  readonly code: string
  readonly message: string
  /** Asked wait before the next attempt, in milliseconds; null leaves it to the step's retry policy. */
  readonly afterMs: number | null
}

/** This attempt failed, a later one may succeed. `afterMs` asks for at least that delay. */
export function retry(code: string, message: string, options: { afterMs?: number } = {}): Failure {
  return branded({ kind: 'retry', code, message, afterMs: options.afterMs ?? null })
}

/** This step failed for good: no further attempt is made. */
export function fail(code: string, message: string): Failure {
  return branded({ kind: 'fail', code, message, afterMs: null })
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && brand in value
}

function branded(failure: Failure): Failure {
  return Object.freeze(Object.defineProperty({ ...failure }, brand, { value: true }))
}
