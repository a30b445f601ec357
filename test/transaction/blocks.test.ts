/** Steps that hold steps: `parallel`, `forEach`, `switch`, and what `when` and `optional` mean on them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Stage, staged } from './stage.ts'

const two = (more: string, last = '') => `
  - id: both
    parallel:
      left: [{ id: a, uses: f }, { id: b, uses: f, with: '\${{ steps.a.output }}' }]
      right: [{ id: c, uses: f }]
    ${more}
  - { id: last, uses: f, with: '\${{ steps.both.output }}'${last} }`

test('parallel: its branches begin together, each goes on by itself, and its output is what each gave last', () => {
  const stage = staged(two('join: all'))
  assert.deepEqual(stage.start(), ['invoke a@1 {}', 'invoke c@1 {}'])
  assert.deepEqual(stage.ok('a', '1'), ['a ok', 'invoke b@1 1'])
  assert.deepEqual(stage.ok('c', '3'), ['c ok'])
  assert.deepEqual(stage.ok('b', '2'), ['b ok', 'both ok', 'invoke last@1 {"left":2,"right":3}'])
})

type Play = (stage: Stage) => string[]
const three = (join: string, others = 'cancel') => `
  - id: some
    parallel:
      x: [{ id: a, uses: f }]
      y: [{ id: b, uses: f }]
      z: [{ id: c, uses: f }, { id: d, uses: f }]
    join: ${join}
    others: ${others}
  - { id: last, uses: f, with: '\${{ steps.some.output }}' }`

const joins: readonly [string, string, Play, string[]][] = [
  ['all fails by the first failure', three('all'), (s) => s.fail('b', 'out'), ['b failed out', 'abort a', 'abort c']],
  ['each goes on by failures', three('each'), (s) => s.fail('b', 'out'), ['b failed out']],
  ['any has what it needs by the first success', three('any'), (s) => s.ok('a', '1'), ['a ok', 'abort b', 'abort c']],
  ['any goes on by failures', three('any'), (s) => s.fail('a', 'out'), ['a failed out']],
  ['2 of 3 bears one failure', three('2'), (s) => s.fail('a', 'out'), ['a failed out']],
  [
    '2 of 3 bears no second one',
    three('2'),
    (s) => [...s.fail('a'), ...s.fail('b', 'out')],
    ['a failed no', 'b failed out', 'abort c'],
  ],
  ['others: finish aborts nothing', three('any', 'finish'), (s) => s.ok('a', '1'), ['a ok']],
]
for (const [name, file, when, expected] of joins) {
  test(`parallel: ${name}`, () => {
    const stage = staged(file)
    stage.start()
    assert.deepEqual(when(stage), expected)
  })
}

const endings: readonly [string, string, Play, string[]][] = [
  [
    'each gives null for those that failed',
    three('each'),
    (s) => [...s.fail('a'), ...s.ok('c'), ...s.fail('b'), ...s.ok('d', '4')].slice(-3),
    ['d ok', 'some ok', 'invoke last@1 {"x":null,"y":null,"z":4}'],
  ],
  [
    'what was aborted has the last word, and nothing of it begins any more',
    three('any'),
    (s) => [...s.ok('a', '1'), ...s.fail('b', 'aborted'), ...s.ok('c', '3')].slice(3),
    ['b failed aborted', 'c ok', 'some ok', 'invoke last@1 {"x":1,"y":null,"z":null}'],
  ],
  [
    'what finishes goes on to its end',
    three('any', 'finish'),
    (s) => [...s.ok('a', '1'), ...s.fail('b'), ...s.ok('c', '3'), ...s.ok('d', '4')].slice(2),
    ['c ok', 'invoke d@1 {}', 'd ok', 'some ok', 'invoke last@1 {"x":1,"y":null,"z":4}'],
  ],
  [
    'it fails with the error of who decided it, whoever fails or is aborted behind',
    three('all'),
    (s) => [...s.fail('c', 'out'), ...s.fail('a', 'late'), ...s.fail('b', 'later')].slice(-3),
    ['b failed later', 'some failed out', 'end failed out'],
  ],
  [
    'any fails with the last that did',
    three('any'),
    (s) => [...s.fail('c', 'one'), ...s.fail('a', 'two'), ...s.fail('b', 'three')].slice(-3),
    ['b failed three', 'some failed three', 'end failed three'],
  ],
  [
    'what is aborted is not tried again',
    three('all'),
    (s) => [...s.fail('a', 'out'), ...s.retry('b'), ...s.retry('c')].slice(-4),
    ['b failed busy', 'c failed busy', 'some failed out', 'end failed out'],
  ],
]
for (const [name, file, when, expected] of endings) {
  test(`parallel: ${name}`, () => {
    const stage = staged(file)
    stage.start()
    assert.deepEqual(when(stage), expected)
  })
}

test('parallel: a branch in doubt holds its end; the others finish, and then it stands in doubt', () => {
  const stage = staged(three('all'))
  stage.start()
  stage.reserve('a')
  assert.deepEqual(stage.timeOut('a'), ['a in_doubt timeout'])
  assert.equal(stage.state, 'running')
  stage.ok('b')
  stage.ok('c')
  stage.ok('d')
  assert.equal(stage.state, 'in_doubt')
  assert.deepEqual(stage.resolve('a', 'ok', '1'), ['a ok'])
  assert.equal(stage.state, 'queued')
  assert.deepEqual(stage.start(), ['some ok', 'invoke last@1 {"x":1,"y":null,"z":null}'])
})

test('parallel: any is decided beside a branch in doubt, and ends when a person has settled that', () => {
  const stage = staged(three('any'))
  stage.start()
  stage.reserve('a')
  stage.timeOut('a')
  stage.fail('c')
  assert.deepEqual(stage.ok('b', '2'), ['b ok'])
  assert.equal(stage.state, 'in_doubt')
  stage.resolve('a', 'fail')
  assert.deepEqual(stage.start(), ['some ok', 'invoke last@1 {"x":null,"y":2,"z":null}'])
})

test('parallel: what a branch begins while another decides the block in the same moment is not asked for', () => {
  const stage = staged(`
  - id: both
    parallel:
      x: [{ id: a, uses: f }]
      y: [{ id: b, uses: f, with: '\${{ event.data.no }}' }]`)
  assert.deepEqual(stage.start(), [
    'b failed expression_failed',
    'both failed expression_failed',
    'end failed expression_failed',
  ])
})

test('parallel in parallel: the inner one is brought to rest with its branch', () => {
  const stage = staged(`
  - id: outer
    parallel:
      x:
        - id: inner
          parallel: { p: [{ id: a, uses: f }], q: [{ id: b, sleep: 1h }] }
      y: [{ id: c, uses: f }]`)
  assert.deepEqual(stage.start(), ['invoke a@1 {}', 'invoke c@1 {}', 'rest b +3600000'])
  assert.deepEqual(stage.fail('c'), ['c failed no', 'abort a', 'up b', 'b failed cancelled'])
  assert.deepEqual(stage.ok('a'), ['a ok', 'inner failed cancelled', 'outer failed no', 'end failed no'])
})

const bills = (more = '', last = '') => `
  - id: all
    forEach: event.data.list
    as: party
    ${more}
    steps:
      - { id: bill, uses: f, with: { who: '\${{ party }}', at: '\${{ party_index }}' } }
      - { id: note, uses: f, with: '\${{ steps.bill.output }}'${last} }
  - { id: last, uses: f, with: '\${{ steps.all.output }}' }`

test('forEach: items run so many at once, and its output is in the order of the list', () => {
  const stage = staged(bills('atOnce: 2'), { list: ['a', 'b', 'c'] })
  assert.deepEqual(stage.start(), ['invoke bill[0]@1 {"who":"a","at":0}', 'invoke bill[1]@1 {"who":"b","at":1}'])
  assert.deepEqual(stage.ok('bill[1]', '1'), ['bill[1] ok', 'invoke note[1]@1 1'])
  assert.deepEqual(stage.ok('note[1]', '"B"'), ['note[1] ok', 'invoke bill[2]@1 {"who":"c","at":2}'])
  stage.ok('bill[2]')
  stage.ok('note[2]', '"C"')
  stage.ok('bill[0]')
  assert.deepEqual(stage.ok('note[0]', '"A"'), ['note[0] ok', 'all ok', 'invoke last@1 ["A","B","C"]'])
})

const lists: readonly [string, unknown, string[]][] = [
  ['an empty list is done at once', [], ['all ok', 'invoke last@1 []']],
  ['no list', { a: 1 }, ['all failed not_a_list', 'end failed not_a_list']],
  ['null', null, ['all failed not_a_list', 'end failed not_a_list']],
  ['too long a list', new Array(10_001).fill(1), ['all failed too_many_items', 'end failed too_many_items']],
]
for (const [name, list, expected] of lists) {
  test(`forEach: ${name}`, () => assert.deepEqual(staged(bills(), { list }).start(), expected))
}

test('forEach: more that must end well than there are items', () => {
  assert.deepEqual(staged(bills('join: 2'), { list: [1] }).start(), [
    'all failed too_few_items',
    'end failed too_few_items',
  ])
})

test('forEach: an item that fails fails it, and begins no further ones', () => {
  const stage = staged(bills('atOnce: 2'), { list: [1, 2, 3] })
  stage.start()
  assert.deepEqual(stage.fail('bill[1]', 'out'), ['bill[1] failed out', 'abort bill[0]'])
  assert.deepEqual(stage.ok('bill[0]'), ['bill[0] ok', 'all failed out', 'end failed out'])
})

test('forEach: each gives null for an item that failed', () => {
  const stage = staged(bills('join: each'), { list: [1, 2] })
  stage.start()
  stage.fail('bill[0]')
  stage.ok('bill[1]')
  assert.deepEqual(stage.ok('note[1]', '2'), ['note[1] ok', 'all ok', 'invoke last@1 [null,2]'])
})

test('forEach: of a failure message the item is named', () => {
  const stage = staged(bills(), { list: [1, 2] })
  stage.start()
  stage.fail('bill[1]')
  stage.ok('bill[0]')
  assert.equal(stage.transaction.failure?.message, 'step all: step bill[1]: it said no')
})

const nested = `
  - id: outer
    forEach: event.data.rows
    as: row
    steps:
      - id: inner
        forEach: row
        as: cell
        steps: [{ id: work, uses: f, with: '\${{ [cell, row_index, cell_index] }}' }]
  - { id: last, uses: f, with: '\${{ steps.outer.output }}' }`

test('forEach in forEach: steps see the items around them, and results lie in lists of lists', () => {
  const stage = staged(nested, { rows: [[1, 2], [3]] })
  assert.deepEqual(stage.start(), [
    'invoke work[0.0]@1 [1,0,0]',
    'invoke work[0.1]@1 [2,0,1]',
    'invoke work[1.0]@1 [3,1,0]',
  ])
  stage.ok('work[0.1]', '"b"')
  assert.deepEqual(stage.ok('work[1.0]', '"c"'), ['work[1.0] ok', 'inner[1] ok'])
  assert.deepEqual(stage.ok('work[0.0]', '"a"'), [
    'work[0.0] ok',
    'inner[0] ok',
    'outer ok',
    'invoke last@1 [["a","b"],["c"]]',
  ])
})

test('forEach: read back in the middle, it goes on with what has no row, and no more at once than before', () => {
  const stage = staged(bills('atOnce: 2'), { list: ['a', 'b', 'c', 'd'] })
  stage.start()
  stage.ok('bill[1]', '"one"')
  stage.ok('note[1]', '"B"')
  assert.deepEqual(stage.restart(), ['invoke bill[0]@1 {"who":"a","at":0}', 'invoke bill[2]@1 {"who":"c","at":2}'])
  stage.ok('bill[2]', '"two"')
  assert.deepEqual(stage.restart(), ['invoke note[2]@1 "two"', 'invoke bill[0]@1 {"who":"a","at":0}'])
})

test('forEach: read back after an item has failed it, it begins nothing of the others', () => {
  const stage = staged(bills('atOnce: 2'), { list: ['a', 'b', 'c'] })
  stage.start()
  stage.ok('bill[0]')
  stage.fail('bill[1]', 'out')
  assert.deepEqual(stage.restart(), ['all failed out', 'end failed out'])
})

test('forEach with others: finish: read back after it was decided, what had begun goes on', () => {
  const stage = staged(bills('atOnce: 2\n    join: any\n    others: finish'), { list: ['a', 'b', 'c'] })
  stage.start()
  stage.ok('bill[1]')
  assert.deepEqual(stage.ok('note[1]', '1'), ['note[1] ok'])
  assert.deepEqual(stage.restart(), ['invoke bill[0]@1 {"who":"a","at":0}'])
  stage.ok('bill[0]')
  assert.deepEqual(stage.ok('note[0]', '0'), ['note[0] ok', 'all ok', 'invoke last@1 [0,1,null]'])
})

const route = `
  - id: way
    switch:
      - { when: event.data.kind == 'a', steps: [{ id: one, uses: f }] }
      - { when: event.data.kind == 'b', steps: [{ id: two, uses: f }, { id: three, uses: f }] }
      - { steps: [{ id: other, uses: f }] }
  - { id: last, uses: f, with: { way: '\${{ steps.way.output }}', one: '\${{ steps.one.output }}' } }`

test('switch: the first case that holds is taken; its output is the block’s, and what was not taken gives null', () => {
  const stage = staged(route, { kind: 'b' })
  assert.deepEqual(stage.start(), ['invoke two@1 {}'])
  stage.ok('two', '2')
  assert.deepEqual(stage.ok('three', '3'), ['three ok', 'way ok', 'invoke last@1 {"way":3,"one":null}'])
})

const cases: readonly [string, string, Record<string, unknown>, string[]][] = [
  ['otherwise', route, { kind: 'z' }, ['invoke other@1 {}']],
  [
    'no case holds',
    route.replace(/\n {6}- \{ steps.*/, ''),
    { kind: 'z' },
    ['way ok', 'invoke last@1 {"way":null,"one":null}'],
  ],
  ['a case’s when fails', route, {}, ['way failed expression_failed', 'end failed expression_failed']],
]
for (const [name, file, data, expected] of cases) {
  test(`switch: ${name}`, () => assert.deepEqual(staged(file, data).start(), expected))
}

