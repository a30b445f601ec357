/** Whether anybody knows what an attempt did outside: what decides if a function that is not idempotent may run again. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Invocation } from '../../src/worker/port.ts'
import { type Bench, bench } from './harness.ts'

type Case = readonly [name: string, input: unknown, more?: Partial<Invocation>]

const known: Readonly<Record<string, Case>> = {
  'an output': ['echo', 1],
  'retry() returned': ['refuses', 'retry'],
  'retry() thrown': ['refuses', 'throw retry'],
  'fail() returned': ['refuses', 'fail'],
  'fail() thrown': ['refuses', 'throw fail'],
  'fail() when told of the deadline': ['gives-up', null, { timeoutMs: 3000 }],
  'input that does not fit, so it was not called': ['typed', { order: 1 }],
  'no time left when a process was free': ['echo', 1, { notAfterUs: 1 }],
}
const unknown: Readonly<Record<string, Case>> = {
  'a plain throw': ['throws', {}],
  'a throw that nobody catches': ['stray', 'promise'],
  'output that does not fit': ['typed', { order: { lines: [{ price: 13 }] } }],
  'output that is no JSON': ['returns', 'cycle'],
  'output that is too large': ['returns', 'large'],
  'output that cannot be stored': ['returns', 'nul'],
  'a kill at the deadline': ['hangs', null, { timeoutMs: 300 }],
  'giving up at the deadline by a throw': ['sleeps-with-signal', { ms: 10_000 }, { timeoutMs: 300 }],
  'an exit': ['exits', null],
  'a signal': ['kills-itself', null],
  'garbage in the pipe': ['garbles', null],
}

describe('what an attempt did is', { concurrency: true, timeout: 30_000 }, () => {
  let at: Bench
  before(async () => {
    at = await bench({ limits: { processesMax: 16, abortLeadMs: 1000 } })
  })
  after(() => at[Symbol.asyncDispose]())

  for (const [what, [name, input, more]] of Object.entries(known)) {
    it(`known after ${what}`, async () => assert.equal((await at.run(name, input, more)).effectUnknown, false))
  }
  for (const [what, [name, input, more]] of Object.entries(unknown)) {
    it(`unknown after ${what}`, async () => assert.equal((await at.run(name, input, more)).effectUnknown, true))
  }

  it('unknown when its process ends with it', async () => {
    await using alone = await bench({ limits: { processesPerFunctionMax: 1 } })
    await alone.run('sleeps', { ms: 1 })
    const together = [300, 10_000].map((timeoutMs) => ({ function: 'sleeps', input: '{"ms":60000}', timeoutMs }))
    const results = await alone.runAll(together)
    assert.deepEqual(
      results.map(({ outcome, effectUnknown }) => [outcome, effectUnknown]),
      [
        ['timeout', true],
        ['lost', true],
      ],
    )
  })

  it('known when it was cancelled before it ran', async () => {
    await using busy = await bench()
    const coming = busy.run('echo', 1)
    busy.pool.cancelWaiting()
    const { outcome, errorCode, effectUnknown } = await coming
    assert.deepEqual([outcome, errorCode, effectUnknown], ['lost', 'cancelled', false])
  })
})
