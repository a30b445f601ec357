/** Steps that sleep, or wait for an event. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayHave } from '../../src/transaction/rest.ts'
import { staged } from './stage.ts'

const nap = `
  - { id: nap, sleep: 30m }
  - { id: last, uses: f }`
const hear = (more = '') => `
  - { id: hear, wait: { topic: s, key: event.data.key, ${more} } }
  - { id: last, uses: f, with: '\${{ steps.hear.output }}' }`
const signals = 'signals: { s: { keep: 1h } }'

test('sleep: it is a row, and nothing else of it runs', () => {
  const stage = staged(nap)
  assert.deepEqual(stage.start(), ['rest nap +1800000 alone'])
  assert.equal(stage.state, 'waiting')
})

test('sleep: read back when it is due, it goes on', () => {
  const stage = staged(nap)
  stage.start()
  assert.deepEqual(stage.restart(1_799_999), ['rest nap +1800000 alone'], 'not due yet: its lane hears when it is')
  assert.deepEqual(stage.restart(1_800_000), ['up nap', 'nap ok', 'invoke last@1 {}'])
})

const untils: readonly [string, unknown, string[]][] = [
  ['a text', '2026-05-01T10:00:05Z', ['rest nap +5000 alone']],
  ['a time that is past', '2020-01-01T00:00:00Z', ['nap ok', 'invoke last@1 {}']],
  ['no time', 'soon', ['nap failed expression_failed', 'end failed expression_failed']],
  ['a number', 5, ['nap failed expression_failed', 'end failed expression_failed']],
]
for (const [name, until, expected] of untils) {
  test(`sleep until ${name}`, () => {
    const stage = staged(
      `
  - { id: nap, sleep: { until: event.data.until } }
  - { id: last, uses: f }`,
      { until },
    )
    assert.deepEqual(stage.start(), expected)
  })
}

test('wait: its row says of which topic, by which key, and from when on', () => {
  const stage = staged(hear('timeout: 2h'), { key: 17 }, signals)
  assert.deepEqual(stage.start(), ['rest hear +7200000 for s 17 alone'])
  const [rest] = stage.rows.rests.values()
  assert.equal(rest?.wait?.notBeforeUs, Date.parse('2026-05-01T09:00:00Z') * 1000)
})

test('wait: the event is its output, and its own for good', () => {
  const stage = staged(hear(), { key: 'k' }, signals)
  stage.start()
  assert.deepEqual(stage.crash().signal('hear', '{"data":{"n":1}}'), [], 'its turn has not come')
  assert.deepEqual(stage.start(), ['up hear', 'taken hear signal', 'hear ok', 'invoke last@1 {"data":{"n":1}}'])
})

test('wait: one event is enough', () => {
  const stage = staged(hear(), { key: 'k' }, signals)
  stage.start()
  stage.crash().signal('hear')
  assert.deepEqual(stage.signal('hear'), ['refused: step hear has its event'])
})

const timeouts: readonly [string, string, string[]][] = [
  ['fails', 'timeout: 1s', ['up hear', 'hear failed wait_timeout', 'end failed wait_timeout']],
  ['goes on with null', 'timeout: 1s, onTimeout: continue', ['up hear', 'hear ok', 'invoke last@1 null']],
]
for (const [name, more, expected] of timeouts) {
  test(`wait: its timeout ${name}`, () => {
    const stage = staged(hear(more), { key: 'k' }, signals)
    stage.start()
    assert.deepEqual(stage.restart(1000), expected)
  })
}

test('wait: an event that was there when it timed out counts', () => {
  const stage = staged(hear('timeout: 1s'), { key: 'k' }, signals)
  stage.start()
  stage.nowMs = 2000
  stage.crash().signal('hear', '1')
  assert.deepEqual(stage.start(), ['up hear', 'taken hear signal', 'hear ok', 'invoke last@1 1'])
})

const keys: readonly [string, unknown][] = [
  ['null', null],
  ['too long', 'x'.repeat(2000)],
]
for (const [name, key] of keys) {
  test(`wait: a key that is ${name} fails it at once`, () => {
    assert.deepEqual(staged(hear(), { key }, signals).start(), [
      'hear failed expression_failed',
      'end failed expression_failed',
    ])
  })
}

test('wait: match says whether an event is for it', () => {
  const stage = staged(hear("match: 'signal.data.n > 5'"), { key: 'k' }, signals)
  stage.start()
  const may = (text: string) => mayHave(stage.transaction, stage.ref('hear'), { id: 's', text })
  assert.equal(may('{"data":{"n":6}}'), true)
  assert.equal(may('{"data":{"n":5}}'), false)
  assert.throws(() => may('{"data":{}}'), { code: 'expression_failed' })
})

test('the workflow’s own timeout wakes what sleeps, and no `optional` excuses it', () => {
  const stage = staged('  - { id: nap, sleep: 1h, optional: true }', {}, 'timeout: 1m')
  assert.deepEqual(stage.start(), ['rest nap +60000 alone'])
  assert.deepEqual(stage.restart(60_000), ['up nap', 'nap failed cancelled', 'end failed transaction_timeout'])
})

const beside = `
  - id: both
    parallel:
      x: [{ id: nap, sleep: 1h }]
      y: [{ id: a, uses: f }, { id: short, sleep: 1m }, { id: b, uses: f }]`

test('beside what runs it is not alone; when that rests, too, both are, and when it wakes, none is', () => {
  const stage = staged(beside)
  assert.deepEqual(stage.start(), ['invoke a@1 {}', 'rest nap +3600000'])
  assert.deepEqual(
    stage.ok('a'),
    ['a ok', 'rest nap +3600000 alone', 'rest short +60010 alone'].map((each) => each.replace('60010', '60000')),
  )
  assert.equal(stage.state, 'waiting')
  assert.deepEqual(stage.restart(60_000), ['up short', 'short ok', 'invoke b@1 {}', 'rest nap +3600000'])
  assert.deepEqual(stage.ok('b'), ['b ok', 'rest nap +3600000 alone'])
  assert.deepEqual(stage.restart(3_600_000), ['up nap', 'nap ok', 'both ok', 'end completed'])
})

test('due while another branch runs, it goes on in memory', () => {
  const stage = staged(beside)
  stage.start()
  assert.deepEqual(stage.due('nap', 3_600_000), ['up nap', 'nap ok'])
})

test('a wait that is not needed any more gives its event back', () => {
  const stage = staged(
    `
  - id: race
    join: any
    parallel:
      x: [{ id: hear, wait: { topic: s, key: "'k'" } }]
      y: [{ id: a, uses: f }]`,
    {},
    signals,
  )
  stage.start()
  assert.deepEqual(stage.ok('a'), ['a ok', 'up hear', 'hear failed cancelled', 'race ok', 'end completed'])
  assert.match(stage.signal('hear')[0] ?? '', /^refused/)
})
