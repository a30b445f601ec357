/** Kafka and Postgres may come up later than we do: tries again for the settings' `startTimeout`. */
import { EngineError, messageOf } from '../base/error.ts'
import { retryFor } from '../base/poll.ts'
import type { Config } from '../config.ts'
import { publish } from '../telemetry/channels.ts'

export function patiently<T>(config: Config, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  return retryFor(attempt, {
    forMs: config.startTimeout,
    initialMs: 200,
    maxMs: 5000,
    signal,
    worthRetrying: (error) => error instanceof EngineError && error.retryable,
    onRetry: (error, nextMs) =>
      publish('notice', { level: 'warn', message: `${messageOf(error)}; trying again in ${nextMs} ms` }),
  })
}
