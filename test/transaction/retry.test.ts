/** How long a step waits, and that it waits as long again when it is asked again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { delayMs } from '../../src/base/backoff.ts'
import { counted, judge } from '../../src/transaction/retry.ts'
import { untouched } from '../../src/transaction/transaction.ts'
import { baseUs, ended, planOf } from './scene.ts'
import { type Stage, staged } from './stage.ts'

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

const policies: readonly [string, string, (stage: Stage) => string[], string[]][] = [
  ['on: another code', 'on: [busy]', (s) => s.retry('a', 'gone'), ['a failed gone', 'end failed gone']],
  ['on: this code', 'on: [busy]', (s) => s.retry('a', 'busy'), ['a again busy', 'timer a +1000']],
  [
    'on: a timeout by its outcome',
    'on: [timeout]',
    (s) => s.timeOut('a'),
    ['a again timeout unknown', 'timer a +1000'],
  ],
  ['never: this code', 'never: [gone]', (s) => s.retry('a', 'gone'), ['a failed gone', 'end failed gone']],
  ['never: another code', 'never: [gone]', (s) => s.retry('a', 'busy'), ['a again busy', 'timer a +1000']],
  ['never: a loss is not asked', 'never: [lost]', (s) => s.lose('a'), ['a again lost unknown', 'invoke a@2 {}']],
]
for (const [name, policy, when, expected] of policies) {
  test(`retry ${name}: ${expected[0]}`, () => {
    const stage = staged(
      `  - { id: a, uses: f, retry: { attempts: 3, backoff: fixed, initial: 1s, jitter: false, ${policy} } }`,
    )
    stage.start()
    assert.deepEqual(when(stage), expected)
  })
}

test('budget: no attempt is begun later than that after the first could be; over a restart, too', () => {
  const stage = staged(
    '  - { id: a, uses: f, retry: { attempts: 9, backoff: fixed, initial: 1s, jitter: false, budget: 2s } }',
  )
  stage.start()
  assert.deepEqual(stage.retry('a'), ['a again busy', 'timer a +1000'])
  stage.restart()
  stage.due('a', 1000)
  stage.nowMs = 1001
  assert.deepEqual(stage.retry('a'), ['a failed busy', 'end failed busy'])
})
