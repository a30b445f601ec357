/** Every state and every event; and what a transaction does on its way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AttemptReport } from '../../src/transaction/attempt.ts'
import { type EventType, eventTypes, type TransactionEvent } from '../../src/transaction/event.ts'
import { type TransactionState, transactionStates } from '../../src/transaction/transaction.ts'
import { transition } from '../../src/transaction/transition.ts'
import {
  admitted,
  baseUs,
  cancelled,
  childEnded,
  due,
  effectsOf,
  ended,
  type Played,
  plain,
  planOf,
  play,
  reserved,
  resolved,
  retryAsked,
  signalled,
  started,
  undoAsked,
} from './scene.ts'
import { type Stage, staged } from './stage.ts'

const two = planOf(`
  - { id: first, uses: f, with: { n: '\${{ event.data.n }}' } }
  - { id: second, uses: f, with: '\${{ steps.first.output }}' }`)

const running = () => play(admitted(two, { n: 1 }), started())

const wide = `
  - { id: pre, uses: f, compensate: g }
  - id: all
    parallel:
      one: [{ id: work, uses: f }]
      two: [{ id: hear, wait: { topic: s, key: "'k'" } }]
      three: [{ id: sub, call: other }]`

/** How a transaction comes to each state. */
const ways: Readonly<Record<TransactionState, (stage: Stage) => void>> = {
  queued: () => undefined,
  running: (stage) => {
    stage.start()
    stage.ok('pre')
  },
  waiting: (stage) => {
    ways.running(stage)
    stage.ok('work')
    stage.childEnds('sub')
  },
  in_doubt: (stage) => {
    ways.running(stage)
    stage.reserve('work')
    stage.childEnds('sub')
    stage.timeOut('work')
  },
  compensating: (stage) => {
    ways.running(stage)
    stage.ok('work')
    stage.childEnds('sub', { state: 'failed' })
  },
  completed: (stage) => {
    ways.waiting(stage)
    stage.crash().signal('hear')
    stage.start()
  },
  compensated: (stage) => {
    ways.compensating(stage)
    stage.ok('~pre')
  },
  cancelled: (stage) => stage.cancel(),
  failed: (stage) => {
    ways.compensating(stage)
    stage.fail('~pre')
  },
}
const sampleOf = (type: EventType, state: TransactionState, stage: Stage): TransactionEvent => {
  const asked = stage.ref(state === 'compensating' ? '~pre' : 'work').step
  const end = { state: 'completed', error: null, output: null, isOwing: false } as const
  return {
    Started: started(50),
    AttemptReserved: reserved(asked, 1),
    AttemptEnded: ended(asked, 1),
    TimerDue: due(stage.ref('hear').step, 50),
    SignalArrived: signalled(stage.ref('hear').step, '{}'),
    ChildEnded: childEnded(stage.ref('sub').step, stage.rows.children[0]?.id ?? 'none', end),
    StepResolved: resolved('work', 'ok'),
    CancelAsked: cancelled(),
    UndoAsked: undoAsked(),
    RetryAsked: retryAsked(),
  }[type]
}

const taken: Readonly<Record<TransactionState, readonly EventType[]>> = {
  queued: ['Started', 'CancelAsked'],
  running: ['AttemptReserved', 'AttemptEnded', 'TimerDue', 'SignalArrived', 'ChildEnded', 'CancelAsked'],
  waiting: [],
  in_doubt: ['TimerDue', 'SignalArrived', 'StepResolved', 'CancelAsked'],
  compensating: ['AttemptReserved', 'AttemptEnded', 'ChildEnded'],
  completed: ['UndoAsked'],
  compensated: ['RetryAsked'],
  cancelled: ['RetryAsked'],
  failed: ['UndoAsked', 'RetryAsked'],
}

for (const state of transactionStates) {
  for (const type of eventTypes) {
    const isTaken = taken[state].includes(type)
    test(`${state}, when ${type}: ${isTaken ? 'moves on' : 'refused, and nothing changes'}`, () => {
      const stage = staged(wide, {}, 'signals: { s: {} }')
      ways[state](stage)
      const { transaction } = stage
      assert.equal(transaction.state, state)
      const frozen = JSON.stringify(plain(transaction))
      const result = transition(transaction, sampleOf(type, state, stage))
      assert.equal('refused' in result, !isTaken, JSON.stringify(result))
      assert.equal(JSON.stringify(plain(transaction)), frozen, 'changed in place')
    })
  }
}

