// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** What was done is undone, in the reverse order in which it was, when a transaction does not complete. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { staged } from './stage.ts'

const retry = 'retry: { attempts: 2, backoff: fixed, initial: 1s, jitter: false }'
const chain = `
  - { id: a, uses: f, with: { n: 1 }, compensate: g, ${retry} }
  - { id: b, uses: f, compensate: { uses: g, with: { id: '\${{ output.id }}' }, ${retry} } }
  - { id: c, uses: f }`
const begun = () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a', '{"id":"A"}')
  stage.ok('b', '{"id":"B"}')
  return stage
}

test('one after the other, each given what its step gave; then it is compensated', () => {
  const stage = begun()
  assert.deepEqual(stage.fail('c', 'declined'), ['c failed declined', 'invoke ~b@1 {"id":"B"}', 'turn declined'])
  assert.equal(stage.state, 'compensating')
  assert.deepEqual(stage.ok('~b'), ['~b ok', 'invoke ~a@1 {"output":{"id":"A"}}'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end compensated declined'])
})

test('with nothing to undo it has failed', () => {
  const stage = staged(chain)
  stage.start()
  assert.deepEqual(stage.fail('a'), ['a failed no', 'end failed no'])
})

test('a step of unknown effect is undone, given null and the forward key', () => {
  const stage = staged(chain)
  stage.start()
  const { idempotencySeed } = stage.invoked('a')
  stage.timeOut('a')
  stage.due('a', 2000)
  assert.deepEqual(stage.timeOut('a'), ['a failed timeout unknown', 'invoke ~a@1 {"output":null}', 'turn timeout'])
  const undoing = stage.invoked('~a')
  assert.equal(undoing.forwardSeed, idempotencySeed)
  assert.notEqual(undoing.idempotencySeed, idempotencySeed)
  assert.equal(undoing.notAfterUs, null)
})

test('what a lost attempt left unknown stays so when the next one asks to be tried again, over a restart too', () => {
  const stage = staged(chain)
  stage.start()
  assert.deepEqual(stage.timeOut('a'), ['a again timeout unknown', 'timer a +1000'])
  stage.restart()
  stage.due('a', 1000)
  assert.deepEqual(stage.retry('a'), ['a failed busy unknown', 'invoke ~a@1 {"output":null}', 'turn busy'])
})

test('a step that said fail() after an attempt of unknown effect need not be undone', () => {
  const stage = staged(chain)
  stage.start()
  stage.timeOut('a')
  stage.due('a', 1000)
  assert.deepEqual(stage.fail('a'), ['a failed no', 'end failed no'])
})

test('a compensation is tried again by its own policy; one that fails for good leaves it failed, and the rest owed', () => {
  const stage = begun()
  stage.fail('c')
  assert.deepEqual(stage.retry('~b'), ['~b again busy', 'timer ~b +1000'])
  assert.deepEqual(stage.due('~b', 1000), ['invoke ~b@2 {"id":"B"}'])
  assert.deepEqual(stage.retry('~b'), ['~b failed busy', 'end failed no'])
  assert.equal(stage.rows.ending?.errorMessage, 'step c: it said no; the compensation of b failed: busy')
})

test('a compensation whose input cannot be made has failed', () => {
  const stage = staged(`
  - { id: a, uses: f, compensate: { uses: g, with: '\${{ output.id }}' } }
  - { id: b, uses: f }`)
  stage.start()
  stage.ok('a', '{}')
  assert.deepEqual(stage.fail('b'), ['b failed no', '~a failed expression_failed', 'turn no', 'end failed no'])
})

test('a compensation in doubt waits for a person', () => {
  const stage = begun()
  stage.fail('c')
  stage.reserve('~b')
  assert.deepEqual(stage.timeOut('~b'), ['~b in_doubt timeout'])
  assert.equal(stage.state, 'in_doubt')
  assert.deepEqual(stage.resolve('b', 'ok', 'null'), ['~b ok'])
  assert.deepEqual(stage.start(), ['invoke ~a@1 {"output":{"id":"A"}}'])
})

test('restarts change nothing of what is undone', () => {
  const stage = begun()
  stage.fail('c')
  assert.deepEqual(stage.restart(), ['invoke ~b@1 {"id":"B"}'])
  stage.ok('~b')
  assert.deepEqual(stage.restart(), ['invoke ~a@1 {"output":{"id":"A"}}'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end compensated no'])
})

test('a compensation that may have run when its coordinator was lost is in doubt, if it is not idempotent', () => {
  const stage = begun()
  stage.fail('c')
  stage.reserve('~b')
  assert.deepEqual(stage.restart(), ['~b in_doubt coordinator_lost'])
})

test('branches and items are undone in the reverse order in which their steps ended', () => {
  const stage = staged(
    `
  - id: both
    parallel:
      x: [{ id: a, uses: f, compensate: g }, { id: b, uses: f, compensate: g }]
      y: [{ id: all, forEach: event.data.list, steps: [{ id: c, uses: f, compensate: g }] }]
  - { id: last, uses: f }`,
    { list: [1, 2] },
  )
  stage.start()
  for (const name of ['c[1]', 'a', 'c[0]', 'b']) stage.ok(name)
  stage.fail('last')
  const order: string[] = []
  for (const name of ['~b', '~c[0]', '~a', '~c[1]']) order.push(stage.ok(name).join(' '))
  assert.deepEqual(order, [
    '~b ok invoke ~c[0]@1 {"output":null}',
    '~c[0] ok invoke ~a@1 {"output":null}',
    '~a ok invoke ~c[1]@1 {"output":null}',
    '~c[1] ok end compensated no',
  ])
})

test('what is undone is not before what runs has ended; aborted and of unknown effect, it is undone, too', () => {
  const stage = staged(`
  - id: both
    parallel:
      x: [{ id: a, uses: f, compensate: g }]
      y: [{ id: b, uses: f }]`)
  stage.start()
  assert.deepEqual(stage.fail('b'), ['b failed no', 'begun a', 'abort a'])
  assert.deepEqual(stage.timeOut('a'), [
    'a failed timeout unknown',
    'both failed no',
    'invoke ~a@1 {"output":null}',
    'turn no',
  ])
})

test('aborted when its coordinator was lost, it is undone: nobody asks for it again', () => {
  const stage = staged(`
  - id: both
    parallel:
      x: [{ id: a, uses: f, compensate: g }]
      y: [{ id: b, uses: f }]`)
  stage.start()
  stage.fail('b')
  assert.deepEqual(stage.restart(), [
    'a failed coordinator_lost unknown',
    'both failed no',
    'invoke ~a@1 {"output":null}',
    'turn no',
  ])
})

test('under way when its coordinator was lost, and out of time by then, it is undone', () => {
  const stage = staged('  - { id: a, uses: f, compensate: g }', {}, 'timeout: 1m')
  stage.start()
  assert.deepEqual(stage.restart(61_000), [
    'a failed coordinator_lost unknown',
    'invoke ~a@1 {"output":null}',
    'turn transaction_timeout',
  ])
})

test('under way when its coordinator was lost, and not needed by then, it is undone', () => {
  const stage = staged(
    `
  - id: both
    parallel:
      x: [{ id: a, uses: f, compensate: g }]
      y: [{ id: all, forEach: event.data.list, steps: [{ id: b, uses: f }, { id: c, uses: f }] }]`,
    { list: [1, 2] },
  )
  stage.start()
  stage.ok('b[0]')
  assert.deepEqual(stage.fail('b[1]'), ['b[1] failed no', 'abort c[0]'])
  assert.deepEqual(stage.restart(), [
    'all failed no',
    'a failed coordinator_lost unknown',
    'both failed no',
    'invoke ~a@1 {"output":null}',
    'turn no',
  ])
})

test('a doubt of a forward step holds all of it: nothing is undone before a person has settled it', () => {
  const stage = staged(`
  - id: both
    parallel:
      x: [{ id: a, uses: f, compensate: g }]
      y: [{ id: b, uses: f }]
      z: [{ id: c, uses: f }]`)
  stage.start()
  stage.ok('a')
  stage.reserve('b')
  stage.timeOut('b')
  assert.deepEqual(stage.fail('c'), ['c failed no'])
  assert.equal(stage.state, 'in_doubt')
  stage.resolve('b', 'fail')
  assert.deepEqual(stage.start(), ['both failed no', 'invoke ~a@1 {"output":null}', 'turn no'])
})

test('out of time between steps, what was done is undone', () => {
  const stage = staged(chain, {}, 'timeout: 1m')
  stage.start()
  stage.nowMs = 61_000
  assert.deepEqual(stage.ok('a', '1'), ['a ok', 'invoke ~a@1 {"output":1}', 'turn transaction_timeout'])
})

test('waited too long for its turn: nothing of it runs', () => {
  const stage = staged(chain, {}, 'startWithin: 5s')
  assert.deepEqual(stage.start(5001), ['end failed queue_timeout'])
  assert.deepEqual(staged(chain, {}, 'startWithin: 5s').start(5000), ['invoke a@1 {"n":1}'])
})

test('what it says when it has completed cannot be made: what it did is undone', () => {
  const stage = staged(
    '  - { id: a, uses: f, compensate: g }',
    {},
    'publish: { completed: { topic: t2, value: "${{ steps.a.output.no }}" } }',
  )
  stage.start()
  assert.deepEqual(stage.ok('a', '{}'), ['a ok', 'invoke ~a@1 {"output":{}}', 'turn expression_failed'])
})
