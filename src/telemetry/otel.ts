/** OpenTelemetry itself, loaded only where something of it is on. */
import { hostname } from 'node:os'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics'
import { publish } from './channels.ts'
import { metricReader, spanProcessor } from './exporters.ts'
import { Instruments } from './metrics/instruments.ts'
import { measureFacts } from './metrics/measure.ts'
import { observe, type Standing } from './metrics/observe.ts'
import { attributes as name, scopeName } from './names.ts'
import type { TelemetryOptions, Wanted } from './options.ts'
import type { Telemetry } from './start.ts'
import { samplingOf } from './trace/sampling.ts'
import { tellSpans } from './trace/tell.ts'
import { OwnTraces, type Traces } from './trace/traces.ts'

/** A receiver that is away holds up no stop. */
const stopMsMax = 3000

export function startOpenTelemetry(
  options: TelemetryOptions,
  { traces: tracesTo, metrics: metricsTo }: Wanted,
  standing: () => Standing | null,
): Telemetry {
  tellTroubles()
  const resource = resourceOf(options)
  const traces = tracesTo === 'none' ? null : startTraces(options, tracesTo, resource)
  const metrics = metricsTo.length === 0 ? null : startMetrics(options, metricsTo, resource, standing)
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= inTime(Promise.all([traces?.stop(), metrics?.stop()]))
    return stopped
  }
  return {
    traces: traces?.traces ?? null,
    prometheus: metrics?.prometheus ?? null,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function startTraces(options: TelemetryOptions, to: 'otlp' | 'console', resource: Resource) {
  const processor = spanProcessor(options, to)
  const traces: Traces = new OwnTraces(samplingOf(options.sampler, options.ratio))
  const telling = tellSpans(traces as OwnTraces, resource, (span) => processor.onEnd(span))
  const stop = async () => {
    telling.stop()
    await processor.shutdown()
  }
  return { traces, stop }
}

/** Prometheus has names of its own for them, so it has a provider of its own. */
function startMetrics(
  options: TelemetryOptions,
  to: Wanted['metrics'],
  resource: Resource,
  standing: () => Standing | null,
) {
  const pushed = to.filter((each) => each !== 'prometheus').map((each) => metricReader(options, each))
  const prometheus = to.includes('prometheus')
    ? new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true })
    : null
  const stops = [
    ...(pushed.length === 0 ? [] : [startMeter(pushed, resource, standing, false)]),
    ...(prometheus === null ? [] : [startMeter([prometheus], resource, standing, true)]),
  ]
  const answer: Telemetry['prometheus'] =
    prometheus === null ? null : (request, response) => prometheus.getMetricsRequestHandler(request, response)
  return { prometheus: answer, stop: () => Promise.all(stops.map((stop) => stop())) }
}

function startMeter(readers: MetricReader[], resource: Resource, standing: () => Standing | null, suffixes: boolean) {
  const provider = new MeterProvider({ resource, readers })
  const meter = provider.getMeter(scopeName)
  const instruments = new Instruments(meter, suffixes)
  const stopMeasuring = measureFacts(instruments)
  observe(meter, instruments, standing)
  return () => {
    stopMeasuring()
    return provider.shutdown()
  }
}

/** OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win. */
function resourceOf({ engine, service }: TelemetryOptions): Resource {
  const own = resourceFromAttributes({
    'service.name': service,
    'service.instance.id': `${hostname()}:${process.pid}`,
    'host.name': hostname(),
    'process.pid': process.pid,
    [name.engine]: engine,
  })
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }))
}

/** What the SDK has to say, such as a receiver that is away, goes into the engine's log. */
function tellTroubles(): void {
  const say =
    (level: 'error' | 'warn') =>
    (message: string, ...more: unknown[]) => {
      const detail = more.length === 0 ? {} : { cause: more.map(String).join(' ').slice(0, 500) }
      publish('notice', { level, message: `telemetry: ${message.slice(0, 500)}`, ...detail })
    }
  const quiet = () => undefined
  diag.setLogger(
    { error: say('error'), warn: say('warn'), info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}

function inTime(work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, stopMsMax)
    const over = () => {
      clearTimeout(timer)
      resolve()
    }
    work.then(over, over)
  })
}
