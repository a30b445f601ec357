/** `docs/telemetry.md` says what there is: its metrics, its alerts, its example of a function. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../../src/base/package-root.ts'
import { until } from '../../src/base/poll.ts'
import { metrics } from '../../src/telemetry/names.ts'
import { freshProject } from '../support/project.ts'
import { bench, facts } from '../worker/harness.ts'

const read = (path: string) => readFileSync(join(packageRoot(), path), 'utf8')
const text = read('docs/telemetry.md')

test('its metrics are those that there are', () => {
  const rows = [...text.matchAll(/^\| `([a-z_.]+\.[a-z_.]+)` \| ([^|]+) \| (.+) \|$/gm)].map(([, ...row]) => row)
  const own = Object.values(metrics).map(({ name, kind, unit, about }) => [
    name,
    unit ? `${kind}, ${unit}` : kind,
    about,
  ])
  assert.deepEqual(rows, own)
})

test('each alert is there, with what it means and what to do', () => {
  const rules = [...read('docker/telemetry/alerts.yaml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  const rows = [...text.matchAll(/^\| `(Millrace\w+)` \| [^|]+ \| [^|]+ \|$/gm)].map(([, name]) => name)
  assert.ok(rules.length > 10)
  assert.deepEqual(rows, rules)
})

test('its function makes the span it speaks of, below its attempt', async () => {
  const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(text) ?? []
  const functionsDir = await freshProject({ 'look.ts': example })
  using told = facts('function.spans')
  await using on = await bench({ traced: true, functionsDir })
  const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const { output, logs } = await on.run('look', null, { trace })
  assert.deepEqual([output, logs], [`{"headers":{"traceparent":"${trace}"}}`, 'info looked up\n'])
  await until('its span', async () => told.all.length > 0, { forMs: 2000, everyMs: 10 })
  const [span] = JSON.parse(told.all[0]?.text ?? '[]')
  assert.deepEqual(
    [span.name, span.parentSpanId, span.attributes],
    ['look up the card', '00f067aa0ba902b7', { 'card.scheme': 'visa' }],
  )
})
