/** The configuration's words for telemetry. */
import type { Config } from './config.ts'
import type { TelemetryOptions } from './telemetry/options.ts'

export function telemetryOf(config: Config): TelemetryOptions {
  return {
    engine: config.engine,
    traces: config['telemetry.traces'],
    metrics: config['telemetry.metrics'],
    endpoint: config['telemetry.endpoint'],
    headers: config['telemetry.headers'],
    protocol: config['telemetry.protocol'],
    service: config['telemetry.service'],
    sampler: config['telemetry.sampler'],
    ratio: config['telemetry.samplerArg'],
    intervalMs: config['telemetry.exportInterval'],
    disabled: config['telemetry.disabled'],
  }
}
