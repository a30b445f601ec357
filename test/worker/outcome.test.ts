/** What a function returns or throws, and what becomes of it. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { keyOfSeed } from '../../src/base/key-of-seed.ts'
import { type Bench, bench } from './harness.ts'

describe('the outcome of an attempt', () => {
  let at: Bench
  before(async () => {
    at = await bench()
  })
  after(() => at[Symbol.asyncDispose]())

  const outcomeOf = async (name: string, input: unknown) => {
    const { outcome, errorCode, errorMessage, retryAfterMs } = await at.run(name, input)
    return { outcome, errorCode, errorMessage, retryAfterMs }
  }

  it('is its output, as the process wrote it, with stamps in order', async () => {
    const result = await at.run('echo', { a: [1, 'ü', null] })
    assert.equal(result.outcome, 'ok')
    assert.equal(result.output, '{"a":[1,"ü",null]}')
    const { dispatchedUs, startedUs, finishedUs, receivedUs } = result
    const skewUs = 50_000 // Two processes read two clocks.
    assert.ok(dispatchedUs! <= startedUs! + skewUs && startedUs! <= finishedUs! && finishedUs! <= receivedUs + skewUs)
  })

  it('keeps integers beyond 2^53 exact', async () => {
    const [result] = await at.runAll([{ function: 'echo', input: '{"n":12345678901234567890,"m":[9007199254740993]}' }])
    assert.equal(result!.output, '{"n":12345678901234567890,"m":[9007199254740993]}')
  })

  it('takes an input with line breaks between its tokens', async () => {
    const [result] = await at.runAll([{ function: 'echo', input: '{\n "a": 1\n}' }])
    assert.equal(result!.output, '{"a":1}')
  })

  it('is a failure that was returned or thrown', async () => {
    const declined = {
      outcome: 'fail',
      errorCode: 'card_declined',
      errorMessage: 'the bank says no',
      retryAfterMs: null,
    }
    assert.deepEqual(await outcomeOf('refuses', 'fail'), declined)
    assert.deepEqual(await outcomeOf('refuses', 'throw fail'), declined)
    const busy = { outcome: 'retry', errorCode: 'busy', errorMessage: 'later' }
    assert.deepEqual(await outcomeOf('refuses', 'retry'), { ...busy, retryAfterMs: null })
    assert.deepEqual(await outcomeOf('refuses', 'throw retry'), { ...busy, retryAfterMs: 1500 })
  })

  it("is retry after a plain throw, with the author's file and line in the logs", async () => {
    const result = await at.run('throws', {})
    assert.equal(result.outcome, 'retry')
    assert.equal(result.errorCode, 'thrown')
    assert.equal(result.errorMessage, 'the till is closed')
    assert.match(result.logs!, /fixtures\/functions\/throws\.ts:6:25/)
    assert.equal((await at.run('throws', { code: 'ECONNREFUSED' })).errorCode, 'ECONNREFUSED')
  })

  it('is fail when input or output does not fit the schema, saying where', async () => {
    const lines = (...prices: unknown[]) => ({ order: { lines: prices.map((price) => ({ price })) } })
    assert.equal((await at.run('typed', lines(3, 4))).output, '{"total":7}')
    const wrongInput = await outcomeOf('typed', lines(3, 'four'))
    assert.equal(wrongInput.outcome, 'fail')
    assert.equal(wrongInput.errorCode, 'invalid_input')
    assert.match(wrongInput.errorMessage!, /^order\.lines\[1\]\.price: .*number/)
    const wrongOutput = await outcomeOf('typed', lines(13))
    assert.equal(wrongOutput.errorCode, 'invalid_output')
    assert.match(wrongOutput.errorMessage!, /^total: /)
  })

  const unwritable = {
    cycle: 'output_not_serialisable',
    'cycle with bigint': 'output_not_serialisable',
    function: 'output_not_serialisable',
    nul: 'output_unstorable',
    'lone surrogate': 'output_unstorable',
    large: 'output_too_large',
  }
  for (const [what, code] of Object.entries(unwritable)) {
    it(`is fail with ${code} for ${what}`, async () => {
      const { outcome, errorCode } = await outcomeOf('returns', what)
      assert.deepEqual({ outcome, errorCode }, { outcome: 'fail', errorCode: code })
    })
  }

  it('may be nothing, a bigint, an emoji, or just small enough', async () => {
    assert.equal((await at.run('returns', 'undefined')).output, 'null')
    assert.equal((await at.run('returns', 'bigint')).output, '{"small":7,"large":12345678901234567890}')
    assert.equal((await at.run('returns', 'emoji')).output, '"fine 😀"')
    assert.equal((await at.run('returns', 'just fits')).output!.length, 1024 * 1024)
  })

  it('of a stray throw is that of the attempt it came from', async () => {
    for (const [input, code] of Object.entries({ promise: 'unhandled_rejection', timer: 'uncaught_exception' })) {
      const { outcome, errorCode, errorMessage } = await outcomeOf('stray', input)
      assert.deepEqual([outcome, errorCode, errorMessage], ['retry', code, 'nobody awaits me'])
    }
    assert.equal((await at.run('stray', 'later')).output, '"done"')
    const crash = await outcomeOf('stray', 'nobody')
    assert.equal(crash.outcome, 'crash')
    assert.match(crash.errorMessage!, /code 1; it said: Error: nobody at all/)
  })

  it('comes with what the function was told', async () => {
    const result = await at.run('tells', null, { attempt: 4, timeoutMs: 5000 })
    const { inMs, ...told } = JSON.parse(result.output!)
    const { transactionId, workflow, step } = { transactionId: '0192-transaction', workflow: 'order', step: 'reserve' }
    assert.deepEqual(told, {
      transactionId,
      workflow,
      step,
      attempt: 4,
      idempotencyKey: keyOfSeed(`key-${result.id}`),
      direction: 'forward',
      forwardKey: null,
      aborted: false,
    })
    assert.ok(inMs > 3000 && inMs <= 5001, `the deadline is ${inMs} ms away`)
    assert.equal(result.logs, 'info told {"attempt":4,"big":"1"}\nto stderr\nno newline')
  })

  it('is told, in a compensation, the key of the step it undoes', async () => {
    const result = await at.run('tells', null, { forwardSeed: 'forward', idempotencySeed: 'undo' })
    const { direction, forwardKey, idempotencyKey } = JSON.parse(result.output!)
    const expected = ['undo', keyOfSeed('forward'), keyOfSeed('undo')]
    assert.deepEqual([direction, forwardKey, idempotencyKey], expected)
  })
})
