/** A person's word, or the parent's, that it is to go no further. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { staged } from './stage.ts'

const chain = `
  - { id: a, uses: f, compensate: g }
  - { id: b, uses: f, retry: { attempts: 2, backoff: fixed, initial: 1s, jitter: false } }
  - { id: c, uses: f }`

test('before its turn: it ends at once', () => {
  const stage = staged(chain)
  assert.deepEqual(stage.cancel(), ['end cancelled cancelled'])
  assert.equal(stage.rows.ending?.errorMessage, 'cancelled by somebody: no more')
})

test('while an attempt runs: it is aborted, waited for, then what was done is undone', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a', '1')
  assert.deepEqual(stage.cancel(), ['abort b', 'turn cancelled'])
  assert.equal(stage.state, 'compensating')
  assert.deepEqual(stage.retry('b'), ['b failed busy', 'invoke ~a@1 {"output":1}'])
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end cancelled cancelled'])
})

test('an aborted attempt that ends well is undone like any other', () => {
  const stage = staged(chain)
  stage.start()
  assert.deepEqual(stage.cancel(), ['begun a', 'abort a', 'turn cancelled'])
  assert.deepEqual(stage.ok('a', '1'), ['a ok', 'invoke ~a@1 {"output":1}'])
})

test('one that was never run need not be undone', () => {
  const stage = staged(chain)
  stage.start()
  stage.cancel()
  const lost = { outcome: 'lost', errorCode: 'cancelled', errorMessage: 'not run' } as const
  assert.deepEqual(stage.end('a', lost), ['a failed cancelled', 'end cancelled cancelled'])
})

test('while a delay holds it: at once', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a')
  stage.retry('b')
  assert.deepEqual(stage.cancel(), ['b failed cancelled', 'invoke ~a@1 {"output":null}', 'turn cancelled'])
})

test('while it sleeps: when its turn comes', () => {
  const stage = staged(`
  - { id: a, uses: f, compensate: g }
  - { id: nap, sleep: 1h }`)
  stage.start()
  stage.ok('a')
  assert.deepEqual(stage.crash().cancel(), ['turn cancelled'])
  assert.equal(stage.state, 'queued')
  assert.deepEqual(stage.start(), ['up nap', 'nap failed cancelled', 'invoke ~a@1 {"output":null}'])
})

test('in doubt: it stays so until a person has settled it, then what was done is undone', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a')
  stage.reserve('b')
  stage.timeOut('b')
  assert.deepEqual(stage.cancel(), ['turn cancelled'])
  assert.equal(stage.state, 'in_doubt')
  assert.deepEqual(stage.cancel(), ['refused: it is being undone already'])
  stage.crash().resolve('b', 'ok', '1')
  assert.deepEqual(stage.start(), ['invoke ~a@1 {"output":null}'])
})

test('in doubt, with others that were lost with their coordinator: they may have run', () => {
  const stage = staged(`
  - id: both
    parallel:
      x: [{ id: a, uses: f, compensate: g }]
      y: [{ id: b, uses: f }]`)
  stage.start()
  stage.reserve('b')
  stage.timeOut('b')
  assert.deepEqual(stage.crash().cancel(), ['a failed coordinator_lost unknown', 'turn cancelled'])
})

test('while it is undone: a cancel is refused, and nothing is skipped', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a')
  stage.fail('b')
  assert.deepEqual(stage.cancel(), ['refused: the transaction is compensating'])
})

test('a compensation that fails leaves a cancelled one failed', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a')
  stage.cancel()
  stage.fail('b')
  assert.deepEqual(stage.fail('~a'), ['~a failed no', 'end failed cancelled'])
})

test('that it was cancelled outlives a restart', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a')
  stage.cancel()
  assert.deepEqual(
    stage.restart(),
    ['invoke ~a@1 {"output":null}'],
    'b left no trace: nobody can undo it, and nobody asks again',
  )
  assert.deepEqual(stage.ok('~a'), ['~a ok', 'end cancelled cancelled'])
})

test('a process that is kept for what is not needed any more is refused', () => {
  const stage = staged(chain)
  stage.start()
  stage.ok('a')
  stage.cancel()
  assert.deepEqual(stage.reserve('b'), ['refused: step b is not needed any more'])
})

test('cancelled for good: what has ended is not cancelled', () => {
  const stage = staged(chain)
  stage.cancel()
  assert.deepEqual(stage.cancel(), ['refused: the transaction is cancelled'])
})
