/**
 * The world failing: a broker away, a file malformed, a setting missing. Broken code asserts instead (`assert.ts`),
 * and a function failing is a value (`function/outcome.ts`); the three are never mixed.
 */
export class EngineError extends Error {
  /** snake_case, stable: people and programs match on it. */
  readonly code: string
  /** True when the same act may succeed later without anybody changing anything. */
  readonly retryable: boolean
  /** Where and with what: an address, a file, a position. Never a credential. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'EngineError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.details = options.details ?? {}
  }
}

/** The message of whatever was thrown, on one line; strings and odd throws included. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown)
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
