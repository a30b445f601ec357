/** The pool as a whole: how it grows, shares and shrinks, what functions see of their surroundings, how it stops. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { bench, facts, isAlive, untilDead } from './harness.ts'

const many = (count: number, name: string, input: unknown = null) =>
  Array.from({ length: count }, () => ({ function: name, input: JSON.stringify(input) }))

describe('the pool', { concurrency: true, timeout: 20_000 }, () => {
  it('sends 61 that wait as one frame to one process that has room for them', async () => {
    await using at = await bench({ limits: { concurrency: 61, processesPerFunctionMax: 1 } })
    await at.run('echo', 0)
    using dispatched = facts('dispatch')
    const results = await at.runAll(many(61, 'echo', { n: 1 }))
    assert.ok(results.every(({ outcome }) => outcome === 'ok'))
    assert.deepEqual(
      dispatched.all.filter(({ invocations }) => invocations === 61),
      [{ function: 'echo', invocations: 61 }],
    )
  })

  it('takes 10,000 invocations in one call', async () => {
    await using at = await bench()
    const results = await at.runAll(many(10_000, 'echo', 'x'))
    assert.ok(results.every(({ output }) => output === '"x"'))
  })

  it('grows while work waits, up to its limit, and goes to zero when there is none', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 3, idleMs: 200, sweepMs: 50 } })
    const results = await at.runAll(many(12, 'one-at-a-time'))
    const pids = new Set(results.map(({ output }) => Number(output)))
    assert.ok(pids.size > 1 && pids.size <= 3, `${pids.size} processes`)
    await until('no process to be left', () => at.pool.stats().processes === 0, { forMs: 5000 })
    for (const pid of pids) await untilDead(pid, 1000)
    assert.equal((await at.run('one-at-a-time', null)).outcome, 'ok')
  })

  it('starts what is near ahead of its work, and nobody loses a place for it', async () => {
    await using at = await bench({ limits: { processesMax: 2, sweepMs: 50 } })
    const running = at.run('gives-up', null)
    await until('it to run', () => at.pool.stats().running === 1, { forMs: 5000 })
    at.pool.warm(['echo', 'gives-up', 'one-at-a-time'])
    const processesOf = (name: string) => at.pool.stats().functions.find((each) => each.name === name)?.processes ?? 0
    await until('the near one to have a process', () => processesOf('echo') === 1, { forMs: 5000 })
    assert.deepEqual([processesOf('gives-up'), processesOf('one-at-a-time')], [1, 0])
    assert.ok(at.pool.cancel(1))
    await running
  })

  it('lets many functions share few processes', async () => {
    await using at = await bench({ limits: { processesMax: 2, sweepMs: 50 } })
    const names = ['echo', 'returns', 'environment', 'throws', 'refuses']
    const results = await at.runAll(names.flatMap((name) => many(3, name, 'emoji')))
    assert.deepEqual([...new Set(results.map(({ outcome }) => outcome))].sort(), ['ok', 'retry'])
  })

  it('gives a function without a process the place of one that has more', async () => {
    await using at = await bench({ limits: { processesMax: 2, processesPerFunctionMax: 2, sweepMs: 50 } })
    const busy = at.runAll(many(20, 'one-at-a-time'))
    await until('both processes to be taken', () => at.pool.stats().processes === 2, { forMs: 5000 })
    await at.run('echo', 1)
    assert.ok(
      at.pool.stats().functions.find(({ name }) => name === 'one-at-a-time')!.waiting > 0,
      'it did not wait for all',
    )
    await busy
  })

  it('hides its environment, but for what is on the list', async () => {
    process.env.MILLRACE_TEST_SECRET = 'x'
    process.env.MILLRACE_TEST_ALLOWED = 'y'
    process.env.NODE_OPTIONS ??= ''
    await using at = await bench({ env: ['MILLRACE_TEST_ALLOWED'] })
    const names: string[] = JSON.parse((await at.run('environment', null)).output!)
    const usual = /^(PATH|HOME|LANG|LC_.*|TZ|TMPDIR)$/
    assert.deepEqual(
      names.filter((name) => !usual.test(name)),
      ['MILLRACE_TEST_ALLOWED'],
    )
    assert.ok(names.includes('PATH'))
  })

  it('ends what waits beyond its latest moment', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const first = at.run('one-at-a-time', null)
    const late = await at.run('one-at-a-time', null, { notAfterUs: Date.now() * 1000 + 30_000 })
    assert.deepEqual([late.outcome, late.errorCode, late.dispatchedUs], ['timeout', 'queue_timeout', null])
    assert.equal((await first).outcome, 'ok')
    const past = await at.run('echo', null, { notAfterUs: (Date.now() - 1000) * 1000 })
    assert.equal(past.errorCode, 'queue_timeout')
  })

  it('takes back what waits, and tells what runs to give up', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const running = at.run('gives-up', null)
    await until('it to run', () => at.pool.stats().running === 1, { forMs: 5000 })
    assert.ok(at.pool.cancel(1))
    assert.equal((await running).errorCode, 'gave_up')
    const first = at.run('one-at-a-time', null)
    const waiting = at.run('one-at-a-time', null)
    assert.ok(at.pool.cancel(3))
    const { outcome, errorCode } = await waiting
    assert.deepEqual([outcome, errorCode], ['lost', 'cancelled'])
    await first
    assert.equal(at.pool.cancel(3), false)
    assert.equal(at.pool.stats().waiting, 0)
  })

  it('finishes what it has when it is stopped with time to drain, and leaves no process', async () => {
    await using at = await bench()
    const running = at.runAll(many(3, 'sleeps', { ms: 100 }))
    await at.pool.stop({ drainMs: 5000 })
    const pids = (await running).map(({ output }) => Number(output))
    assert.ok(!pids.some(isAlive))
  })

  it('kills at once when it is stopped without; stopping twice is safe', async () => {
    await using at = await bench()
    const { output } = await at.run('blocks', false)
    void at.run('blocks', true)
    await Promise.all([at.pool.stop(), at.pool.stop()])
    await untilDead(Number(output), 1000)
    assert.equal(at.results.length, 1)
  })
})
