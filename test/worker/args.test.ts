/** What `run` is given is made when it is looked at; an author must not be able to tell. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bench } from './harness.ts'

test('given what run is given, then it can be copied, taken apart and used late', async () => {
  await using it = await bench()
  const { outcome, output, errorMessage, emitted, logs } = await it.run('takes-apart', { n: 1 })
  assert.equal(outcome, 'ok', String(errorMessage))
  assert.deepEqual(JSON.parse(output!), {
    args: ['context', 'input'],
    same: true,
    context: [
      'attempt',
      'deadline',
      'direction',
      'emit',
      'forwardKey',
      'idempotencyKey',
      'log',
      'post',
      'signal',
      'step',
      'traceparent',
      'transactionId',
      'workflow',
    ],
    copied: ['reserve', 'string', true, true],
  })
  assert.equal(emitted?.length, 1)
  assert.match(logs ?? '', /^info taken apart/)
})