test('step after step: each sees what those before it gave, and the last ends it', () => {
  const begun = play(admitted(two, { n: 1 }), started())
  assert.deepEqual(effectsOf(begun), ['invoke first@1 {"n":1}'])
  const next = play(begun.transaction, ended(0, 1, { output: '{"a":12345678901234567890}' }))
  assert.deepEqual(effectsOf(next), ['attempt 0@1 ok ok', 'invoke second@1 {"a":12345678901234567890}'])
  const last = play(next.transaction, ended(1, 1))
  assert.deepEqual(effectsOf(last), ['attempt 1@1 ok ok', 'end completed'])
  assert.equal(last.transaction.state, 'completed')
})

const stale: readonly [string, Played][] = [
  ['an attempt that has ended before', play(running().transaction, ended(0, 1), ended(0, 1))],
  ['an attempt that is not asked for yet', play(running().transaction, ended(0, 2))],
  ['a step that is not reached yet', play(running().transaction, ended(1, 1))],
  ['a timer while an attempt runs', play(running().transaction, due(0, 50))],
  ['an attempt while a timer runs', play(running().transaction, ended(0, 1, { outcome: 'retry' }), ended(0, 1))],
  ['a second start', play(running().transaction, started())],
]
for (const [name, { refused }] of stale) test(`${name} is refused`, () => assert.notEqual(refused, null))

test('an event of a step that the plan does not have is refused', () => {
  assert.equal(play(running().transaction, ended(7, 1)).refused, 'there is no such step: 7')
})

const retried = planOf(`
  - { id: work, uses: f, retry: { attempts: 3, backoff: fixed, initial: 100ms, max: 1s, jitter: false } }
  - { id: after, uses: f }`)

const outcomes: readonly [string, Partial<AttemptReport>, string[]][] = [
  ['ok', { output: '1' }, ['attempt 0@1 ok ok', 'invoke after@1 {}']],
  ['retry', { outcome: 'retry', errorCode: 'busy' }, ['attempt 0@1 retry again', 'timer 0 +110']],
  ['timeout', { outcome: 'timeout' }, ['attempt 0@1 timeout again', 'timer 0 +110']],
  ['crash', { outcome: 'crash' }, ['attempt 0@1 crash again', 'timer 0 +110']],
  ['fail', { outcome: 'fail', errorCode: 'declined' }, ['attempt 0@1 fail failed', 'end failed declined']],
  ['lost', { outcome: 'lost' }, ['attempt 0@1 lost again', 'invoke work@2 {}']],
  ['a longer wish', { outcome: 'retry', retryAfterMs: 500 }, ['attempt 0@1 retry again', 'timer 0 +510']],
  ['a shorter wish', { outcome: 'retry', retryAfterMs: 5 }, ['attempt 0@1 retry again', 'timer 0 +110']],
  ['a wish of years', { outcome: 'retry', retryAfterMs: 1e12 }, ['attempt 0@1 retry again', 'timer 0 +86400010']],
]
for (const [name, report, expected] of outcomes) {
  test(`the first of three attempts ends with ${name}: ${expected.join(', ')}`, () => {
    const begun = play(admitted(retried), started())
    assert.deepEqual(effectsOf(play(begun.transaction, ended(0, 1, report))), expected)
  })
}

test('a retry waits for its timer, keeps its idempotency key, and says since when it was due', () => {
  const waiting = play(admitted(retried), started(), ended(0, 1, { outcome: 'retry' }))
  const { effects } = play(waiting.transaction, due(0, 115))
  const first = play(admitted(retried), started()).effects[0]
  assert.ok(effects[0]?.type === 'Invoke' && first?.type === 'Invoke')
  assert.equal(effects[0].idempotencySeed, first.idempotencySeed)
  assert.deepEqual([effects[0].attempt, effects[0].eligibleUs], [2, baseUs + 110_000])
})

test('after its last attempt a step has failed with what that one said', () => {
  const busy = { outcome: 'retry', errorCode: 'busy', errorMessage: 'come again' } as const
  const waited = [ended(0, 1, busy), due(0, 200), ended(0, 2, busy), due(0, 400)]
  const last = play(
    admitted(retried),
    started(),
    ...waited,
    ended(0, 3, { outcome: 'timeout', errorMessage: 'too slow' }),
  )
  assert.deepEqual(effectsOf(last), ['attempt 0@3 timeout failed', 'end failed timeout'])
  const ending = last.effects.at(-1)
  assert.ok(ending?.type === 'RecordEnding')
  assert.equal(ending.row.errorMessage, 'step work: too slow')
})

