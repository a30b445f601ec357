/** What a function emits comes with the result of an attempt that ended well, and only then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bench } from './harness.ts'

const small = { limits: { emittedMax: 3, emittedBytesMax: 1000 } }

test('given messages of every kind, then they come as they were when they were emitted', async () => {
  await using on = await bench()
  const messages = [
    { topic: 'a', value: { n: 1 } },
    { topic: 'a', key: 7, value: null, headers: { one: 'x', two: 2, three: null } },
    { topic: 'b.c', key: 'ü\u0000', value: 'text\nof two lines' },
  ]
  const { outcome, output, emitted } = await on.run('emits', { messages })
  assert.deepEqual([outcome, output], ['ok', '3'])
  assert.deepEqual(emitted, [
    { topic: 'a', key: null, value: '{"n":1}', headers: {} },
    { topic: 'a', key: '7', value: null, headers: { one: 'x', two: '2' } },
    { topic: 'b.c', key: 'ü\u0000', value: '"text\\nof two lines"', headers: {} },
  ])
})

test('given an attempt that ends otherwise, then nothing of it comes', async () => {
  await using on = await bench()
  const result = await on.run('emits', { messages: [{ topic: 'a', value: 1 }], next: 'retry' })
  assert.deepEqual([result.outcome, result.emitted], ['retry', undefined])
})

test('given what cannot be a message, then the attempt fails for good and says why', async () => {
  await using on = await bench(small)
  const wrong: readonly (readonly [unknown, string, RegExp])[] = [
    [null, 'message_invalid', /no message/],
    [{ value: 1 }, 'message_invalid', /cannot be a topic's name/],
    [{ topic: 'a/b', value: 1 }, 'message_invalid', /"a\/b" cannot be a topic's name/],
    [{ topic: 'a' }, 'message_invalid', /value for a is undefined/],
    [{ topic: 'a', key: {}, value: 1 }, 'message_invalid', /cannot be a key/],
    [{ topic: 'a', value: 1, headers: { authorization: 'x' } }, 'message_invalid', /carries credentials/],
    [{ topic: 'a', value: 1, headers: { 'Millrace-Message-Id': 'x' } }, 'message_invalid', /engine's own/],
    [{ topic: 'a', value: 'x'.repeat(1000) }, 'message_too_large', /1003 bytes of messages, 1000 are allowed/],
  ]
  for (const [message, code, said] of wrong) {
    const result = await on.run('emits', { messages: [message] })
    assert.deepEqual([result.outcome, result.errorCode, result.effectUnknown], ['fail', code, true], String(said))
    assert.match(result.errorMessage ?? '', said)
  }
  const four = Array.from({ length: 4 }, () => ({ topic: 'a', value: 1 }))
  assert.match((await on.run('emits', { messages: four })).errorMessage ?? '', /more than 3 messages/)
  const caught = await on.run('emits', { messages: [{ topic: 'a', value: 1 }, {}], caught: true })
  assert.deepEqual(caught.emitted, [{ topic: 'a', key: null, value: '1', headers: {} }])
})

test('given what is emitted after the end, then it is lost with an error, and the process lives', async () => {
  await using on = await bench()
  const { emitted } = await on.run('emits', { messages: [], next: 'stray' })
  assert.equal(emitted, undefined)
  await sleep(150)
  assert.equal((await on.run('emits', { messages: [] })).outcome, 'ok')
})
