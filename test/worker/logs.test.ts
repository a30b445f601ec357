/** What functions write, and that nobody suffers from it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bench } from './harness.ts'

describe('the logs of an attempt', { concurrency: true, timeout: 20_000 }, () => {
  it('are cut at their limit, and say how much is missing', async () => {
    await using at = await bench()
    const { output, logs } = await at.run('floods', { mb: 5, raw: false })
    assert.equal(output, '"done"')
    assert.equal(logs!.length, 16 * 1024 + `\n(${5 * 1024 * 1024 - 16 * 1024} bytes more were dropped)\n`.length)
    assert.match(logs!, /\(5226496 bytes more were dropped\)\n$/)
  })

  it('hold what a program it started has written, while it is alone', async () => {
    await using at = await bench()
    assert.equal((await at.run('raw', null)).logs, 'from a program\n')
  })

  it('are those of each attempt, though several write at once', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const results = await at.runAll(Array.from({ length: 20 }, (_, attempt) => ({ function: 'tells', attempt })))
    for (const [attempt, { logs }] of results.entries())
      assert.match(logs!, new RegExp(`^info told {"attempt":${attempt},`))
  })

  it('of a flood past console are bounded, slow nobody, and do not grow memory', async () => {
    await using at = await bench()
    const before = process.memoryUsage().rss
    const flood = at.run('floods', { mb: 300, raw: true }, { timeoutMs: 1500 })
    await at.run('echo', null)
    let slowestMs = 0
    for (let n = 0; n < 50; n++) {
      const { dispatchedUs, receivedUs } = await at.run('echo', n)
      slowestMs = Math.max(slowestMs, (receivedUs - dispatchedUs!) / 1000)
    }
    const { outcome, logs } = await flood
    assert.equal(outcome, 'timeout')
    assert.ok(logs!.length < 17 * 1024)
    assert.match(logs!, /\(\d+ raw bytes more were dropped\)/)
    assert.ok(slowestMs < 500, `an echo took ${slowestMs} ms beside a flood`)
    assert.ok(process.memoryUsage().rss - before < 150 * 1024 * 1024)
  })
})
