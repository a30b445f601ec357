/**
 * What a worker process writes on its pipe may be written by an author's code: whatever it is, each attempt gets one result of the shape
 * that the lane takes, or the process is given up; and what a function returns or throws, whatever it is, ends its attempt.
 */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { stringifyJson } from '../../src/envelope/json.ts'
import { fail } from '../../src/function/outcome.ts'
import { Attempt, type Surroundings } from '../../src/worker/child/attempt.ts'
import { perform } from '../../src/worker/child/perform.ts'
import { defaultLimits } from '../../src/worker/limits.ts'
import { enter } from '../../src/worker/pool/entry.ts'
import { listenTo } from '../../src/worker/pool/hear.ts'
import type { Child } from '../../src/worker/pool/spawn.ts'
import type { InvocationResult } from '../../src/worker/port.ts'
import { type ChildSettings, writeGood, writePair } from '../../src/worker/wire.ts'
import * as any from '../envelope/formats/any.ts'
import { fc } from '../support/fuzz.ts'
import { changes, mutated } from '../support/mutate.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 300)
const id = fc.constantFrom(1, 2, 3, 99)
const us = fc.constantFrom(0, 1_777_000_000_000_000)
const textOrNull = fc.option(any.text)

/** Pairs of lines as our child writes them, and heads that are right but for one place. */
const answer = fc.tuple(
  id,
  fc.constantFrom('ok', 'retry', 'fail', 'timeout'),
  textOrNull,
  textOrNull,
  fc.option(fc.nat()),
  us,
  us,
  textOrNull,
  fc.boolean(),
)
const message = fc.tuple(any.text, textOrNull, textOrNull, fc.dictionary(any.text, any.text, { maxKeys: 2 }))
const movement = fc.tuple(
  any.text,
  any.text,
  fc.constantFrom('1', '0', '-1', '1e3'),
  fc.constant('CZK'),
  textOrNull,
  textOrNull,
)
const right: fc.Arbitrary<readonly [unknown, unknown]> = fc.oneof(
  fc.tuple(answer, any.json),
  fc.tuple(fc.tuple(fc.constant('emitted'), id), fc.array(message, { maxLength: 2 })),
  fc.tuple(fc.tuple(fc.constant('posted'), id), fc.array(movement, { maxLength: 2 })),
  fc.tuple(fc.tuple(fc.constant('logs'), id, any.text), fc.constant(null)),
  fc.tuple(fc.tuple(fc.constant('hello'), fc.option(fc.nat()), fc.boolean(), fc.boolean()), fc.constant(null)),
  fc.tuple(fc.tuple(fc.constant('spans'), fc.nat()), any.json),
)
const broken = fc
  .tuple(right, fc.nat(9), any.json)
  .map(([[head, body], at, put]) => [(head as unknown[]).map((each, n) => (n === at ? put : each)), body] as const)
const pair = fc
  .oneof({ weight: 3, arbitrary: right }, { weight: 1, arbitrary: broken })
  .map(([head, body]) => writePair(JSON.parse(stringifyJson(head as never)), stringifyJson(body as never)))
const good = fc.tuple(id, us, any.json).map(([n, at, output]) => writeGood(n, at, at, stringifyJson(output)))
const said = fc
  .tuple(fc.array(fc.oneof(pair, good), { maxLength: 8 }), changes(0, 3))
  .map(([all, each]) => mutated(Buffer.from(all.join('')), each))

const running = () => new Map([1, 2, 3].map((n) => [n, enter({ id: n, notAfterUs: null } as never, 0)]))

/** What is heard of these bytes, which come in pieces of a size. */
function heardOf(bytes: Buffer, size: number) {
  const child = {
    process: new EventEmitter(),
    pid: 0,
    toChild: new PassThrough(),
    fromChild: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
  }
  const heard = { results: [] as InvocationResult[], garbage: 0, other: 0 }
  const other = () => void heard.other++
  const open = running()
  listenTo(child as unknown as Child, { running: open, holdsSecrets: false }, defaultLimits, {
    ...{ hello: other, unfit: other, pong: other, turned: () => undefined, ended: other },
    spans: (text, dropped) => assert.ok(typeof text === 'string' && Number.isFinite(dropped)),
    result: (_, result) => {
      assert.ok(open.delete(result.id), 'an attempt has one result')
      heard.results.push(result)
    },
    garbage: () => void heard.garbage++,
  })
  for (let at = 0; at < bytes.length; at += size)
    child.fromChild.emit('data', bytes.subarray(at, at + size).toString('latin1'))
  return heard
}

const isTextOrNull = (value: unknown) => value === null || typeof value === 'string'