test('lost attempts have a limit of their own, run alone from the third on, and end as a crash loop', () => {
  const lost = { outcome: 'lost' } as const
  const begun = play(admitted(retried), started(), ended(0, 1, { outcome: 'retry' }), due(0, 200))
  const alone: string[] = []
  let played = begun
  for (let attempt = 2; attempt <= 6; attempt++) {
    played = play(played.transaction, ended(0, attempt, lost))
    alone.push(effectsOf(played).at(-1) as string)
  }
  assert.deepEqual(alone, [
    'invoke work@3 {}',
    'invoke work@4 alone {}',
    'invoke work@5 alone {}',
    'invoke work@6 alone {}',
    'end failed crash_loop',
  ])
})

test('an optional step that fails leaves null, and the transaction goes on', () => {
  const plan = planOf(`
  - { id: ads, uses: f, optional: true }
  - { id: bill, uses: f, with: { ads: '\${{ steps.ads.output }}' } }`)
  const played = play(admitted(plan), started(), ended(0, 1, { outcome: 'fail', output: null }))
  assert.deepEqual(effectsOf(played), ['attempt 0@1 fail failed', 'invoke bill@1 {"ads":null}'])
})

test('steps whose when is false are skipped, with a row each; when all are, it has completed at once', () => {
  const plan = planOf(`
  - { id: a, uses: f, when: event.data.go }
  - { id: b, uses: f, when: steps.a.output != null }`)
  const skipped = ['attempt 0@0 skipped skipped', 'attempt 1@0 skipped skipped', 'end completed']
  assert.deepEqual(effectsOf(play(admitted(plan, { go: false }), started())), skipped)
  assert.deepEqual(effectsOf(play(admitted(plan, { go: true }), started())), ['invoke a@1 {}'])
})

const failing: readonly [string, string, Record<string, unknown>, string[]][] = [
  ['with', `with: '\${{ event.data.no }}'`, {}, ['attempt 0@1 fail failed', 'end failed expression_failed']],
  ['when', 'when: event.data.no', {}, ['attempt 0@1 fail failed', 'end failed expression_failed']],
  [
    'when, no bool',
    'when: event.data.n',
    { n: 12345678901234567890n },
    ['attempt 0@1 fail failed', 'end failed expression_failed'],
  ],
  ['optional', `optional: true, when: event.data.no`, {}, ['attempt 0@1 fail failed', 'invoke last@1 {}']],
]
for (const [name, what, data, expected] of failing) {
  test(`an expression of a step fails (${name}): ${expected.join(', ')}`, () => {
    const plan = planOf(`  - { id: first, uses: f, ${what} }\n  - { id: last, uses: f }`)
    assert.deepEqual(effectsOf(play(admitted(plan, data), started())), expected)
  })
}

const limited = planOf(
  `
  - { id: work, uses: f, optional: true, retry: { attempts: 5, backoff: fixed, initial: 100ms, jitter: false } }
  - { id: after, uses: f }`,
  'timeout: 1s',
)
const late: readonly [string, Played, string[]][] = [
  ['its turn comes too late', play(admitted(limited), started(1000)), ['end failed transaction_timeout']],
  [
    'a step ends too late for the next',
    play(admitted(limited), started(), ended(0, 1, {}, 1000)),
    ['attempt 0@1 ok ok', 'end failed transaction_timeout'],
  ],
  [
    'the last step ends late, but well',
    play(admitted(limited), started(), ended(0, 1), ended(1, 1, {}, 1500)),
    ['attempt 1@1 ok ok', 'end completed'],
  ],
  [
    'the next attempt would be due too late',
    play(admitted(limited), started(), ended(0, 1, { outcome: 'retry' }, 950)),
    ['attempt 0@1 retry failed', 'end failed transaction_timeout'],
  ],
  [
    'an attempt is cut off by the limit, though its step is optional',
    play(admitted(limited), started(), ended(0, 1, { outcome: 'timeout' }, 1001)),
    ['attempt 0@1 timeout failed', 'end failed transaction_timeout'],
  ],
  [
    'an attempt is lost after the limit',
    play(admitted(limited), started(), ended(0, 1, { outcome: 'lost' }, 1001)),
    ['attempt 0@1 lost failed', 'end failed transaction_timeout'],
  ],
]
for (const [name, played, expected] of late) {
  test(`workflow timeout: ${name}`, () => assert.deepEqual(effectsOf(played), expected))
}

test('an attempt is told the workflow’s limit', () => {
  const [invoke] = play(admitted(limited), started()).effects
  assert.ok(invoke?.type === 'Invoke')
  assert.equal(invoke.notAfterUs, baseUs + 1_000_000)
})
