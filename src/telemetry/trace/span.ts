/** A span as OpenTelemetry's exporters take it: all is known when it is told, so nothing is started and ended. */
import { type Attributes, type HrTime, type Link, type SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import type { resources } from '@opentelemetry/sdk-node'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { scopeName } from '../names.ts'

export interface Told {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | null
  readonly name: string
  readonly kind: SpanKind
  /** µs since 1970. */
  readonly startUs: number
  readonly endUs: number
  readonly attributes: Attributes
  readonly links?: Link[]
  /** Why it did not go well. */
  readonly error?: string | null
}

export function spanOf(told: Told, resource: resources.Resource): ReadableSpan {
  const { traceId, spanId, parentId, name, kind, startUs, endUs, attributes, links = [], error = null } = told
  const context = contextOf(traceId, spanId)
  return {
    name,
    kind,
    spanContext: () => context,
    ...(parentId !== null && { parentSpanContext: contextOf(traceId, parentId) }),
    startTime: timeOf(startUs),
    endTime: timeOf(Math.max(startUs, endUs)),
    duration: timeOf(Math.max(0, endUs - startUs)),
    status: error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes,
    links,
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: scopeName },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

export function contextOf(traceId: string, spanId: string) {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED }
}

function timeOf(us: number): HrTime {
  return [Math.floor(us / 1e6), (us % 1e6) * 1000]
}
