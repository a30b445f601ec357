/** Functions that are not idempotent: a process keeps a slot first, and nothing runs before the pool is told so. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../src/base/poll.ts'
import type { PoolOptions } from '../../src/worker/pool.ts'
import type { InvocationResult } from '../../src/worker/port.ts'
import { type Bench, bench, facts } from './harness.ts'

interface Keeping extends Bench {
  /** Ids by announcement. */
  readonly reserved: number[][]
}

async function keeping(options: Partial<PoolOptions> = {}): Promise<Keeping> {
  const at = await bench(options)
  const reserved: number[][] = []
  at.pool.onReserved((ids) => void reserved.push([...ids]))
  return Object.assign(at, { reserved })
}

/** Of as many as were announced in all. */
async function announced(at: Keeping, count: number): Promise<number[]> {
  await until(`${count} to be announced`, () => at.reserved.flat().length >= count, { forMs: 8000, everyMs: 5 })
  return at.reserved.flat()
}

/** Once, so that there is a process. Answers with its id. */
async function called(at: Keeping): Promise<number> {
  const coming = at.run('once', {})
  at.pool.proceed(await announced(at, 1))
  return Number((await coming).output)
}

const once = (count: number, input: object = {}) =>
  Array.from({ length: count }, () => ({ function: 'once', input: JSON.stringify(input) }))
const what = ({ outcome, errorCode, effectUnknown }: InvocationResult) => [outcome, errorCode, effectUnknown]
const cancelled = ['lost', 'cancelled', false]