function check(result: InvocationResult): void {
  assert.ok([1, 2, 3].includes(result.id))
  assert.ok(['ok', 'retry', 'fail', 'timeout'].includes(result.outcome))
  assert.ok([result.output, result.errorCode, result.errorMessage, result.logs].every(isTextOrNull))
  if (result.outcome !== 'ok') assert.ok(typeof result.errorCode === 'string' && result.output === null)
  assert.ok(Number.isSafeInteger(result.startedUs) && Number.isSafeInteger(result.finishedUs))
  assert.ok(
    result.retryAfterMs === null || (Number.isFinite(result.retryAfterMs) && result.retryAfterMs >= 0),
    `${result.retryAfterMs}`,
  )
}

test('whatever a process writes, results have their shape, and garbage is told once', () => {
  const property = fc.property(said, fc.constantFrom(1, 7, 4096), (bytes, size) => {
    const heard = heardOf(bytes, size)
    for (const each of heard.results) check(each)
    assert.ok(heard.garbage <= 1)
    const again = heardOf(bytes, 64)
    assert.deepEqual(
      [again.results.length, again.garbage, again.other],
      [heard.results.length, heard.garbage, heard.other],
    )
  })
  fc.assert(property, { numRuns: runs })
})

const throwing = (): never => {
  throw new Error('a trap')
}
const trap = new Proxy({}, { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing })
const revoked = Proxy.revocable({}, {})
revoked.revoke()
const cyclic: { self?: unknown } = {}
cyclic.self = cyclic
const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`)
const odd: Readonly<Record<string, () => unknown>> = {
  'a proxy that throws': () => trap,
  'a revoked proxy': () => revoked.proxy,
  'a cycle': () => cyclic,
  'a toJSON that throws': () => ({ toJSON: throwing }),
  'a toJSON that throws what cannot be shown': () => ({
    toJSON: () => {
      throw trap
    },
  }),
  'a toJSON that gives itself': () => {
    const own = { toJSON: () => own }
    return own
  },
  'a getter that throws': () => Object.defineProperty({}, 'a', { enumerable: true, get: throwing }),
  'a list in a list without end': () => deep,
  'a huge text': () => 'x'.repeat(8 * 1024 * 1024),
  'a list of holes': () => {
    const list: unknown[] = []
    list.length = 1_000_000
    return list
  },
  NUL: () => ({ a: 'a\0b' }),
  'half a character': () => ['\ud800'],
  'half a character as a name': () => ({ '\udc00': 1 }),
  'a long integer': () => 2n ** 200n,
  NaN: () => Number.NaN,
  infinity: () => [-Infinity, Infinity],
  'minus nothing': () => -0,
  'a function': () => throwing,
  'a symbol': () => Symbol('s'),
  'a date that is none': () => new Date(Number.NaN),
  'a map': () => new Map([[1, 2]]),
  bytes: () => new Uint8Array(3),
  'an own __proto__': () => JSON.parse('{"__proto__":{"polluted":1}}'),
  'of another realm': () => runInNewContext('({ a: [1] })'),
  'a failure whose words are traps': () => fail(trap as never, trap as never),
  'a thenable that throws': () => Object.defineProperty({}, 'then', { get: throwing }),
  'an error whose message is a trap': () => Object.defineProperty(new Error('e'), 'message', { get: throwing }),
  'an error caused by itself': () => {
    const error = new Error('e')
    error.cause = error
    return error
  },
  'an error whose cause is a trap': () => new Error('e', { cause: trap }),
  'an error with another constructor': () => Object.defineProperty(new Error('e'), 'constructor', { value: null }),
}

const settings = { outputBytesMax: 1024 * 1024 } as ChildSettings
const around: Surroundings = { settings, onText() {}, sendLogs() {} }
for (const [name, make] of Object.entries(odd)) {
  for (const late of [false, true]) {
    for (const how of ['returned', 'thrown', 'rejected'] as const) {
      test(`${name}, ${how}${late ? ' at the deadline' : ''}: it is a verdict`, async () => {
        const run = () => {
          if (how === 'returned') return make()
          if (how === 'rejected') return Promise.reject(make())
          throw make()
        }
        const attempt = new Attempt('[1,1,1000,1000,"w","s","t","k"]', true, 0, around)
        if (late) attempt.stopped = 'late'
        const fromMs = performance.now()
        const verdict = await perform({ run } as never, attempt, '{}')
        assert.ok(performance.now() - fromMs < 1000)
        if (how !== 'returned') assert.notEqual(verdict.outcome, 'ok')
        if (verdict.outcome === 'ok') assert.ok(stringifyJson(JSON.parse(verdict.output)).length <= 1024 * 1024)
        else assert.ok(typeof verdict.code === 'string' && typeof verdict.message === 'string')
        assert.equal(({} as { polluted?: unknown }).polluted, undefined)
      })
    }
  }
}
