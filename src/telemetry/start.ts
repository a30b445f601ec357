/** Telemetry from its start to its end. What is off loads nothing of OpenTelemetry. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Standing } from './metrics/observe.ts'
import { type TelemetryOptions, wantedOf } from './options.ts'
import type { Traces } from './trace/traces.ts'

export interface Telemetry extends AsyncDisposable {
  /** Null: traces are handed on as they come. */
  readonly traces: Traces | null
  /** Answers what Prometheus asks; null: it is not to. */
  readonly prometheus: ((request: IncomingMessage, response: ServerResponse) => void) | null
  /** Sends what is left, for a few seconds at most. Twice is safe. */
  stop(): Promise<void>
}

/** `standing`: see `observe`. */
export async function startTelemetry(options: TelemetryOptions, standing: () => Standing | null): Promise<Telemetry> {
  const wanted = wantedOf(options)
  if (wanted.traces === 'none' && wanted.metrics.length === 0) return off
  const { startOpenTelemetry } = await import('./otel.ts')
  return startOpenTelemetry(options, wanted, standing)
}

const off: Telemetry = {
  traces: null,
  prometheus: null,
  stop: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
}
