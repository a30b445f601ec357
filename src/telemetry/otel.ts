/** OpenTelemetry itself, loaded only where something of it is on. */
import { hostname } from 'node:os'
import { resources } from '@opentelemetry/sdk-node'
import { metricReader, prometheusPage, spanProcessor } from './exporters.ts'
import { measureFacts } from './metrics/measure.ts'
import { observer, type Standing } from './metrics/observe.ts'
import { producerOf } from './metrics/producer.ts'
import { Tallies } from './metrics/tally.ts'
import { attributes as name } from './names.ts'
import type { TelemetryOptions, Wanted } from './options.ts'
import { startSdk, tellTroubles } from './sdk.ts'
import type { Telemetry } from './start.ts'
import { samplerOf, samplingOf } from './trace/sampling.ts'
import { tellSpans } from './trace/tell.ts'
import { OwnTraces, type Sampling } from './trace/traces.ts'

type Resource = resources.Resource

/** A receiver that is away holds up no stop. */
const stopMsMax = 3000

export function startOpenTelemetry(
  options: TelemetryOptions,
  { traces: tracesTo, metrics: metricsTo }: Wanted,
  standing: () => Standing | null,
): Telemetry {
  tellTroubles()
  const resource = resourceOf(options)
  const sampler = samplerOf(options.sampler, options.ratio)
  const traces = tracesTo === 'none' ? null : startTraces(options, tracesTo, resource, samplingOf(sampler))
  const metrics = metricsTo.length === 0 ? null : startMetrics(options, metricsTo, standing)
  const spanProcessors = traces === null ? [] : [traces.processor]
  const end = startSdk({ resource, sampler, spanProcessors, metricReaders: metrics?.readers ?? [] })
  let stopped: Promise<void> | undefined
  const stop = () => {
    traces?.stop()
    metrics?.stop()
    stopped ??= inTime(end())
    return stopped
  }
  return {
    traces: traces?.traces ?? null,
    prometheus: metrics?.prometheus ?? null,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function startTraces(options: TelemetryOptions, to: 'otlp' | 'console', resource: Resource, sampling: Sampling) {
  const processor = spanProcessor(options, to)
  const traces = new OwnTraces(sampling)
  // They are made of rows, when they are over, so they come to their processor without a tracer.
  const { stop } = tellSpans(traces, resource, (span) => processor.onEnd(span))
  return { traces, processor, stop }
}

function startMetrics(options: TelemetryOptions, to: Wanted['metrics'], standing: () => Standing | null) {
  const tallies = new Tallies()
  const refresh = observer(tallies, standing)
  const stop = measureFacts(tallies)
  const producer = producerOf(tallies, refresh, false)
  const pushed = to.filter((each) => each !== 'prometheus').map((each) => metricReader(options, each, producer))
  const page = to.includes('prometheus') ? prometheusPage(producerOf(tallies, refresh, true)) : null
  const prometheus: Telemetry['prometheus'] =
    page === null ? null : (request, response) => page.getMetricsRequestHandler(request, response)
  return { readers: page === null ? pushed : [...pushed, page], prometheus, stop }
}

/** OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win. */
function resourceOf({ engine, service }: TelemetryOptions): Resource {
  const own = resources.resourceFromAttributes({
    'service.name': service,
    'service.instance.id': `${hostname()}:${process.pid}`,
    'host.name': hostname(),
    'process.pid': process.pid,
    [name.engine]: engine,
  })
  return resources
    .defaultResource()
    .merge(own)
    .merge(resources.detectResources({ detectors: [resources.envDetector] }))
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
