/**
 * What of OTLP's messages the tests' receiver reads: the number and type of each field
 * (https://opentelemetry.io/docs/specs/otlp/, version 1.10). What is not named here is passed over, as protobuf has it.
 */
import protobuf from 'protobufjs'

type Field = readonly [id: number, type: string, rule?: 'repeated']

/** Of the fields of `oneOf` one is there at most. */
function message(fields: Readonly<Record<string, Field>>, oneOf: readonly string[] = []) {
  const listed = Object.entries(fields).map(([name, [id, type, rule]]) => [name, { id, type, ...(rule && { rule }) }])
  return { fields: Object.fromEntries(listed), ...(oneOf.length > 0 && { oneofs: { one: { oneof: [...oneOf] } } }) }
}

const many = (id: number, type: string): Field => [id, type, 'repeated']
const attributes = (id: number): Field => many(id, 'KeyValue')

const root = protobuf.Root.fromJSON({
  nested: {
    Traces: message({ resourceSpans: many(1, 'ResourceSpans') }),
    ResourceSpans: message({ resource: [1, 'Resource'], scopeSpans: many(2, 'ScopeSpans') }),
    ScopeSpans: message({ scope: [1, 'Scope'], spans: many(2, 'Span') }),
    Span: message({
      traceId: [1, 'bytes'],
      spanId: [2, 'bytes'],
      traceState: [3, 'string'],
      parentSpanId: [4, 'bytes'],
      name: [5, 'string'],
      kind: [6, 'int32'],
      startTimeUnixNano: [7, 'fixed64'],
      endTimeUnixNano: [8, 'fixed64'],
      attributes: attributes(9),
      events: many(11, 'Event'),
      links: many(13, 'Link'),
      status: [15, 'Status'],
    }),
    Event: message({ timeUnixNano: [1, 'fixed64'], name: [2, 'string'], attributes: attributes(3) }),
    Link: message({ traceId: [1, 'bytes'], spanId: [2, 'bytes'], attributes: attributes(4) }),
    Status: message({ message: [2, 'string'], code: [3, 'int32'] }),

    Metrics: message({ resourceMetrics: many(1, 'ResourceMetrics') }),
    ResourceMetrics: message({ resource: [1, 'Resource'], scopeMetrics: many(2, 'ScopeMetrics') }),
    ScopeMetrics: message({ scope: [1, 'Scope'], metrics: many(2, 'Metric') }),
    Metric: message(
      {
        name: [1, 'string'],
        unit: [3, 'string'],
        gauge: [5, 'Numbers'],
        sum: [7, 'Numbers'],
        histogram: [9, 'Histogram'],
      },
      ['gauge', 'sum', 'histogram'],
    ),
    Numbers: message({
      dataPoints: many(1, 'NumberPoint'),
      aggregationTemporality: [2, 'int32'],
      isMonotonic: [3, 'bool'],
    }),
    NumberPoint: message(
      { timeUnixNano: [3, 'fixed64'], asDouble: [4, 'double'], asInt: [6, 'sfixed64'], attributes: attributes(7) },
      ['asDouble', 'asInt'],
    ),
    Histogram: message({ dataPoints: many(1, 'HistogramPoint'), aggregationTemporality: [2, 'int32'] }),
    HistogramPoint: message({
      count: [4, 'fixed64'],
      sum: [5, 'double'],
      bucketCounts: many(6, 'fixed64'),
      explicitBounds: many(7, 'double'),
      attributes: attributes(9),
    }),

    Resource: message({ attributes: attributes(1) }),
    Scope: message({ name: [1, 'string'], version: [2, 'string'] }),
    KeyValue: message({ key: [1, 'string'], value: [2, 'AnyValue'] }),
    AnyValue: message(
      {
        stringValue: [1, 'string'],
        boolValue: [2, 'bool'],
        intValue: [3, 'int64'],
        doubleValue: [4, 'double'],
        arrayValue: [5, 'Values'],
      },
      ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue'],
    ),
    Values: message({ values: many(1, 'AnyValue') }),
  },
})

/** By the path that it is sent to. */
export const otlpRequests: Readonly<Record<string, protobuf.Type>> = {
  '/v1/traces': root.lookupType('Traces'),
  '/v1/metrics': root.lookupType('Metrics'),
}
