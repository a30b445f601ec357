// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effect, OutgoingRow } from '../../src/transaction/effect.ts'
import { admitted, effectsOf, ended, planOf, play, started } from './scene.ts'

const two = `
  - id: one
    uses: f
    publish:
      - { topic: ones, key: event.data.who, value: { got: "\${{ steps.one.output.n }}" }, headers: { a: "n \${{ steps.one.output.n }}", b: "\${{ null }}" } }
      - { topic: big, value: "\${{ steps.one.output }}", when: steps.one.output.n > 5 }
  - { id: two, uses: f, optional: true }
`
const endings = `
publish:
  completed: { topic: done, value: { n: "\${{ steps.one.output.n }}", two: "\${{ steps.two.output }}" } }
  failed:
    - { topic: failed, value: "\${{ error.code + ': ' + error.message }}" }
    - { topic: failed, value: "\${{ steps.one.output.n }}" }
`

const messagesOf = (effects: readonly Effect[]): OutgoingRow[] =>
  effects.flatMap((effect) => (effect.type === 'RecordMessage' ? [effect.row] : []))
const ok = (output: string, more = {}) => ({ outcome: 'ok', output, ...more }) as const

test('given a step that ends well, then its messages are in the same transition, made of its output', () => {
  const played = play(admitted(planOf(two), { who: 'anna' }), started(), ended(0, 1, ok('{"n":5}')))
  assert.deepEqual(effectsOf(played), ['attempt 0@1 ok ok', 'publish ones anna {"got":5}', 'invoke two@1 {}'])
  assert.deepEqual(messagesOf(played.effects)[0]?.headers, { a: 'n 5' })
})

test('given a false `when`, then the messages after it keep their ids', () => {
  const emitted = [{ topic: 'emitted', key: null, value: '1', headers: {} }]
  const start = admitted(planOf(two), { who: 'anna' })
  const less = messagesOf(play(start, started(), ended(0, 1, ok('{"n":5}', { emitted }))).effects)
  const more = messagesOf(play(start, started(), ended(0, 1, ok('{"n":6}', { emitted }))).effects)
  assert.deepEqual(
    less.map(({ topic, n }) => `${topic} ${n}`),
    ['ones 0', 'emitted 2'],
  )
  assert.deepEqual(
    more.map(({ topic, n }) => `${topic} ${n}`),
    ['ones 0', 'big 1', 'emitted 2'],
  )
  assert.equal(less[1]?.id, more[2]?.id)
  assert.equal(new Set(more.map(({ id }) => id)).size, 3)
})

test('given an attempt that is tried again or fails, then neither its step nor its function publishes', () => {
  const emitted = [{ topic: 'emitted', key: null, value: '1', headers: {} }]
  const start = admitted(planOf(two), { who: 'anna' })
  for (const outcome of ['retry', 'fail', 'timeout', 'crash', 'lost'] as const) {
    assert.deepEqual(messagesOf(play(start, started(), ended(0, 1, { outcome, emitted })).effects), [], outcome)
  }
})

test('given a message that cannot be made, then its step fails though its function has run', () => {
  const played = play(admitted(planOf(two), { who: 'anna' }), started(), ended(0, 1, ok('{"m":5}')))
  assert.deepEqual(effectsOf(played), ['attempt 0@1 fail failed', 'end failed expression_failed'])
  const [attempt] = played.effects
  assert.ok(attempt?.type === 'RecordAttempt')
  assert.match(attempt.row.errorMessage ?? '', /^publish to ones: value\.got: steps\.one\.output\.n: /)
  assert.equal(attempt.row.output, null)
})

test('given a transaction that completes, then it publishes what `completed` says, of all its steps', () => {
  const start = admitted(planOf(two, endings), { who: 'anna' })
  const played = play(start, started(), ended(0, 1, ok('{"n":5}')), ended(1, 1, { outcome: 'fail' }))
  assert.deepEqual(effectsOf(played), [
    'attempt 1@1 fail failed',
    'end completed',
    'publish done null {"n":5,"two":null}',
  ])
})

test('given a message of `completed` that cannot be made, then the transaction fails, and says so', () => {
  const plan = planOf('  - { id: one, uses: f }', endings.replaceAll('steps.two.output', 'steps.one.output.no'))
  const played = play(admitted(plan), started(), ended(0, 1, ok('{"n":5}')))
  const [, end, ...messages] = effectsOf(played)
  assert.equal(end, 'end failed expression_failed')
  assert.equal(played.transaction.state, 'failed')
  assert.match(messages[0] ?? '', /^publish failed null "expression_failed: publish to done: value\.two: /)
})

test('given a message of `failed` that cannot be made, then it is kept with the reason, and the others go', () => {
  const start = admitted(planOf(two, endings), { who: 'anna' })
  const played = play(start, started(), ended(0, 1, { outcome: 'fail', errorCode: 'no', errorMessage: 'never' }))
  const [, end, first, second] = effectsOf(played)
  assert.equal(end, 'end failed no')
  assert.equal(first, 'publish failed null "no: step one: never"')
  assert.match(
    second ?? '',
    /^publish failed null expression_failed: publish to failed: value: steps\.one\.output\.n: /,
  )
})

test('a message over the limit is refused by name', () => {
  const plan = planOf('  - { id: one, uses: f, publish: { topic: t, value: "${{ steps.one.output }}" } }')
  const played = play(admitted(plan), started(), ended(0, 1, ok(JSON.stringify('x'.repeat(1024 * 1024)))))
  assert.deepEqual(effectsOf(played), ['attempt 0@1 fail failed', 'end failed message_too_large'])
})

test('the same again gives the same ids, and no two messages share one', () => {
  const run = () => {
    const start = admitted(planOf(two, endings), { who: 'anna' })
    const first = play(start, started(), ended(0, 1, ok('{"n":7}')))
    const second = play(first.transaction, ended(1, 1, ok('1')))
    return [...first.effects, ...second.effects].flatMap((each) => messagesOf([each])).map(({ id }) => id)
  }
  const ids = run()
  assert.equal(new Set(ids).size, 3)
  assert.deepEqual(run(), ids)
})
