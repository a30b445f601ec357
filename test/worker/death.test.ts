/** Functions that take their process down, and who else is hurt by it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Bench, bench, facts, isAlive, untilDead } from './harness.ts'

const concurrent = { concurrency: true, timeout: 20_000 }

describe('an attempt that ends its process', concurrent, () => {
  it('by exit is a crash with the exit code and what it had written', async () => {
    await using at = await bench()
    const result = await at.run('exits', null)
    assert.deepEqual([result.outcome, result.errorCode], ['crash', 'exited'])
    assert.match(result.errorMessage!, /exited with code 3/)
    assert.equal(result.logs, 'going now\n')
  })

  it('by a signal is a crash with its name', async () => {
    await using at = await bench()
    const result = await at.run('kills-itself', null)
    assert.deepEqual([result.outcome, result.errorCode], ['crash', 'killed'])
    assert.match(result.errorMessage!, /SIGKILL/)
  })

  it('by filling its heap is a crash as out of memory', async () => {
    await using at = await bench({ limits: { heapMb: 40 } })
    const result = await at.run('eats', 'heap')
    assert.deepEqual([result.outcome, result.errorCode], ['crash', 'out_of_memory'])
  })

  it('by filling memory beside its heap is killed as out of memory', {
    skip: process.platform !== 'linux',
  }, async () => {
    await using at = await bench({ limits: { rssMb: 250, sweepMs: 50 } })
    const result = await at.run('eats', 'buffers')
    assert.deepEqual([result.outcome, result.errorCode], ['crash', 'out_of_memory'])
    assert.match(result.errorMessage!, /250 are allowed/)
  })

  it('by writing garbage into its pipe is a crash of the protocol', async () => {
    await using at = await bench()
    const result = await at.run('garbles', null)
    assert.deepEqual([result.outcome, result.errorCode], ['crash', 'protocol'])
    assert.match(result.errorMessage!, /this is no result/)
  })

  it('is followed by others in a new process', async () => {
    await using at = await bench()
    const results = await Promise.all([1, 2, 3].map(() => at.run('exits', null, { alone: true })))
    assert.deepEqual(
      results.map((result) => result.outcome),
      ['crash', 'crash', 'crash'],
    )
  })
})

describe('an attempt past its deadline', concurrent, () => {
  it('is killed though its loop turns; its signal was aborted just before', async () => {
    await using at = await bench()
    const result = await at.run('hangs', null, { timeoutMs: 400 })
    assert.deepEqual([result.outcome, result.errorCode], ['timeout', 'step_timeout'])
    const tookMs = (result.receivedUs - result.dispatchedUs!) / 1000
    assert.ok(tookMs >= 395 && tookMs < 1500, `killed after ${tookMs} ms`)
    assert.equal(result.logs, 'waiting for a letter\ntold to give up\n')
  })

  it('is killed though it never lets go of the processor', async () => {
    await using at = await bench()
    const { output } = await at.run('blocks', false)
    const result = await at.run('blocks', true, { timeoutMs: 200 })
    assert.equal(result.outcome, 'timeout')
    await untilDead(Number(output), 1000)
  })

  it('may end by itself when its signal is aborted', async () => {
    await using at = await bench()
    const result = await at.run('gives-up', null, { timeoutMs: 500 })
    assert.deepEqual([result.outcome, result.errorCode], ['fail', 'gave_up'])
  })

  it('is over at the latest moment it was given, however long its own time is', async () => {
    await using at = await bench()
    const notAfterUs = Date.now() * 1000 + 500_000
    const result = await at.run('hangs', null, { timeoutMs: 60_000, notAfterUs })
    assert.equal(result.outcome, 'timeout')
    assert.ok(Math.abs(result.receivedUs - notAfterUs) < 1_000_000)
  })

  it('takes along what it has started', async () => {
    await using at = await bench()
    const pending = at.run('has-children', { wait: true }, { timeoutMs: 700 })
    const { outcome, logs } = await pending
    assert.equal(outcome, 'timeout')
    await untilDead(Number(/child (\d+)/.exec(logs!)![1]), 1000)
  })
})

describe('the neighbours of an attempt that ends its process', concurrent, () => {
  /** In one process, all begun when the last is invoked. */
  const together = async (at: Bench, culprit: { function: string; input: string; timeoutMs?: number }) => {
    await at.run(culprit.function, warm[culprit.function as keyof typeof warm])
    return at.runAll([culprit, { ...culprit, timeoutMs: 10_000 }, { ...culprit, timeoutMs: 10_000 }])
  }
  const warm = { blocks: false, returns: 'emoji', sleeps: { ms: 1 } }

  it('at its deadline are lost, and may be run again', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const [late, ...lost] = await together(at, { function: 'sleeps', input: '{"ms":60000}', timeoutMs: 300 })
    assert.equal(late!.outcome, 'timeout')
    for (const { outcome, errorCode } of lost) assert.deepEqual([outcome, errorCode], ['lost', 'lost_with_process'])
    assert.equal((await at.run('sleeps', { ms: 1 }, { alone: true })).outcome, 'ok')
  })

  it('are no later than it when one of them blocks them all: nobody knows who it was', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const results = await together(at, { function: 'blocks', input: 'true', timeoutMs: 300 })
    assert.deepEqual(
      results.map(({ outcome, errorCode }) => [outcome, errorCode]),
      results.map(() => ['lost', 'lost_with_process']),
    )
    assert.equal((await at.run('blocks', true, { alone: true, timeoutMs: 300 })).outcome, 'timeout')
  })

  it('by its own doing are lost with it: nobody knows who it was', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    using gone = facts('worker.gone')
    const results = await at.runAll(['', '', ''].map(() => ({ function: 'exits' })))
    assert.deepEqual(new Set(results.map((result) => result.errorCode)), new Set(['lost_with_process']))
    assert.ok(
      gone.all.some(
        ({ function: name, reason, inFlight }) => name === 'exits' && reason === 'exited' && inFlight === 3,
      ),
    )
  })
})

describe('an attempt that must run alone', concurrent, () => {
  it('waits for a process to be empty, and nothing joins it', async () => {
    await using at = await bench({ limits: { processesPerFunctionMax: 1 } })
    const sleeps = (ms: number, alone = false) => ({ function: 'sleeps', input: JSON.stringify({ ms }), alone })
    await at.runAll([sleeps(1)])
    const before = at.runAll([sleeps(200), sleeps(250)])
    const alone = at.runAll([sleeps(150, true)])
    await before
    const after = at.runAll([sleeps(1), sleeps(1)])
    const [[apart], others] = await Promise.all([alone, after])
    const [first, second] = await before
    assert.ok(apart!.dispatchedUs! >= Math.max(first!.receivedUs, second!.receivedUs) - 1000)
    for (const other of others) assert.ok(other.dispatchedUs! >= apart!.receivedUs - 1000)
  })
})

it('a process that has gone takes along what it left behind', async () => {
  await using at = await bench({ limits: { idleMs: 50, sweepMs: 20 } })
  const { output } = await at.run('has-children', { wait: false })
  assert.ok(isAlive(Number(output)))
  await untilDead(Number(output), 3000)
})