describe('a function that is not idempotent', { concurrency: true, timeout: 20_000 }, () => {
  it('is not called before the pool is told, and its time counts from there', async () => {
    await using at = await keeping()
    const coming = at.run('once', { ms: 100 }, { timeoutMs: 900 })
    const ids = await announced(at, 1)
    await sleep(1000)
    assert.deepEqual(at.results, [])
    assert.deepEqual([at.pool.stats().running, at.pool.stats().waiting], [0, 1])
    const toldUs = Date.now() * 1000
    at.pool.proceed(ids)
    const { outcome, dispatchedUs, startedUs } = await coming
    assert.equal(outcome, 'ok')
    assert.ok(dispatchedUs! >= toldUs - 50_000 && startedUs! >= toldUs - 50_000)
  })

  it('is announced and called many at a time, as many as there are slots', async () => {
    await using at = await keeping({ limits: { processesPerFunctionMax: 1 } })
    const coming = at.runAll(once(6))
    assert.equal((await announced(at, 4)).length, 4)
    using dispatched = facts('dispatch')
    at.pool.proceed(at.reserved.flat())
    await announced(at, 6)
    assert.ok(dispatched.all.some((each) => each.function === 'once' && each.invocations === 4))
    at.pool.proceed(at.reserved.flat().slice(4))
    assert.ok((await coming).every(({ outcome }) => outcome === 'ok'))
    assert.equal(new Set(at.reserved.flat()).size, 6)
  })

  it('may be told twice, and runs once', async () => {
    await using at = await keeping()
    const coming = at.run('once', {})
    const ids = await announced(at, 1)
    at.pool.proceed(ids)
    at.pool.proceed(ids)
    assert.equal((await coming).logs, 'it runs\n')
    at.pool.proceed(ids)
    await sleep(100)
    assert.equal(at.results.length, 1)
  })

  it('is cancelled while a slot is kept without having run, and the slot goes to the next', async () => {
    await using at = await keeping({ limits: { processesPerFunctionMax: 1 } })
    const coming = at.runAll(once(5))
    const [first] = await announced(at, 4)
    at.pool.cancel(first!)
    const ids = await announced(at, 5)
    at.pool.cancelWaiting(new Set([ids[1]!]))
    at.pool.proceed(ids)
    assert.deepEqual((await coming).map(what), [
      cancelled,
      cancelled,
      ['ok', null, false],
      ['ok', null, false],
      ['ok', null, false],
    ])
  })

  it('is not called any more when all that waits is cancelled', async () => {
    await using at = await keeping()
    const coming = at.runAll(once(6))
    const ids = await announced(at, 4)
    at.pool.cancelWaiting()
    at.pool.proceed(ids)
    assert.deepEqual((await coming).map(what), Array(6).fill(cancelled))
    assert.equal(at.pool.stats().waiting, 0)
  })

  it('gets another slot when its process ends before it was called, unannounced', async () => {
    await using at = await keeping({ limits: { processesPerFunctionMax: 1 } })
    const pid = await called(at)
    using gone = facts('worker.gone')
    const coming = at.run('once', {})
    const [, second] = await announced(at, 2)
    process.kill(pid, 'SIGKILL')
    await until('its end', () => gone.all.some((each) => each.pid === pid), { forMs: 5000, everyMs: 1 })
    await sleep(500)
    assert.equal(at.reserved.flat().length, 2)
    at.pool.proceed([second!])
    assert.equal((await coming).outcome, 'ok')
  })

  it('is called with its next slot when it was told while it had none', async () => {
    await using at = await keeping({ limits: { processesPerFunctionMax: 1 } })
    const pid = await called(at)
    using gone = facts('worker.gone')
    const coming = at.run('once', {})
    const [, second] = await announced(at, 2)
    process.kill(pid, 'SIGKILL')
    await until('its end', () => gone.all.some((each) => each.pid === pid), { forMs: 5000, everyMs: 1 })
    at.pool.proceed([second!])
    assert.equal((await coming).outcome, 'ok')
  })

  it('gives its slot to those behind when it is not called for too long, and is called all the same', async () => {
    const limits = { processesPerFunctionMax: 1, concurrency: 4, keepMs: 100, sweepMs: 20 }
    await using at = await keeping({ limits })
    const coming = at.runAll(once(8))
    const ids = await announced(at, 8)
    at.pool.proceed(ids)
    assert.ok((await coming).every(({ outcome, logs }) => outcome === 'ok' && logs === 'it runs\n'))
  })

  it('is not called when its time is over by then', async () => {
    await using at = await keeping()
    await called(at)
    const coming = at.run('once', {}, { notAfterUs: Date.now() * 1000 + 600_000 })
    const ids = await announced(at, 2)
    await sleep(700)
    at.pool.proceed(ids)
    const result = await coming
    assert.deepEqual([...what(result), result.logs], ['timeout', 'queue_timeout', false, null])
  })

  it('runs alone where it must', async () => {
    await using at = await keeping({ limits: { processesPerFunctionMax: 1 } })
    const coming = at.runAll(once(3).map((each) => ({ ...each, alone: true })))
    for (const count of [1, 2, 3]) {
      const ids = await announced(at, count)
      assert.equal(ids.length, count)
      at.pool.proceed(ids)
      await until('its result', () => at.results.length === count, { forMs: 5000, everyMs: 5 })
    }
    assert.ok((await coming).every(({ outcome }) => outcome === 'ok'))
  })

  const ends: readonly [string, object, unknown[]][] = [
    ['retry()', { end: 'retry' }, ['retry', 'busy', false]],
    ['a plain throw', { end: 'throw' }, ['retry', 'thrown', true]],
    ['an exit', { end: 'exit' }, ['crash', 'exited', true]],
    ['input that does not fit', { end: 'none' }, ['fail', 'invalid_input', false]],
  ]
  for (const [name, input, expected] of ends) {
    it(`ends after ${name} with ${expected.join(', ')}`, async () => {
      await using at = await keeping()
      const coming = at.run('once', input)
      at.pool.proceed(await announced(at, 1))
      assert.deepEqual(what(await coming), expected)
    })
  }

  it('is an unfit one when it says so in a word', async () => {
    await using at = await keeping()
    using outages = facts('function.outage')
    void at.run('idempotent-text', null).catch(() => undefined)
    const own = () => outages.all.find((fact) => fact.function === 'idempotent-text')
    await until('the outage', () => own() !== undefined, { forMs: 5000 })
    assert.match(own()!.message, /`idempotent` is neither true nor false/)
    at.pool.cancelWaiting()
  })
})
