/** What is written by hand on the pipe is what a parser of JSON, and of numbers, reads. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Attempt, type Surroundings } from '../../src/worker/child/attempt.ts'
import type { Invocation } from '../../src/worker/port.ts'
import { type ChildSettings, isGood, readGood, writeCall, writeGood } from '../../src/worker/wire.ts'

const invocation: Invocation = {
  id: 17,
  function: 'reserve',
  transactionId: '0192-transaction',
  workflow: 'order',
  step: 'reserve',
  attempt: 1,
  idempotencySeed: '0192-transaction/reserve/forward/1',
  forwardSeed: null,
  input: '{}',
  timeoutMs: 30_000,
  notAfterUs: null,
  alone: false,
  ahead: false,
  isSecret: false,
  trace: null,
}

const around: Surroundings = { settings: {} as ChildSettings, onText() {}, sendLogs() {} }
/** The coordinator counts its own upwards, authenticators theirs downwards. */
const id = fc.oneof(fc.nat(), fc.integer({ max: -1 }))

describe('the line of a call', () => {
  const text = fc.string({ unit: 'binary' })
  const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null })
  const parts = fc.record({
    id,
    attempt: fc.integer({ min: 1, max: 3 }),
    timeoutMs: fc.constantFrom(1, 30_000, 86_400_000),
    workflow: fc.oneof(fc.constant('order'), text),
    step: fc.oneof(fc.constant('reserve'), text),
    forwardSeed: optional(fc.constant('0192-transaction/reserve/forward/2')),
    trace: optional(text),
  })

  it('says what it is given, whatever was written before it', () => {
    fc.assert(
      fc.property(parts, fc.constantFrom(1_790_000_000_000, 1_790_000_000_001), (given, deadlineMs) => {
        const [head = '', body, rest] = writeCall({ ...invocation, ...given }, deadlineMs, '{"n":1}').split('\n')
        const { id, attempt, timeoutMs, workflow, step, forwardSeed, trace } = given
        const common = [id, attempt, timeoutMs, deadlineMs, workflow, step]
        const seeds = [invocation.transactionId, invocation.idempotencySeed]
        const more = forwardSeed === null && trace === null ? [] : [forwardSeed, ...(trace === null ? [] : [trace])]
        assert.deepEqual(JSON.parse(head), [...common, ...seeds, ...more])
        assert.deepEqual([body, rest], ['{"n":1}', ''])
        assert.equal(new Attempt(head, true, 0, around).id, id)
      }),
    )
  })
})

describe('the line of what went well', () => {
  it('is read as it was written', () => {
    const stamp = fc.oneof(fc.nat(), fc.integer({ min: 1_790_000_000_000_000, max: 1_800_000_000_000_000 }))
    fc.assert(
      fc.property(id, stamp, fc.integer(), (id, startedUs, tookUs) => {
        const [head = '', body, rest] = writeGood(id, startedUs, startedUs + tookUs, 'null').split('\n')
        assert.ok(isGood(head))
        assert.deepEqual(readGood(head), [id, startedUs, startedUs + tookUs])
        assert.deepEqual([body, rest], ['null', ''])
      }),
    )
  })

  it('gives no number for what is none', () => {
    for (const head of [
      '+',
      '+1',
      '+1 2',
      '+1 2 ',
      '+1  3',
      '+1 x 3',
      '+1 2 3x',
      '+1 2 3 4',
      '+1 -2 3',
      '+1 2 -',
      '+1 2 --3',
    ]) {
      const [, startedUs, finishedUs] = readGood(head)
      assert.ok(Number.isNaN(startedUs) || Number.isNaN(finishedUs), head)
    }
  })
})
