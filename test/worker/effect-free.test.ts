/** Functions without effects: the pool knows them by their own word, and runs ahead of a commit nothing else. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { until } from '../../src/base/poll.ts'
import type { InvocationResult } from '../../src/worker/port.ts'
import { bench, facts } from './harness.ts'

const what = ({ outcome, errorCode, dispatchedUs }: InvocationResult) => [outcome, errorCode, dispatchedUs !== null]
const refused = ['lost', 'not_effect_free', false]

function fileOf(declared: string): string {
  return `import { defineFunction } from 'millrace'\nexport default defineFunction({ ${declared}run: ({ input }) => input })\n`
}

describe('a function without effects', { concurrency: true, timeout: 20_000 }, () => {
  it('is known once a process has said so, and run ahead then', async () => {
    await using at = await bench()
    assert.equal(at.pool.isEffectFree('pure'), false)
    assert.equal((await at.run('pure', 1)).outcome, 'ok')
    assert.equal((await at.run('echo', 1)).outcome, 'ok')
    assert.deepEqual([at.pool.isEffectFree('pure'), at.pool.isEffectFree('echo')], [true, false])
    assert.equal((await at.run('pure', 2, { ahead: true })).output, '2')
    assert.equal((await at.run('pure', 3, { ahead: true, alone: true })).output, '3')
    assert.equal((await at.run('pure', 4)).output, '4')
  })

  it('is the only one that is run ahead', async () => {
    await using at = await bench()
    assert.deepEqual(what(await at.run('echo', 1, { ahead: true })), refused)
    assert.deepEqual(what(await at.run('echo', 1, { ahead: true, alone: true })), refused)
    assert.deepEqual(what(await at.run('once', {}, { ahead: true })), refused)
    assert.equal((await at.run('echo', 2)).output, '2', 'its process takes other work')
    assert.equal((await at.run('echo', 3, { alone: true })).output, '3')
  })

  it('is one no more when its file says so', async () => {
    const functionsDir = mkdtempSync(join(tmpdir(), 'millrace-effects-'))
    try {
      const file = join(functionsDir, 'changes.js')
      writeFileSync(file, fileOf("effects: 'none', "))
      await using at = await bench({ functionsDir })
      await at.run('changes', 1)
      assert.equal(at.pool.isEffectFree('changes'), true)
      writeFileSync(file, fileOf(''))
      await at.pool.reload()
      assert.equal(at.pool.isEffectFree('changes'), false)
      assert.deepEqual(what(await at.run('changes', 2, { ahead: true })), refused)
      writeFileSync(file, fileOf("effects: 'none', "))
      await at.pool.reload()
      assert.equal((await at.run('changes', 3, { ahead: true })).output, '3')
      assert.equal(at.pool.isEffectFree('changes'), true)
    } finally {
      rmSync(functionsDir, { recursive: true, force: true })
    }
  })

  for (const [name, said] of [
    ['effects-text', /`effects` is not 'none'; leave it out if there are any/],
    ['contradicts', /leave one out/],
  ] as const) {
    it(`is an unfit one when it ${name === 'contradicts' ? 'contradicts itself' : 'says anything else'}`, async () => {
      await using at = await bench()
      using outages = facts('function.outage')
      void at.run(name, null).catch(() => undefined)
      const own = () => outages.all.find((fact) => fact.function === name)
      await until('the outage', () => own() !== undefined, { forMs: 8000 })
      assert.match(own()!.message, said)
      at.pool.cancelWaiting()
    })
  }
})
