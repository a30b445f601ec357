/** OpenTelemetry itself, loaded only where something of it is on. */
import { hostname } from 'node:os'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { publish } from './channels.ts'
import { metricReader, prometheusPage, spanProcessor } from './exporters.ts'
import { measureFacts } from './metrics/measure.ts'
import { observer, type Standing } from './metrics/observe.ts'
import { producerOf } from './metrics/producer.ts'
import { Tallies } from './metrics/tally.ts'
import { attributes as name } from './names.ts'
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

function startMetrics(
  options: TelemetryOptions,
  to: Wanted['metrics'],
  resource: Resource,
  standing: () => Standing | null,
) {
  const tallies = new Tallies()
  const refresh = observer(tallies, standing)
  const stopMeasuring = measureFacts(tallies)
  const producer = producerOf(tallies, refresh, false)
  const pushed = to.filter((each) => each !== 'prometheus').map((each) => metricReader(options, each, producer))
  const prometheus = to.includes('prometheus') ? prometheusPage(producerOf(tallies, refresh, true)) : null
  const provider = new MeterProvider({ resource, readers: prometheus === null ? pushed : [...pushed, prometheus] })
  const answer: Telemetry['prometheus'] =
    prometheus === null ? null : (request, response) => prometheus.getMetricsRequestHandler(request, response)
  const stop = async () => {
    stopMeasuring()
    await provider.shutdown()
  }
  return { prometheus: answer, stop }
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

/** The same is said once in so long: a receiver may be away for hours. */
const sayEveryMs = 60_000

/** What the SDK has to say, such as a receiver that is away, goes into the engine's log. */
function tellTroubles(): void {
  const said = new Map<string, number>()
  const say = (message: string, ...more: unknown[]) => {
    const nowMs = performance.now()
    if (nowMs - (said.get(message) ?? Number.NEGATIVE_INFINITY) < sayEveryMs) return
    if (said.size > 100) said.clear()
    said.set(message, nowMs)
    const cause = more.map(String).join(' ').slice(0, charsMax)
    publish('notice', { level: 'warn', message: `telemetry: ${message.slice(0, charsMax)}`, ...(cause && { cause }) })
  }
  const quiet = () => undefined
  const logger = { error: say, warn: say, info: quiet, debug: quiet, verbose: quiet }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
}

/** Of what the SDK says: it has whole answers of receivers in it. */
const charsMax = 500

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
