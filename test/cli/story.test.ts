import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storyLines } from '../../src/cli/story/lines.ts'
import { amountText } from '../../src/cli/story/money.ts'
import type { AttemptRead, PostingRead, StepRead } from '../../src/ledger/read/parts.ts'
import type { Story } from '../../src/ledger/read/story.ts'

const id = '019c2f4e-1111-8222-8333-444455556666'
const child = '019c2f4e-1111-8999-8333-444455556666'
/** So many milliseconds after the admission. */
const at = (ms: number) => `2026-11-24T08:00:${(ms / 1000).toFixed(6).padStart(9, '0')}Z`

const film = `
name: film
on: { kafka: requests }
signals: { over: { key: event.data.session } }
steps:
  - id: check
    parallel:
      user: [{ id: user, uses: check/user }]
      site: [{ id: site, uses: check/site }]
  - id: route
    switch:
      - when: event.data.kind == 'a'
        steps: [{ id: short, uses: short }]
      - steps: [{ id: long, uses: long }]
  - id: bill_all
    forEach: event.data.parties
    steps:
      - { id: bill, uses: money/bill, compensate: money/unbill }
  - { id: nap, sleep: 30m }
  - { id: over, wait: { topic: over, key: event.data.session, timeout: 2h } }
  - { id: sub, call: receipt }
`

const chain = `
name: order
on: { kafka: orders }
steps:
  - { id: reserve, uses: stock/reserve, compensate: stock/release }
  - { id: charge, uses: charge }
`

function story(source: string, parts: Partial<Story>): Story {
  const admitted_at = at(0)
  return {
    id,
    workflow: /name: (\w+)/.exec(source)?.[1] ?? '',
    version: 'ab'.repeat(32),
    key: 'anna',
    event_id: 'e1',
    topic: 'requests',
    kafka_partition: 0,
    kafka_offset: 7,
    state: 'running',
    error_code: null,
    error_message: null,
    produced_at: null,
    fetched_at: at(0),
    admitted_at,
    ended_at: null,
    duration_ms: null,
    engine: 'shop',
    event: '{}',
    parent_id: null,
    parent_step: null,
    round: 1,
    steps: [],
    attempts: [],
    waits: [],
    doubts: [],
    postings: [],
    owed: [],
    rounds: [],
    called: [],
    pauses: [],
    source,
    ...parts,
  }
}

function step(name: string, state: string, more: Partial<StepRead> = {}): StepRead {
  return { step: name, item: '', kind: 'invoke', state, attempts: state === 'pending' ? 0 : 1, ...more }
}

function attempt(name: string, ms: number, more: Partial<AttemptRead> = {}): AttemptRead {
  return {
    step: name,
    item: '',
    kind: 'invoke',
    direction: 'forward',
    round: 1,
    attempt: 1,
    function: name,
    outcome: 'ok',
    error_code: null,
    error_message: null,
    eligible_at: at(ms),
    dispatched_at: null,
    started_at: null,
    finished_at: null,
    committed_at: at(ms + 1),
    next_at: null,
    output: null,
    logs: null,
    resolved_by: null,
    received_at: null,
    ...more,
  }
}

function posting(name: string, more: Partial<PostingRead> = {}): PostingRead {
  return {
    step: name,
    item: '',
    attempt: 1,
    direction: 'forward',
    n: 0,
    debit: 'viewer:1',
    credit: 'revenue',
    amount: '1250',
    currency: 'EUR',
    party: null,
    charge_key: null,
    reverses_attempt: null,
    posted_at: at(1),
    ...more,
  }
}

const plain = (_: string, text: string) => text
const textOf = (given: Story) => storyLines(given, plain, null).join('\n')

const runs = story(film, {
  steps: [
    step('check', 'ok', { kind: 'parallel' }),
    step('user', 'ok'),
    step('site', 'ok', { attempts: 3 }),
    step('route', 'ok', { kind: 'switch' }),
    step('short', 'pending'),
    step('long', 'ok'),
    step('bill_all', 'running', { kind: 'forEach' }),
    ...Array.from({ length: 100 }, (_, n) => step('bill', n === 42 ? 'waiting' : 'ok', { item: String(n) })),
    step('nap', 'pending', { kind: 'sleep' }),
  ],
  attempts: [
    attempt('user', 1, { function: 'check/user' }),
    attempt('check', 0, {
      kind: 'parallel',
      function: null,
      eligible_at: null,
      committed_at: at(5),
      output: '{"user":1}',
    }),
    ...Array.from({ length: 100 }, (_, n) => attempt('bill', 10 + n, { item: String(n), function: 'money/bill' })),
  ],
  postings: [posting('bill', { item: '0' }), posting('bill', { item: '99' })],
})

