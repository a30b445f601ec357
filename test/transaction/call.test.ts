/** Steps that call another workflow. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { transition } from '../../src/transaction/transition.ts'
import { retryAsked } from './scene.ts'
import { staged } from './stage.ts'

const file = `
  - { id: sub, call: other, with: { n: '\${{ event.data.n }}' } }
  - { id: last, uses: f, with: '\${{ steps.sub.output }}' }`
const begun = (more = file) => {
  const stage = staged(more, { n: 1 })
  stage.start()
  return stage
}

test('it is a transaction of its own, of the same commit, and its caller runs while it is open', () => {
  const stage = staged(file, { n: 1 })
  assert.deepEqual(stage.start(), ['call other {"n":1}'])
  assert.equal(stage.state, 'running')
})

test('what it gives at its end is the step’s output', () => {
  assert.deepEqual(begun().childEnds('sub', { output: '"well"' }), ['sub ok', 'invoke last@1 "well"'])
})

const ends = [
  ['failed', { code: 'declined', message: 'no money' }, 'declined'],
  ['compensated', { code: 'declined', message: 'no money' }, 'declined'],
  ['cancelled', null, 'cancelled'],
] as const
for (const [state, error, code] of ends) {
  test(`one that has ${state} fails the step with ${code}`, () => {
    const told = begun().childEnds('sub', { state, error })
    assert.deepEqual(told, [`sub failed ${code}`, `end failed ${code}`])
  })
}

test('its id is the same for the same call, and another for another item', () => {
  const each = '  - { id: all, forEach: event.data.list, steps: [{ id: sub, call: other }] }'
  const ids = () => {
    const stage = staged(each, { list: [1, 2] })
    stage.start()
    return stage.rows.children.map(({ id }) => id)
  }
  assert.deepEqual(ids(), ids())
  assert.equal(new Set(ids()).size, 2)
})

test('read back while it is open, it is not called again; nor when it has ended meanwhile', () => {
  const stage = begun()
  assert.deepEqual(stage.restart(), [])
  assert.equal(stage.state, 'running')
  Object.assign(stage.rows.children[0] ?? {}, {
    ended: { state: 'completed', error: null, output: '2', isOwing: false },
  })
  assert.deepEqual(stage.restart(), ['sub ok', 'invoke last@1 2'])
})

test('an end that comes before its turn waits with it', () => {
  const stage = begun()
  assert.deepEqual(stage.crash().childEnds('sub', { output: '3' }), [])
  assert.deepEqual(stage.start(), ['sub ok', 'invoke last@1 3'])
})

test('cancelled with its caller: it is told, once, and waited for', () => {
  const stage = begun()
  assert.deepEqual(stage.cancel(), ['tell CancelAsked', 'turn cancelled'])
  assert.equal(stage.state, 'compensating')
  assert.deepEqual(stage.restart(), ['tell CancelAsked'], 'told again by who does not know')
  assert.deepEqual(stage.childEnds('sub', { state: 'cancelled' }), ['sub failed cancelled', 'end cancelled cancelled'])
})

test('one that completes though it was told is undone', () => {
  const stage = begun()
  stage.cancel()
  assert.deepEqual(stage.childEnds('sub', { output: '1' }), ['sub ok', 'tell UndoAsked'])
  assert.deepEqual(stage.childEnds('sub', { state: 'compensated' }), ['end cancelled cancelled'])
})

test('one that had completed is undone with its caller, in its place among the others', () => {
  const stage = begun(`
  - { id: a, uses: f, compensate: g }
  - { id: sub, call: other }
  - { id: b, uses: f, compensate: g }
  - { id: c, uses: f }`)
  stage.ok('a')
  stage.childEnds('sub')
  stage.ok('b')
  assert.deepEqual(stage.fail('c'), ['c failed no', 'invoke ~b@1 {"output":null}', 'turn no'])
  assert.deepEqual(stage.ok('~b'), ['~b ok', 'tell UndoAsked'])
  assert.deepEqual(stage.childEnds('sub', { state: 'compensated' }), ['invoke ~a@1 {"output":null}'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end compensated no'])
})

test('one that cannot be undone leaves its caller failed; asked to compensate, that asks it again', () => {
  const stage = begun()
  stage.childEnds('sub')
  stage.fail('last')
  const error = { code: 'stuck', message: 'cannot undo' }
  assert.deepEqual(stage.childEnds('sub', { state: 'failed', error }), ['end failed no'])
  assert.match(stage.rows.ending?.errorMessage ?? '', /; sub could not be undone$/)
  assert.deepEqual(stage.crash().undo(), ['round 2', 'turn no'])
  assert.deepEqual(stage.start(), ['tell UndoAsked'])
  assert.deepEqual(stage.childEnds('sub', { state: 'compensated' }), ['end compensated no'])
})

const owing = { state: 'failed', error: { code: 'stuck', message: 'cannot undo' }, isOwing: true } as const

test('one that failed and could not undo itself is owed by its caller, which undoes what came after it first', () => {
  const stage = begun(`
  - { id: a, uses: f, compensate: g }
  - id: both
    parallel:
      x: [{ id: sub, call: other, optional: true }]
      y: [{ id: b, uses: f, compensate: g }]
  - { id: c, uses: f }`)
  stage.ok('a')
  assert.deepEqual(stage.childEnds('sub', owing), ['sub failed stuck unknown'])
  stage.ok('b')
  stage.fail('c')
  assert.deepEqual(stage.ok('~b'), ['~b ok', 'end failed no'])
  assert.match(stage.rows.ending?.errorMessage ?? '', /; sub could not be undone: other: cannot undo$/)
  assert.deepEqual(stage.again('both').slice(0, 1), [
    'refused: what both or a step behind it did is still to be undone: ask for that first, or retry from behind it',
  ])
  assert.deepEqual(stage.crash().undo(), ['round 2', 'turn no'])
  assert.deepEqual(stage.start(), ['tell UndoAsked'], 'and not before')
  assert.deepEqual(stage.childEnds('sub', { state: 'compensated' }), ['invoke ~a@1 {"output":null}'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end compensated no'])
})

test('what it called and owes nothing of any more is called anew by another round', () => {
  const stage = begun()
  const [first] = stage.rows.children
  assert.deepEqual(stage.childEnds('sub', owing), ['sub failed stuck unknown', 'turn stuck', 'end failed stuck'])
  assert.deepEqual(stage.crash().undo(), ['round 2', 'turn stuck'])
  stage.start()
  assert.deepEqual(
    stage.childEnds('sub', { state: 'cancelled' }),
    ['end compensated stuck'],
    'as it was to be at first',
  )
  stage.crash().again()
  assert.deepEqual(stage.start(), ['call other {"n":1}'])
  assert.notEqual(stage.rows.children[1]?.id, first?.id)
})

test('one whose end nobody had heard of when its caller was lost is owed all the same', () => {
  const stage = begun()
  Object.assign(stage.rows.children[0] ?? {}, { ended: { output: null, ...owing } })
  assert.deepEqual(stage.restart(), ['sub failed stuck unknown', 'tell UndoAsked', 'turn stuck'])
  assert.deepEqual(stage.childEnds('sub', owing), ['end failed stuck'])
})

test('not needed any more in the moment in which it is called, it is not', () => {
  const stage = staged(`
  - id: race
    parallel:
      x: [{ id: sub, call: other }]
      y: [{ id: b, uses: f, with: '\${{ event.data.no }}' }]`)
  assert.deepEqual(stage.start(), [
    'b failed expression_failed',
    'race failed expression_failed',
    'end failed expression_failed',
  ])
})

test('an end of another call than this is refused', () => {
  const stage = begun()
  const end = { state: 'completed', error: null, output: null, isOwing: false } as const
  const event = { type: 'ChildEnded', atUs: 0, step: 0, item: '', childId: 'another', end } as const
  assert.deepEqual(stage.take(event), ['refused: it has called no such transaction'])
})

test('one that was called is not tried again by itself: its caller has gone on without it', () => {
  const { first } = staged('\n  - { id: a, uses: f }')
  const called = { ...first, state: 'failed', parent: { id: 'caller', step: 0, item: '' } } as const
  assert.deepEqual(transition(called, retryAsked()), { refused: 'it was called by caller: retry that one' })
})
