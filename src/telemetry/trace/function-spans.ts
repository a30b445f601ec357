/** Spans as a worker process tells them (`FunctionSpan` of worker/wire.ts). An author's code may have written the text itself: it is looked at. */
import { type Attributes, type AttributeValue, type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { resources } from '@opentelemetry/sdk-node'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { contextOf } from './span.ts'

/** What is none is left out. */
export function functionSpans(text: string, resource: resources.Resource): ReadableSpan[] {
  return listOf(parsed(text)).flatMap((each) => spanFrom(mapOf(each), resource) ?? [])
}

type Unknown = Readonly<Record<string, unknown>>

function spanFrom(said: Unknown, resource: resources.Resource): ReadableSpan | null {
  const { traceId, spanId, parentSpanId, name, kind, status } = said
  const start = timeFrom(said.start)
  const end = timeFrom(said.end)
  if (!isId(traceId, 32) || !isId(spanId, 16) || typeof name !== 'string' || start === null || end === null) return null
  const context = contextOf(traceId, spanId)
  const scope = mapOf(said.scope)
  return {
    name,
    kind: typeof kind === 'number' && kind in SpanKind ? kind : SpanKind.INTERNAL,
    spanContext: () => context,
    ...(isId(parentSpanId, 16) && { parentSpanContext: contextOf(traceId, parentSpanId) }),
    startTime: start,
    endTime: end,
    duration: durationOf(start, end),
    status: statusFrom(mapOf(status)),
    attributes: attributesFrom(said.attributes),
    events: listOf(said.events).flatMap((each) => eventFrom(mapOf(each)) ?? []),
    links: listOf(said.links).flatMap((each) => linkFrom(mapOf(each)) ?? []),
    ended: true,
    resource,
    instrumentationScope: {
      name: typeof scope.name === 'string' ? scope.name : '',
      ...(typeof scope.version === 'string' && { version: scope.version }),
    },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

function statusFrom({ code, message }: Unknown) {
  const known = code === SpanStatusCode.OK || code === SpanStatusCode.ERROR ? code : SpanStatusCode.UNSET
  return typeof message === 'string' ? { code: known, message } : { code: known }
}

function eventFrom({ name, time, attributes }: Unknown) {
  const at = timeFrom(time)
  return typeof name !== 'string' || at === null ? null : { name, time: at, attributes: attributesFrom(attributes) }
}

function linkFrom({ traceId, spanId, attributes }: Unknown) {
  if (!isId(traceId, 32) || !isId(spanId, 16)) return null
  return { context: contextOf(traceId, spanId), attributes: attributesFrom(attributes) }
}

function attributesFrom(said: unknown): Attributes {
  return Object.fromEntries(
    Object.entries(mapOf(said)).filter((each): each is [string, AttributeValue] => isValue(each[1])),
  )
}

function isValue(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isPlain) : isPlain(value)
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function isId(value: unknown, digits: number): value is string {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value) && !/^0+$/.test(value)
}

function timeFrom(value: unknown): HrTime | null {
  if (!Array.isArray(value) || value.length !== 2) return null
  const [seconds, nanos] = value
  const isTime =
    Number.isSafeInteger(seconds) && Number.isSafeInteger(nanos) && seconds >= 0 && nanos >= 0 && nanos < 1e9
  return isTime && seconds < 2 ** 33 ? [seconds, nanos] : null
}

function durationOf([s0, n0]: HrTime, [s1, n1]: HrTime): HrTime {
  const nanos = Math.max(0, (s1 - s0) * 1e9 + (n1 - n0))
  return [Math.floor(nanos / 1e9), nanos % 1e9]
}

function mapOf(value: unknown): Unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Unknown) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
