/** The SDK of OpenTelemetry starts what it is told and no more, and leaves the process as it found it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metrics, trace } from '@opentelemetry/api'
import { publish } from '../../src/telemetry/channels.ts'
import { startOpenTelemetry } from '../../src/telemetry/otel.ts'
import { facts as told } from '../worker/harness.ts'
import { facts, options, standing } from './facts.ts'
import { freshReceiver } from './receiver.ts'

const start = (endpoint: string) =>
  startOpenTelemetry(
    { ...options, endpoint, traces: 'otlp', metrics: ['otlp'] },
    { traces: 'otlp', metrics: ['otlp'] },
    () => standing,
  )

/** What a program asks of OpenTelemetry's API in the engine's own process. */
const recording = () => trace.getTracer('t').startSpan('s').isRecording()

test('spans and numbers reach the receiver when it stops, and no logs', async () => {
  const receiver = await freshReceiver()
  const telemetry = start(receiver.url)
  for (const [name, fact] of Object.entries(facts)) publish(name as 'commit', fact as never)
  await telemetry.stop()
  await telemetry.stop()
  assert.deepEqual(
    receiver.spans.map(({ name }) => name),
    ['receive t', 'invoke pay'],
  )
  assert.ok(receiver.points.length > 10)
  assert.deepEqual(receiver.faults, [])
  const named = receiver.spans.map(({ resource }) => [resource['service.name'], resource['millrace.engine']])
  assert.deepEqual(named[0], ['shop', 'e'])
})

test('two in one process are no trouble, and what was registered is withdrawn', async () => {
  using notices = told('notice')
  const { url } = await freshReceiver()
  const before = metrics.getMeterProvider()
  assert.equal(recording(), false)
  const [first, second] = [start(url), start(url)]
  assert.equal(recording(), true)
  await second.stop()
  assert.equal(recording(), true, 'the first still stands')
  await first.stop()
  assert.equal(recording(), false)
  assert.equal(metrics.getMeterProvider(), before)
  assert.deepEqual(notices.all, [])
})
