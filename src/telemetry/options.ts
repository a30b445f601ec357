/** What telemetry is to do, from the settings. */

export const samplerNames = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const
export type SamplerName = (typeof samplerNames)[number]

export const metricExporters = ['otlp', 'prometheus', 'console', 'none'] as const
export type MetricExporter = (typeof metricExporters)[number]

export interface TelemetryOptions {
  readonly engine: string
  /** Null: `otlp` where an endpoint is set. */
  readonly traces: 'otlp' | 'console' | 'none' | null
  /** Empty: likewise. */
  readonly metrics: readonly MetricExporter[]
  /** Base URL of an OTLP receiver; null: the SDK's own (http://localhost:4318), or what is set for each signal. */
  readonly endpoint: string | null
  /** `name=value`, several separated by commas, as OpenTelemetry has them. */
  readonly headers: string | null
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly service: string
  readonly sampler: SamplerName
  /** Of a ratio sampler, from 0 to 1. */
  readonly ratio: number
  readonly intervalMs: number
  readonly disabled: boolean
}

/** What is on. */
export function wantedOf(options: TelemetryOptions, env: NodeJS.ProcessEnv = process.env): Wanted {
  if (options.disabled) return { traces: 'none', metrics: [] }
  const isSet = (signal: string) => options.endpoint !== null || Boolean(env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`])
  const traces = options.traces ?? (isSet('TRACES') ? 'otlp' : 'none')
  const metrics = options.metrics.length > 0 ? options.metrics : isSet('METRICS') ? (['otlp'] as const) : []
  return { traces, metrics: metrics.filter((each) => each !== 'none') }
}

export interface Wanted {
  readonly traces: 'otlp' | 'console' | 'none'
  readonly metrics: readonly Exclude<MetricExporter, 'none'>[]
}
