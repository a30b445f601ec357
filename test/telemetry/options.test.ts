/** What is on by which settings. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../../src/config.ts'
import { type TelemetryOptions, wantedOf } from '../../src/telemetry/options.ts'

const options: TelemetryOptions = {
  engine: 'e',
  traces: null,
  metrics: [],
  endpoint: null,
  headers: null,
  protocol: 'http/protobuf',
  service: 'millrace',
  sampler: 'parentbased_always_on',
  ratio: 1,
  intervalMs: 60_000,
  disabled: false,
}

const wanted = (more: Partial<TelemetryOptions>, env: Record<string, string> = {}) =>
  wantedOf({ ...options, ...more }, env)

test('nothing is on until it is asked for; an endpoint asks for both', () => {
  const endpoint = 'http://c:4318'
  assert.deepEqual(wanted({}), { traces: 'none', metrics: [] })
  assert.deepEqual(wanted({ endpoint }), { traces: 'otlp', metrics: ['otlp'] })
  assert.deepEqual(wanted({ endpoint, metrics: ['prometheus'] }), { traces: 'otlp', metrics: ['prometheus'] })
  assert.deepEqual(wanted({ endpoint, traces: 'none', metrics: ['none'] }), { traces: 'none', metrics: [] })
  assert.deepEqual(wanted({ metrics: ['prometheus'] }), { traces: 'none', metrics: ['prometheus'] })
  assert.deepEqual(wanted({ endpoint, disabled: true }), { traces: 'none', metrics: [] })
  const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:4318/v1/traces' }
  assert.deepEqual(wanted({}, own), { traces: 'otlp', metrics: [] })
})

test('what cannot be is said, by the variable and what was expected', () => {
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['OTEL_TRACES_EXPORTER', 'zipkin', /OTEL_TRACES_EXPORTER: "zipkin" is not valid, expected otlp, console, none/],
    ['OTEL_METRICS_EXPORTER', 'otlp,statsd', /expected some of otlp, prometheus, console, none/],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /expected http\/protobuf or http\/json/],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', /expected a URL such as http:\/\/collector:4318/],
    ['OTEL_TRACES_SAMPLER', 'sometimes', /expected parentbased_always_on or/],
    ['OTEL_TRACES_SAMPLER_ARG', '2', /expected a number from 0 to 1/],
  ]
  for (const [name, value, message] of wrong) assert.throws(() => loadConfig({ [name]: value }, 'nowhere'), { message })
  const config = loadConfig({ OTEL_TRACES_SAMPLER_ARG: '0.01', OTEL_METRICS_EXPORTER: 'otlp, prometheus' }, 'nowhere')
  assert.deepEqual([config['telemetry.samplerArg'], config['telemetry.metrics']], [0.01, ['otlp', 'prometheus']])
})
