/** How long a step waits, and that it waits as long again when it is asked again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { delayMs } from '../../src/base/backoff.ts'
import { counted, judge } from '../../src/transaction/retry.ts'
import { untouched } from '../../src/transaction/transaction.ts'
import { baseUs, ended, planOf } from './scene.ts'

const backoff = { shape: 'exponential', initialMs: 100, maxMs: 1000, jitter: false } as const

test('exponential up to its longest, fixed as it is', () => {
  const delays = [1, 2, 3, 4, 5, 100].map((attempt) => delayMs(backoff, attempt, ''))
  assert.deepEqual(delays, [100, 200, 400, 800, 1000, 1000])
  assert.equal(delayMs({ ...backoff, shape: 'fixed' }, 9, ''), 100)
})

test('jitter takes at most half away, is the same for the same, and differs between steps and attempts', () => {
  const jittered = { ...backoff, jitter: true, initialMs: 10_000, maxMs: 10_000 }
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 100 }), (seed, attempt) => {
      const delay = delayMs(jittered, attempt, seed)
      assert.ok(delay >= 5000 && delay <= 10_000 && Number.isInteger(delay))
      assert.equal(delayMs(jittered, attempt, seed), delay)
    }),
  )
  const several = new Set(Array.from({ length: 50 }, (_, at) => delayMs(jittered, 1, `seed ${at}`)))
  assert.ok(several.size > 40)
})

test('what counts: failures against the policy, losses against their own limit, success against neither', () => {
  const counts = { ...untouched, attempts: 2, failures: 1, lost: 1 }
  const table = {
    ok: [3, 1, 1],
    retry: [3, 2, 1],
    fail: [3, 2, 1],
    timeout: [3, 2, 1],
    crash: [3, 2, 1],
    lost: [3, 1, 2],
  }
  for (const [outcome, [attempts, failures, lost]] of Object.entries(table)) {
    assert.deepEqual(counted(counts, outcome as 'ok'), { ...counts, attempts, failures, lost }, outcome)
  }
  assert.deepEqual(counted(counts, 'skipped'), counts)
})

test('a delay that a function asks for is due at a whole microsecond, whatever it asks for', () => {
  const [step] = planOf('  - { id: a, uses: f }').steps
  assert.ok(step?.kind === 'invoke')
  for (const retryAfterMs of [0.00007, 1e-9, 1234.5678, Number.NaN, Number.POSITIVE_INFINITY, -5, null]) {
    const event = ended(0, 1, { outcome: 'retry', retryAfterMs })
    assert.ok(event.type === 'AttemptEnded')
    const verdict = judge(step, { ...untouched, attempts: 1, failures: 1 }, event.report, baseUs, 'seed')
    assert.ok(
      verdict.kind === 'again' && Number.isSafeInteger(verdict.dueUs),
      `${retryAfterMs}: ${JSON.stringify(verdict)}`,
    )
  }
})
