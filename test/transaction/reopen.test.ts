/** What has ended is opened again by a person: what was owed is undone, or steps run again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { staged } from './stage.ts'

const chain = `
  - { id: a, uses: f, compensate: g }
  - { id: b, uses: f }`

const owing = () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a', '1')
  stage.fail('b')
  stage.fail('~a')
  return stage.crash()
}

test('a failed compensation is asked for again: another attempt, another key, the same forward key', () => {
  const stage = staged(chain)
  stage.start()
  const forward = stage.invoked('a').idempotencySeed
  stage.ok('a', '1')
  stage.fail('b')
  const first = stage.invoked('~a').idempotencySeed
  stage.fail('~a')
  assert.deepEqual(stage.crash().undo(), ['round 2', 'turn no'])
  assert.equal(stage.state, 'queued')
  assert.deepEqual(stage.start(), ['invoke ~a@2 {"output":1}'])
  assert.notEqual(stage.invoked('~a').idempotencySeed, first)
  assert.equal(stage.invoked('~a').forwardSeed, forward)
  assert.deepEqual(stage.restart(), ['invoke ~a@2 {"output":1}'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end compensated no'])
})

test('one whose effect was unknown keeps its key', () => {
  const stage = staged(chain.replace('compensate: g', 'compensate: { uses: g, retry: { attempts: 1 } }'))
  stage.start()
  stage.ok('a', '1')
  stage.fail('b')
  const first = stage.invoked('~a').idempotencySeed
  assert.deepEqual(stage.timeOut('~a'), ['~a failed timeout unknown', 'end failed no'])
  stage.crash().undo()
  stage.start()
  assert.equal(stage.invoked('~a').idempotencySeed, first)
})

test('it fails again, and may be asked for again', () => {
  const stage = owing()
  stage.undo()
  stage.start()
  assert.deepEqual(stage.fail('~a'), ['~a failed no', 'end failed no'])
  assert.deepEqual(stage.crash().undo(), ['round 3', 'turn no'])
})

test('nothing is owed: there is nothing to undo', () => {
  const stage = staged(chain)
  stage.start()
  stage.fail('a')
  assert.deepEqual(stage.crash().undo(), ['refused: nothing is owed: there is nothing to undo'])
})

test('a completed one is undone by a person, or by its parent', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a', '1')
  stage.ok('b')
  assert.deepEqual(stage.crash().undo(), ['round 2', 'turn undone'])
  assert.deepEqual(stage.start(), ['invoke ~a@1 {"output":1}'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end compensated undone'])
})

test('a completed one that has nothing to undo is compensated at once', () => {
  const stage = staged('  - { id: a, uses: f }')
  stage.start()
  stage.ok('a')
  stage.crash().undo()
  assert.deepEqual(stage.start(), ['end compensated undone'])
})

test('retry: it goes on with the step that failed, under another key, with attempts counted on', () => {
  const stage = staged(`
  - { id: a, uses: f }
  - { id: b, uses: f, with: '\${{ steps.a.output }}' }`)
  stage.start()
  stage.ok('a', '1')
  const first = stage.invoked('b').idempotencySeed
  stage.fail('b')
  assert.deepEqual(stage.crash().again(), ['round 2 from b'])
  assert.deepEqual(stage.start(), ['invoke b@2 1'])
  assert.notEqual(stage.invoked('b').idempotencySeed, first)
  assert.deepEqual(stage.restart(), ['invoke b@2 1'])
  assert.deepEqual(stage.ok('b'), ['b ok', 'end completed'])
})

test('retry: a step whose effect is unknown keeps its key, as long as it is unknown', () => {
  const stage = staged('  - { id: a, uses: f, retry: { attempts: 1 } }')
  stage.start()
  const first = stage.invoked('a').idempotencySeed
  for (const _ of [2, 3]) {
    stage.timeOut('a')
    stage.crash().again()
    stage.start()
    assert.equal(stage.invoked('a').idempotencySeed, first)
  }
  stage.fail('a')
  stage.crash().again()
  stage.start()
  assert.notEqual(stage.invoked('a').idempotencySeed, first)
})

test('retry: asked to be tried again, it says nothing of the rounds before: the key stays the same', () => {
  const stage = staged('  - { id: a, uses: f, retry: { attempts: 1 } }')
  stage.start()
  const first = stage.invoked('a').idempotencySeed
  for (const end of [() => stage.timeOut('a'), () => stage.retry('a')]) {
    end()
    stage.crash().again()
    stage.start()
    assert.equal(stage.invoked('a').idempotencySeed, first)
  }
})

test('retry: what was of unknown effect and was undone has another key', () => {
  const stage = staged('  - { id: a, uses: f, compensate: g, retry: { attempts: 1 } }')
  stage.start()
  const first = stage.invoked('a').idempotencySeed
  stage.timeOut('a')
  stage.ok('~a')
  stage.crash().again()
  stage.start()
  assert.notEqual(stage.invoked('a').idempotencySeed, first)
})

test('retry with an input: the step is given that in place of its `with`, in this round, over a restart', () => {
  const stage = staged(`
  - { id: a, uses: f, with: { n: 1 } }
  - { id: b, uses: f }`)
  stage.start()
  stage.fail('a')
  assert.deepEqual(stage.crash().again('a', '{"n":2}'), ['round 2 from a'])
  assert.deepEqual(stage.start(), ['invoke a@2 {"n":2}'])
  assert.deepEqual(stage.restart(), ['invoke a@2 {"n":2}'])
  stage.ok('a')
  stage.fail('b')
  stage.crash().again('a')
  assert.deepEqual(stage.start(), ['invoke a@3 {"n":1}'])
})

const refusals: readonly [string, string | null, string | null, string][] = [
  ['an unknown step', 'z', null, 'there is no step z outside of all blocks'],
  [
    'a step behind the one that failed',
    'c',
    null,
    'step b before it has not ended well: retry from that one, or before it',
  ],
  ['an input for a step that takes none', 'nap', '{}', 'step nap runs no function: it takes no input'],
]
for (const [name, from, input, reason] of refusals) {
  test(`retry: ${name} is refused`, () => {
    const stage = staged(`
  - { id: b, uses: f }
  - { id: nap, sleep: 1s }
  - { id: c, uses: f }`)
    stage.start()
    stage.fail('b')
    assert.deepEqual(stage.crash().again(from, input), [`refused: ${reason}`])
  })
}

test('retry: behind what was undone nothing runs again; from the first of all, it does', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a')
  stage.fail('b')
  stage.ok('~a')
  assert.deepEqual(stage.crash().again('b'), ['refused: a step before b was undone: retry from that one, or before it'])
  assert.deepEqual(stage.again(), ['round 2 from a'])
  assert.deepEqual(stage.start(), ['invoke a@2 {}'])
  stage.ok('a', '2')
  assert.deepEqual(stage.fail('b'), ['b failed no', 'invoke ~a@2 {"output":2}', 'turn no'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end compensated no'])
})

test('retry: what is still owed is not run again over', () => {
  const stage = owing()
  assert.deepEqual(stage.again('a'), [
    'refused: what a or a step behind it did is still to be undone: ask for that first, or retry from behind it',
  ])
  assert.deepEqual(stage.again(), ['round 2 from b'])
  stage.start()
  assert.deepEqual(stage.fail('b'), ['b failed no', 'invoke ~a@2 {"output":1}', 'turn no'])
})

test('retry: a step that was skipped before leaves no second row', () => {
  const stage = staged(`
  - { id: a, uses: f, when: 'false' }
  - { id: b, uses: f, compensate: g }
  - { id: c, uses: f }`)
  stage.start()
  stage.ok('b')
  stage.fail('c')
  stage.ok('~b')
  stage.crash().again()
  assert.deepEqual(stage.start(), ['invoke b@2 {}'])
})

test('retry of a block: it runs again whole, no more at once than it may', () => {
  const stage = staged('  - { id: all, forEach: event.data.list, atOnce: 2, steps: [{ id: a, uses: f }] }', {
    list: [1, 2, 3],
  })
  stage.start()
  stage.ok('a[0]')
  stage.ok('a[1]')
  stage.fail('a[2]')
  stage.crash().again()
  assert.deepEqual(stage.start(), ['invoke a[0]@2 {}', 'invoke a[1]@2 {}'])
})

test('retry: the time it has counts anew', () => {
  const stage = staged(chain, {}, 'timeout: 1m')
  stage.start()
  stage.nowMs = 61_000
  stage.ok('a')
  stage.ok('~a')
  stage.crash().again()
  assert.deepEqual(stage.start(), ['invoke a@2 {}'])
  stage.nowMs = 100_000
  assert.deepEqual(stage.restart(), ['invoke a@2 {}'])
})

test('retry of one that waited too long for its turn starts it', () => {
  const stage = staged(chain, {}, 'startWithin: 1s')
  stage.start(2000)
  assert.deepEqual(stage.crash().again(), ['round 2 from a'])
  assert.deepEqual(stage.start(), ['invoke a@1 {}'])
})

test('retry of a call: another transaction', () => {
  const stage = staged('  - { id: sub, call: other }')
  stage.start()
  stage.childEnds('sub', { state: 'failed' })
  stage.crash().again()
  assert.deepEqual(stage.start(), ['call other {}'])
  assert.equal(new Set(stage.rows.children.map(({ id }) => id)).size, 2)
  assert.deepEqual(stage.restart(), [], 'it is open')
  assert.deepEqual(stage.childEnds('sub'), ['sub ok', 'end completed'])
})

test('of what has ended well, nothing is retried', () => {
  const stage = staged('  - { id: a, uses: f }')
  stage.start()
  stage.ok('a')
  assert.deepEqual(stage.crash().again(), ['refused: the transaction is completed'])
})
