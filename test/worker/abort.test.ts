/** An attempt that nobody needs any more ends as its function then does, and is never one to be tried again. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../src/base/poll.ts'
import type { Invocation, InvocationResult } from '../../src/worker/port.ts'
import { type Bench, bench } from './harness.ts'

const what = ({ outcome, errorCode, effectUnknown }: InvocationResult) => [outcome, errorCode, effectUnknown]

/** Runs until it says so, is aborted, and ends. */
async function aborted(at: Bench, how: string, more: Partial<Invocation> = {}): Promise<InvocationResult> {
  const id = at.results.length + 1
  const coming = at.run('aborted', how, more)
  await until('it to run', () => at.pool.stats().running === 1, { forMs: 5000, everyMs: 1 })
  at.pool.abort([id])
  return coming
}

describe('an attempt that is aborted', { concurrency: true, timeout: 20_000 }, () => {
  const ends: readonly [string, unknown[], RegExp | null][] = [
    ['value', ['ok', null, false], null],
    ['fail', ['fail', 'refused', false], /^it says no$/],
    ['retry', ['fail', 'busy', true], /^it says later$/],
    ['throw retry', ['fail', 'busy', true], /^it says later$/],
    ['throw', ['fail', 'aborted', true], /^gave up when it was aborted: the till is closed$/],
    ['signal', ['fail', 'aborted', true], /^gave up when it was aborted: /],
    ['stray', ['fail', 'aborted', true], /nobody awaits it/],
    ['exit', ['crash', 'exited', true], /exited with code 3/],
  ]
  it(`ends as its function does: ${ends.map(([how]) => how).join(', ')}`, async () => {
    await using at = await bench()
    for (const [how, expected, said] of ends) {
      const result = await aborted(at, how)
      assert.deepEqual(what(result), expected, how)
      if (said !== null) assert.match(result.errorMessage ?? '', said)
      assert.equal(result.retryAfterMs, null)
    }
  })

  it('is killed at its deadline when its function does not hear', async () => {
    await using at = await bench()
    const result = await aborted(at, 'hang', { timeoutMs: 800 })
    assert.deepEqual(what(result), ['timeout', 'step_timeout', true])
  })

  it('did nothing, if it waited', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const coming = at.runAll(Array.from({ length: 5 }, () => ({ function: 'one-at-a-time' })))
    await until('one to run', () => at.pool.stats().running === 1, { forMs: 5000, everyMs: 1 })
    at.pool.abort([2, 4, 99])
    const results = (await coming).map(what)
    const cancelled = ['lost', 'cancelled', false]
    const ok = ['ok', null, false]
    assert.deepEqual(results, [ok, cancelled, ok, cancelled, ok])
    assert.equal(at.pool.stats().waiting, 0)
  })

  it('frees the slot that was kept for it, and knows that retry() of a function that is not idempotent did nothing', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const reserved: number[] = []
    at.pool.onReserved((ids) => void reserved.push(...ids))
    const coming = at.runAll(Array.from({ length: 5 }, () => ({ function: 'once', input: '{"end":"retry","ms":300}' })))
    await until('four slots', () => reserved.length === 4, { forMs: 5000, everyMs: 1 })
    at.pool.abort([1])
    await until('a fifth', () => reserved.length === 5, { forMs: 5000, everyMs: 1 })
    at.pool.proceed([2, 3, 4, 5])
    await until('them to run', () => at.pool.stats().running === 4, { forMs: 5000, everyMs: 1 })
    at.pool.abort([2, 3, 4, 5, 1])
    const results = (await coming).map(what)
    assert.deepEqual(results, [['lost', 'cancelled', false], ...Array(4).fill(['fail', 'busy', false])])
  })
})
