/** Spans that an author's function makes: told of attempts that are sampled, bounded, and never of secret fields. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import type { FunctionSpan } from '../../src/worker/wire.ts'
import { bench, facts } from './harness.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const trace = `00-${traceId}-00f067aa0ba902b7-01`
const quiet = `00-${traceId}-00f067aa0ba902b7-00`

const spansIn = (all: readonly { text: string }[]) => all.flatMap(({ text }) => JSON.parse(text) as FunctionSpan[])

test('given an attempt that is sampled, then its spans are told, each under the one around it', async () => {
  using told = facts('function.spans')
  await using on = await bench({ traced: true })
  const { output } = await on.run('spans', { spans: 2 }, { trace })
  assert.deepEqual(JSON.parse(output ?? ''), { traceparent: trace, active: traceId })
  await until('the spans', async () => spansIn(told.all).length === 2, { forMs: 2000, everyMs: 10 })
  const [inner, outer] = spansIn(told.all)
  assert.deepEqual([outer?.name, outer?.parentSpanId, outer?.traceId], ['span 2', '00f067aa0ba902b7', traceId])
  assert.deepEqual([inner?.name, inner?.parentSpanId, inner?.scope.name], ['span 1', outer?.spanId, 'fixture'])
})

test('given two attempts at once in one process, then neither finds itself in the other’s trace', async () => {
  using told = facts('function.spans')
  await using on = await bench({ traced: true })
  const other = trace.replace('4bf9', 'aaaa')
  const input = JSON.stringify({ spans: 5 })
  await on.runAll([
    { function: 'spans', input, trace },
    { function: 'spans', input, trace: other },
    { function: 'spans', input, trace: quiet },
    { function: 'spans', input },
  ])
  await until('the spans', async () => spansIn(told.all).length === 10, { forMs: 2000, everyMs: 10 })
  const of = (id: string) => spansIn(told.all).filter((span) => span.traceId === id)
  assert.deepEqual([of(traceId).length, of(other.slice(3, 35)).length], [5, 5])
})

test('given a pool that tells no spans, then what functions ask for is there, and does nothing', async () => {
  using told = facts('function.spans')
  await using on = await bench()
  const { outcome, output } = await on.run('spans', { spans: 2 }, { trace })
  assert.deepEqual([outcome, output], ['ok', JSON.stringify({ traceparent: trace, active: null })])
  assert.deepEqual(told.all, [])
})

test('given more than there is room for, then the rest is counted and dropped', async () => {
  using told = facts('function.spans')
  await using on = await bench({ traced: true, limits: { spanBytesMax: 5000 } })
  await on.run('spans', { spans: 3, text: 'x'.repeat(4000) }, { trace })
  const count = () => spansIn(told.all).length + told.all.reduce((sum, { dropped }) => sum + dropped, 0)
  await until('all of them', async () => count() === 3, { forMs: 2000, everyMs: 10 })
  assert.ok(told.all.every(({ text }) => text.length <= 5000))
})

test('given secret fields, then the process tells no span from then on', async () => {
  using told = facts('function.spans')
  await using on = await bench({ traced: true })
  await on.run('spans', { spans: 1, text: 'canary' }, { trace, isSecret: true })
  await on.run('spans', { spans: 1, text: 'canary' }, { trace })
  await sleep(100) // as long as they might take
  assert.deepEqual(told.all, [])
})
