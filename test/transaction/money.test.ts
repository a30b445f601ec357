// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow files are full of them
/** Movements of money: written with the step that asked for them, and taken back by what undoes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Posted } from '../../src/transaction/attempt.ts'
import { staged } from './stage.ts'

const post = (debit: string, credit: string, amount: number, key: string | null = null): Posted => {
  return { debit, credit, amount: String(amount), currency: 'EUR', party: null, key }
}
const chain = (compensate: string) => `
  - { id: pay, uses: f, compensate: ${compensate} }
  - { id: last, uses: f }`
const paid = (compensate: string) => {
  const stage = staged(chain(compensate))
  stage.start()
  stage.ok('pay', null, { posted: [post('viewer', 'us', 100, 'key'), post('us', 'studio', 60)] })
  stage.fail('last')
  return stage
}

test('they are in the transition of the step’s end, each with its place', () => {
  const stage = staged(chain('g'))
  stage.start()
  const told = stage.ok('pay', null, { posted: [post('viewer', 'us', 100, 'key'), post('us', 'studio', 60)] })
  assert.deepEqual(told, ['pay ok', 'post pay viewer>us 100 EUR', 'post pay us>studio 60 EUR', 'invoke last@1 {}'])
  const rows = [...stage.rows.postings.values()]
  assert.deepEqual(
    rows.map(({ n, chargeKey, amount }) => [n, chargeKey, amount]),
    [
      [0, 'key', 100n],
      [1, null, 60n],
    ],
  )
})

test('an attempt that does not end well posts nothing', () => {
  const stage = staged(chain('g'))
  stage.start()
  assert.deepEqual(
    stage.retry('pay', 'busy', { posted: [post('a', 'b', 1)] }).filter((each) => each.startsWith('post')),
    [],
  )
})

test('what undoes the step reverses them, over a restart, too', () => {
  const stage = paid('g')
  stage.restart()
  assert.deepEqual(stage.ok('~pay'), [
    '~pay ok',
    'post ~pay us>viewer 100 EUR reversal',
    'post ~pay studio>us 60 EUR reversal',
    'end compensated no',
  ])
})

test('what it posts itself comes before', () => {
  assert.deepEqual(
    paid('g')
      .ok('~pay', null, { posted: [post('us', 'fees', 5)] })
      .slice(1, 4),
    ['post ~pay us>fees 5 EUR', 'post ~pay us>viewer 100 EUR reversal', 'post ~pay studio>us 60 EUR reversal'],
  )
})

const own = "{ uses: g, postings: own, net: { viewer: '${{ -10 }}', us: '${{ 10 }}' } }"
test('own: it reverses nothing, and each account must come to what is declared', () => {
  const posted = [post('us', 'viewer', 90), post('studio', 'us', 60)]
  assert.deepEqual(paid(own).ok('~pay', null, { posted }), [
    '~pay ok',
    'post ~pay us>viewer 90 EUR',
    'post ~pay studio>us 60 EUR',
    'end compensated no',
  ])
})

const wrong: readonly [string, Posted[], string][] = [
  [
    'an account differs',
    [post('us', 'viewer', 80), post('studio', 'us', 60)],
    'viewer EUR comes to -20, declared is -10',
  ],
  [
    'an account is not declared',
    [post('us', 'viewer', 90), post('bank', 'us', 60)],
    'studio EUR comes to 60, declared is 0',
  ],
]
for (const [name, posted, message] of wrong) {
  test(`own: ${name}: the compensation has failed, and is owed`, () => {
    const stage = paid(own)
    assert.deepEqual(stage.ok('~pay', null, { posted }), ['~pay failed net_differs unknown', 'end failed no'])
    assert.equal(stage.progress('~pay').error?.message, message)
  })
}

test('a step that is run again after it was undone reverses its last postings alone', () => {
  const stage = paid('g')
  stage.ok('~pay')
  stage.crash().again()
  stage.start()
  stage.ok('pay', null, { posted: [post('viewer', 'us', 70)] })
  stage.fail('last')
  stage.restart()
  assert.deepEqual(
    stage.ok('~pay').filter((each) => each.startsWith('post')),
    ['post ~pay us>viewer 70 EUR reversal'],
  )
})

test('each item’s are its own', () => {
  const stage = staged(
    `
  - { id: all, forEach: event.data.list, steps: [{ id: pay, uses: f, compensate: g }] }
  - { id: last, uses: f }`,
    { list: [1, 2] },
  )
  stage.start()
  stage.ok('pay[0]', null, { posted: [post('a', 'b', 1)] })
  stage.ok('pay[1]', null, { posted: [post('a', 'b', 2)] })
  stage.fail('last')
  assert.deepEqual(stage.ok('~pay[1]').slice(1), [
    'post ~pay[1] b>a 2 EUR reversal',
    'invoke ~pay[0]@1 {"output":null}',
  ])
})

test('who says that what undoes the step is done has them reversed, too', () => {
  const stage = paid('g')
  stage.reserve('~pay')
  stage.end('~pay', { outcome: 'timeout', errorCode: 'timeout', effectUnknown: true })
  assert.equal(stage.state, 'in_doubt')
  const told = stage.resolve('pay', 'ok', 'null')
  assert.deepEqual(told, ['~pay ok', 'post ~pay us>viewer 100 EUR reversal', 'post ~pay studio>us 60 EUR reversal'])
  assert.deepEqual(stage.start(), ['end compensated no'])
})
