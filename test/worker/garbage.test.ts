/**
 * A process may write anything into the engine's pipe, and a function that wants to can look like our own program. Whatever is
 * heard there, an attempt has one result that the ledger can hold, or the process is given up as one that writes garbage.
 */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { defaultLimits } from '../../src/worker/limits.ts'
import { type Entry, enter } from '../../src/worker/pool/entry.ts'
import { listenTo } from '../../src/worker/pool/hear.ts'
import type { Child } from '../../src/worker/pool/spawn.ts'
import type { InvocationResult } from '../../src/worker/port.ts'
import { fc } from '../support/fuzz.ts'
import { changes, mutated } from '../support/mutate.ts'
import { invocationOf } from './harness.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 400)

const id = fc.constantFrom<unknown>(1, 2, 3, 4, 99, -1, 1.5, '1', null)
const stamp = fc.oneof({ weight: 4, arbitrary: fc.nat() }, fc.constantFrom<unknown>(1e300, -1, 0.5, '7', null))
const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom<unknown>('\0', '\ud800', null, 7, {}))
const message = fc.tuple(text, text, text, fc.dictionary(fc.string({ maxLength: 4 }), text, { maxKeys: 2 }))
const movement = fc.tuple(text, text, fc.constantFrom<unknown>('1', '0', '-1', '1e3', 1), text, text, text)

const outcome = fc.constantFrom<unknown>('ok', 'retry', 'fail', 'timeout', 'crash', 'lost', '', null)
const flag = fc.constantFrom<unknown>(true, false, null, 'true')
const answer = fc.tuple(id, outcome, text, text, stamp, stamp, stamp, text, flag)
const note = fc.oneof(
  fc.tuple(fc.constantFrom('hello', 'unfit', 'logs', 'pong', 'spans', '__proto__', ''), id, text),
  fc.tuple(fc.constantFrom('emitted', 'posted'), id),
)
const body = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.array(message, { maxLength: 3 }),
  fc.array(movement, { maxLength: 3 }),
)
const pair = fc.oneof(
  fc.tuple(fc.oneof(answer, note), body).map(([head, said]) => `${JSON.stringify(head)}\n${JSON.stringify(said)}\n`),
  fc.tuple(id, stamp, stamp, body).map(([of, from, to, said]) => `+${of} ${from} ${to}\n${JSON.stringify(said)}\n`),
)
const stream = fc.tuple(fc.array(pair, { minLength: 1, maxLength: 8 }), changes(0, 3), fc.integer({ min: 1, max: 64 }))

test('whatever a process writes, an attempt has one result or none, and that one the ledger can hold', async () => {
  await fc.assert(
    fc.asyncProperty(stream, async ([pairs, each, chunkBytes]) => {
      const { child, running, results, garbage } = listened()
      const bytes = mutated(Buffer.from(pairs.join('')), each)
      for (let at = 0; at < bytes.length; at += chunkBytes) child.fromChild.push(bytes.subarray(at, at + chunkBytes))
      child.fromChild.push(null)
      for await (const _ of child.fromChild) assert.fail('all is heard by who listens')
      assert.ok(garbage.length <= 1, 'it is given up once')
      assert.equal(results.length + running.size, 3)
      for (const result of results) check(result)
    }),
    { numRuns: runs },
  )
})

interface Listened {
  readonly child: Child
  /** Those without a result. */
  readonly running: Map<number, Entry>
  readonly results: InvocationResult[]
  readonly garbage: string[]
}

function listened(): Listened {
  const running = new Map<number, Entry>()
  for (const id of [1, 2, 3]) running.set(id, enter(invocationOf(id, { function: 'echo' }), 0))
  const [results, garbage]: [InvocationResult[], string[]] = [[], []]
  const child = pipes()
  listenTo(child, { running, holdsSecrets: false }, defaultLimits, {
    result(entry, result) {
      assert.ok(running.delete(entry.invocation.id))
      results.push(result)
    },
    garbage: (what) => void garbage.push(what),
    hello() {},
    unfit() {},
    pong() {},
    spans() {},
    turned() {},
    ended() {},
  })
  return { child, running, results, garbage }
}

/** Of no process. */
function pipes(): Child & { readonly fromChild: PassThrough } {
  const [toChild, fromChild, stdout, stderr] = Array.from({ length: 4 }, () => new PassThrough()) as [
    ...PassThrough[],
  ] as [PassThrough, PassThrough, PassThrough, PassThrough]
  return { process: new EventEmitter() as Child['process'], pid: 0, toChild, fromChild, stdout, stderr }
}

/** Its JSON is Postgres' to judge: the lane writes in its place what can be. */
function check(result: InvocationResult): void {
  const { outcome, output, errorCode, errorMessage, retryAfterMs, startedUs, finishedUs, logs } = result
  assert.ok(['ok', 'retry', 'fail', 'timeout'].includes(outcome), outcome)
  assert.ok(typeof output === 'string' || output === null)
  for (const text of [errorCode, errorMessage, logs]) {
    assert.ok(text === null || (typeof text === 'string' && !/\0|\p{Surrogate}/u.test(text)), JSON.stringify(text))
  }
  assert.ok(retryAfterMs === null || Number.isFinite(retryAfterMs))
  assert.ok(Number.isSafeInteger(startedUs) && Number.isSafeInteger(finishedUs))
  for (const { topic, headers } of result.emitted ?? []) {
    assert.ok(typeof topic === 'string' && Object.values(headers).every((each) => typeof each === 'string'))
  }
  for (const { amount } of result.posted ?? []) assert.match(amount, /^[1-9]\d*$/)
}
