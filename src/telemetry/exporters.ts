/** Where spans and metrics go. What the SDK reads of its own environment variables (OTEL_EXPORTER_OTLP_…, OTEL_BSP_…) holds. */
import { parseKeyPairsIntoRecord } from '@opentelemetry/core'
import { OTLPMetricExporter as MetricsAsJson } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as MetricsAsProtobuf } from '@opentelemetry/exporter-metrics-otlp-proto'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { OTLPTraceExporter as TracesAsJson } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as TracesAsProtobuf } from '@opentelemetry/exporter-trace-otlp-proto'
import { metrics } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor, ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { TelemetryOptions } from './options.ts'

/** Spans that wait to be exported; what comes beyond is dropped. The SDK's 2048 are gone in a fifth of a second. */
const queueMax = 16_384
const batchMax = 2048

export function spanProcessor(options: TelemetryOptions, to: 'otlp' | 'console'): BatchSpanProcessor {
  const exporter = to === 'console' ? new ConsoleSpanExporter() : otlpSpans(options)
  return new BatchSpanProcessor(exporter, {
    ...(process.env.OTEL_BSP_MAX_QUEUE_SIZE === undefined && { maxQueueSize: queueMax }),
    ...(process.env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE === undefined && { maxExportBatchSize: batchMax }),
  })
}

function otlpSpans(options: TelemetryOptions): SpanExporter {
  const to = target(options, 'TRACES', 'v1/traces')
  return options.protocol === 'http/json' ? new TracesAsJson(to) : new TracesAsProtobuf(to)
}

export function metricReader(
  options: TelemetryOptions,
  to: 'otlp' | 'console',
  producer: metrics.MetricProducer,
): metrics.MetricReader {
  const exporter = to === 'console' ? new metrics.ConsoleMetricExporter() : otlpMetrics(options)
  const exportIntervalMillis = options.intervalMs
  // It may not be longer than the interval.
  const exportTimeoutMillis = Math.min(30_000, exportIntervalMillis)
  return new metrics.PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis,
    exportTimeoutMillis,
    metricProducers: [producer],
  })
}

/** It listens nowhere by itself. */
export function prometheusPage(producer: metrics.MetricProducer): PrometheusExporter {
  return new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true, metricProducers: [producer] })
}

function otlpMetrics(options: TelemetryOptions) {
  const to = target(options, 'METRICS', 'v1/metrics')
  return options.protocol === 'http/json' ? new MetricsAsJson(to) : new MetricsAsProtobuf(to)
}

/** A signal's own variables are more special than the common settings. */
function target({ endpoint, headers }: TelemetryOptions, signal: 'TRACES' | 'METRICS', path: string) {
  const isOwn = Boolean(process.env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`])
  const url = endpoint === null || isOwn ? null : `${endpoint.replace(/\/$/, '')}/${path}`
  const own = process.env[`OTEL_EXPORTER_OTLP_${signal}_HEADERS`]
  return {
    ...(url !== null && { url }),
    ...(headers !== null && { headers: { ...parseKeyPairsIntoRecord(headers), ...parseKeyPairsIntoRecord(own) } }),
  }
}