test('steps of blocks are indented, the case that was taken is shown, and items that are many are counted', () => {
  const tree = textOf(runs).split('\n\n')[1]
  assert.equal(
    tree,
    `  check       ok           parallel
    user
      user    ok           check/user
    site
      site    ok           check/site, 3 attempts
  route       ok           switch
    otherwise
      long    ok
  bill_all    running      forEach, 99 ok, 1 waiting
    bill[0]   ok           money/bill
    bill[1]   ok           money/bill
    bill[2]   ok           money/bill
    bill[3]   ok           money/bill
    bill[4]   ok           money/bill
    bill[5]   ok           money/bill
    bill[6]   ok           money/bill
    bill[42]  waiting      money/bill
    … 92 more items
  nap         pending      sleep`,
  )
})

test('what happened: attempts of items that are not shown are counted, money is told where it moved', () => {
  const times = textOf(runs).split('\n\n')[2] ?? ''
  assert.match(times, /^ {4}5\.0 ms {2}check {2}parallel {2}ok$/m)
  assert.doesNotMatch(times, /\{"user":1\}/)
  assert.match(times, /^ {3}10\.0 ms {2}bill\[0\] \(money\/bill\) {2}attempt 1 {2}ok/m)
  assert.match(times, /bill\[0\].*\n {14}posted {2}12\.50 EUR {2}debit viewer:1, credit revenue$/m)
  assert.doesNotMatch(times, /bill\[99\]/)
  assert.match(times, /^ +… 92 more attempts of items; --json has them all$/m)
  assert.match(times, /^ +bill\[42\] {2}waiting$/m)
  assert.doesNotMatch(times, /^ +bill_all {2}running/m)
})

