/** Every metric there is has something to tell, under names that the dashboard and the alert rules know. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../../src/base/package-root.ts'
import { publish } from '../../src/telemetry/channels.ts'
import { observer } from '../../src/telemetry/metrics/observe.ts'
import { Tallies } from '../../src/telemetry/metrics/tally.ts'
import { metrics } from '../../src/telemetry/names.ts'
import { startOpenTelemetry } from '../../src/telemetry/otel.ts'
import { facts, options, standing } from './facts.ts'

/** What Prometheus reads when each fact was told once. */
async function page(): Promise<string> {
  await using telemetry = startOpenTelemetry(options, { traces: 'none', metrics: ['prometheus'] }, () => standing)
  for (const [name, fact] of Object.entries(facts)) publish(name as 'commit', fact as never)
  const server = createServer((request, response) => telemetry.prometheus?.(request, response)).listen(0)
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`)
    return await response.text()
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const suffixes = { s: '_seconds', By: '_bytes', '1': '_ratio' } as Readonly<Record<string, string>>

function prometheusName({ name, unit, kind }: (typeof metrics)[keyof typeof metrics]): string {
  return name.replaceAll('.', '_') + (suffixes[unit] ?? '') + (kind === 'counter' ? '_total' : '')
}

test('each fact is measured, and each metric told', async () => {
  const text = await page()
  const told = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
  told.delete('target_info')
  const expected = Object.values(metrics).map((each) => [prometheusName(each), each.kind])
  assert.deepEqual([...told].toSorted(), expected.toSorted())
  const lines = text.split('\n')
  const has = (line: string) => assert.ok(lines.includes(line), `${line} in\n${text}`)
  const step = 'millrace_workflow="order",millrace_step="pay",faas_invoked_name="pay"'
  has(`faas_invocations_total{${step}} 1`)
  has(`faas_errors_total{${step},error_type="step_timeout"} 1`)
  has(`faas_timeouts_total{${step}} 1`)
  has(`faas_invoke_duration_seconds_sum{${step}} 0.01`)
  has(`faas_invoke_duration_seconds_bucket{${step},le="0.005"} 0`)
  has(`faas_invoke_duration_seconds_bucket{${step},le="0.01"} 1`)
  has(`faas_invoke_duration_seconds_bucket{${step},le="+Inf"} 1`)
  has(`millrace_attempt_phase_duration_seconds_sum{${step},millrace_phase="wait"} 0.001`)
  has(`millrace_attempt_phase_duration_seconds_sum{${step},millrace_phase="commit"} 0.002`)
  has('millrace_arrival_duration_seconds_sum{millrace_workflow="order"} 0.001')
  has('millrace_lag{messaging_destination_name="t",messaging_destination_partition_id="1"} 7')
  has(
    'millrace_dead_letters_total{messaging_destination_name="t",millrace_code="value_null",millrace_workflow="order"} 1',
  )
  has('http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="202"} 1')
  has('millrace_workers_waiting{faas_invoked_name="pay"} 3')
  // What was passed over was not sent.
  assert.match(text, /^messaging_client_sent_messages_total\{.*messaging_destination_name="out"\} 1$/m)
})

test('the dashboard and the alert rules speak of metrics that there are', () => {
  const names = new Set(
    Object.values(metrics).flatMap((each) => {
      const name = prometheusName(each)
      return each.kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
    }),
  )
  const folder = join(packageRoot(), 'docker/telemetry')
  const dashboard = readFileSync(join(folder, 'dashboard.json'), 'utf8')
  const panels = JSON.parse(dashboard).panels as { targets?: { expr: string }[] }[]
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  const rules = readFileSync(join(folder, 'alerts.yaml'), 'utf8').replaceAll(
    /^ *(?:summary|description|- alert):.*$/gm,
    '',
  )
  const labels = /\b(?:messaging|millrace|faas|http|process|nodejs)_\w+(?=\s*(?:[{[)]|$|[<>]|and))/gm
  for (const [where, text] of [
    ['dashboard', expressions.join('\n')],
    ['alerts', rules],
  ] as const) {
    const used = new Set([...text.replaceAll(/\bby \([^)]*\)/g, 'by').matchAll(labels)].map(([name]) => name))
    assert.ok(used.size > 10, `${where}: ${used.size}`)
    assert.deepEqual(
      [...used].filter((name) => !names.has(name)),
      [],
      where,
    )
  }
  const shown = [...names].filter((name) => expressions.some((each) => each.includes(name)))
  const unshown = Object.values(metrics).filter((each) => !shown.some((name) => name.startsWith(prometheusName(each))))
  assert.deepEqual(
    unshown.map(({ name }) => name),
    ['millrace.function.spans.dropped'],
  )
})

test('a metric with too many series says so, instead of growing', () => {
  const tally = new Tallies().counter('deadLetters')
  for (let n = 0; n < 3000; n++) tally.of({ n: String(n) }).add(1)
  assert.equal(tally.series.size, 2001)
  assert.equal(tally.of({ 'otel.metric.overflow': 'true' }).value, 1000)
})

test('lag is of the partitions there are now; while Kafka is away the last is told', async () => {
  const tallies = new Tallies()
  let answer: () => ReturnType<typeof standing.lag> = standing.lag
  const refresh = observer(tallies, () => ({ ...standing, lag: () => answer() }))
  const told = () =>
    [...tallies.gauge('lag').series.values()].map(({ labels, value }) => [...Object.values(labels), value])
  await refresh()
  assert.deepEqual(told(), [['t', '1', 7]])
  answer = () => Promise.reject(new Error('away'))
  await refresh()
  assert.deepEqual(told(), [['t', '1', 7]])
  answer = async () => [{ topic: 'u', partition: 0, records: 0 }] as never
  await refresh()
  assert.deepEqual(told(), [['u', '0', 0]])
})