test('switch: read back, it goes on in the case that was taken', () => {
  const stage = staged(route, { kind: 'b' })
  stage.start()
  stage.ok('two', '2')
  assert.deepEqual(stage.restart(), ['invoke three@1 {}'])
})

test('when on a block: it is skipped whole, and what it holds gives null', () => {
  const stage = staged(
    `
  - { id: both, when: event.data.go, parallel: { x: [{ id: a, uses: f }], y: [{ id: b, uses: f }] } }
  - { id: last, uses: f, with: '\${{ [steps.both.output, steps.a.output] }}' }`,
    { go: false },
  )
  assert.deepEqual(stage.start(), ['both skipped', 'invoke last@1 [null,null]'])
})

test('optional on a block: it may fail, and gives null', () => {
  const stage = staged(
    `
  - { id: all, optional: true, forEach: event.data.list, steps: [{ id: a, uses: f }] }
  - { id: last, uses: f, with: '\${{ steps.all.output }}' }`,
    { list: [1] },
  )
  stage.start()
  assert.deepEqual(stage.fail('a[0]'), ['a[0] failed no', 'all failed no', 'invoke last@1 null'])
})

test('publish on a block: its message is in the transition of its end, and sees its output', () => {
  const stage = staged(
    `
  - id: all
    forEach: event.data.list
    steps: [{ id: a, uses: f }]
    publish: { topic: t2, value: '\${{ steps.all.output }}' }`,
    { list: [1] },
  )
  stage.start()
  assert.deepEqual(stage.ok('a[0]', '7'), ['a[0] ok', 'all ok', 'publish t2 [7]', 'end completed'])
})

test('publish on a block: one that cannot be made fails it', () => {
  const stage = staged(
    `
  - id: all
    forEach: event.data.list
    steps: [{ id: a, uses: f }]
    publish: { topic: t2, value: '\${{ steps.all.output.no }}' }`,
    { list: [1] },
  )
  stage.start()
  assert.deepEqual(stage.ok('a[0]', '7'), ['a[0] ok', 'all failed expression_failed', 'end failed expression_failed'])
})

test('a block that gives more than fits has failed', () => {
  const stage = staged(bills(), { list: new Array(20).fill(1) })
  stage.start()
  const big = JSON.stringify('x'.repeat(1_000_000))
  for (let at = 0; at < 20; at++) {
    stage.ok(`bill[${at}]`)
    if (stage.ok(`note[${at}]`, big).includes('all failed output_too_large')) return
  }
  assert.fail('it fits')
})