test('what sleeps, waits and calls: until when, for which event, and which transaction', () => {
  const text = textOf(
    story(film, {
      state: 'waiting',
      steps: [
        step('nap', 'waiting', { kind: 'sleep' }),
        step('over', 'waiting', { kind: 'wait' }),
        step('sub', 'running', { kind: 'call' }),
      ],
      waits: [
        { step: 'nap', item: '', due_at: '2026-11-24T08:30:00.000000Z', since_at: at(1), topic: null, key: null },
        {
          step: 'over',
          item: '',
          due_at: '2026-11-24T10:00:00.000000Z',
          since_at: at(1),
          topic: 'over',
          key: 's-17\u001b[31m',
        },
      ],
      called: [{ id: child, workflow: 'receipt', state: 'running', parent_step: 'sub', admitted_at: at(3) }],
      pauses: [
        {
          engine: 'shop',
          workflow: 'film',
          key: null,
          paused_at: at(0),
          paused_by: 'ann@desk',
          why: 'the bank is away',
        },
      ],
    }),
  )
  assert.match(text, /^ {2}paused {4}all by ann@desk since 2026-11-24 08:00:00\.000 UTC: the bank is away$/m)
  assert.match(text, /^ {2}nap +waiting +sleeps until 2026-11-24 08:30:00\.000 UTC$/m)
  assert.match(text, /^ +over {2}waiting {2}waits for s-17 \[31m of over until 2026-11-24 10:00:00\.000 UTC$/m)
  assert.match(text, new RegExp(`^ {4}3\\.0 ms {2}sub {2}calls receipt ${child} {2}running$`, 'm'))
  assert.match(text, new RegExp(`^ {2}sub +running +calls receipt, ${child} running$`, 'm'))
})

test('a chain has no tree; its compensations are told as such, and what is owed with what to do', () => {
  const text = textOf(
    story(chain, {
      state: 'failed',
      error_code: 'declined',
      error_message: 'step charge: no funds',
      ended_at: at(90),
      duration_ms: 90,
      steps: [step('reserve', 'ok'), step('charge', 'failed')],
      attempts: [
        attempt('reserve', 1, { function: 'stock/reserve' }),
        attempt('charge', 5, { outcome: 'fail', error_code: 'declined' }),
        attempt('reserve', 8, {
          kind: 'undo',
          direction: 'undo',
          function: 'stock/release',
          outcome: 'fail',
          error_code: 'closed',
          error_message: 'the stock is closed',
        }),
      ],
      postings: [posting('reserve', { direction: 'undo', reverses_attempt: 1, party: 'anna' })],
      owed: [
        {
          step: 'reserve',
          item: '',
          kind: 'invoke',
          function: 'stock/release',
          error_code: 'closed',
          error_message: 'the stock is closed',
          attempts: 1,
        },
      ],
    }),
  )
  assert.equal(
    text,
    `${id}  failed after 90.0 ms
  workflow  order (version abababababab)
  event     e1 from requests/0 at offset 7
  key       anna
  trace     019c2f4e111182228333444455556666
  admitted  2026-11-24 08:00:00.000 UTC
  error     declined step charge: no funds

      0 µs  fetched
      0 µs  admitted
    1.0 ms  reserve (stock/reserve)  attempt 1  ok
    5.0 ms  charge  attempt 1  fail declined
    8.0 ms  undo of reserve (stock/release)  attempt 1  fail closed
              the stock is closed
              posted  12.50 EUR  debit viewer:1, credit revenue (anna), a reversal
   90.0 ms  failed

owed: it was done, and is not undone
  reserve  by stock/release: closed the stock is closed
  \`millrace compensate 019c2f4e-1111-8222\` tries again, once what was in the way is mended`,
  )
})

test('while it is undone: no step after it runs, and what is still to undo is named', () => {
  const text = textOf(
    story(chain, { state: 'compensating', steps: [step('reserve', 'ok'), step('charge', 'running', { attempts: 0 })] }),
  )
  assert.match(text, /^ +still to undo {2}reserve$/m)
  assert.doesNotMatch(text, /charge/)
})

test('rounds: who opened it again, from where, and how it had ended before', () => {
  const text = textOf(
    story(chain, {
      round: 2,
      parent_id: child,
      parent_step: 'sub[3]',
      steps: [step('reserve', 'running')],
      attempts: [attempt('reserve', 1)],
      rounds: [
        {
          round: 2,
          opened_at: at(50),
          opened_by: 'ann: the bank is back',
          from_step: 'reserve',
          input: '{"n":1}',
          former_state: 'failed',
          former_error_code: 'declined',
          former_error_message: 'no funds',
        },
      ],
    }),
  )
  assert.match(text, new RegExp(`^ {2}called by  sub\\[3\\] of ${child}$`, 'm'))
  assert.match(text, /^ {2}round {5}2$/m)
  assert.match(text, /^ {3}50\.0 ms {2}round 2: run again from reserve on, by ann: the bank is back$/m)
  assert.match(text, /^ {14}before that it was failed: declined no funds$/m)
})

test('a step of an item in doubt: how to settle it, in words that a shell takes as they are', () => {
  const steps = [step('bill_all', 'running', { kind: 'forEach' }), step('bill', 'in_doubt', { item: '3' })]
  const text = textOf(story(film, { state: 'in_doubt', steps, doubts: [{ step: 'bill', item: '3', attempt: 1 }] }))
  assert.match(text, /^ +bill\[3\] {2}in_doubt$/m)
  assert.match(text, /^ +millrace resolve 019c2f4e-1111-8222 --step 'bill\[3\]' --outcome ok$/m)
  const undo = textOf(
    story(chain, { steps: [step('reserve', 'ok')], doubts: [{ step: 'reserve', item: '', attempt: 1 }] }),
  )
  assert.match(undo, /^ +undo of reserve {2}in_doubt$/m)
})

test('a source that this version cannot read: the story without its tree', () => {
  const text = textOf({ ...runs, source: 'name: film\nstepz: 1' })
  assert.match(text, /bill\[42\] {2}waiting/)
  assert.match(text, /92 more attempts/)
  assert.doesNotMatch(text, /otherwise/)
})

test('colours go where states are, and a narrow terminal cuts lines without breaking them', () => {
  const colour = (name: string, text: string) => (name === 'green' ? `\u001b[32m${text}\u001b[0m` : text)
  assert.ok(storyLines(runs, colour, null).includes('      user    \u001b[32mok         \u001b[0m  check/user'))
  for (const line of storyLines(runs, plain, 40)) assert.ok(line.length <= 40, line)
})

test('minor units are told as the currency has them', () => {
  assert.deepEqual(
    [amountText('1250', 'EUR'), amountText('5', 'EUR'), amountText('1250', 'JPY'), amountText('1250', 'KWD')],
    ['12.50 EUR', '0.05 EUR', '1250 JPY', '1.250 KWD'],
  )
})

test('ten thousand items are a page, and made in a moment', () => {
  const many = Array.from({ length: 10_000 }, (_, n) => step('bill', 'ok', { item: String(n) }))
  const tries = many.map(({ item }, n) => attempt('bill', n % 1000, { item }))
  const from = performance.now()
  const lines = storyLines(story(film, { steps: many, attempts: tries }), plain, null)
  assert.ok(lines.length < 60, `${lines.length} lines`)
  assert.ok(performance.now() - from < 1000)
})
