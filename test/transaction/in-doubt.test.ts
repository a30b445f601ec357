/** Functions that are not idempotent: what puts a step in doubt, what does not, and what a person's word makes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AttemptReport } from '../../src/transaction/attempt.ts'
import { type AttemptRecord, type BegunRecord, restore } from '../../src/transaction/restore.ts'
import type { Transaction } from '../../src/transaction/transaction.ts'
import {
  admitted,
  baseUs,
  due,
  effectsOf,
  ended,
  type Played,
  plain,
  planOf,
  play,
  reserved,
  resolved,
  started,
} from './scene.ts'
import { staged } from './stage.ts'

const retry = 'retry: { attempts: 3, backoff: fixed, initial: 100ms, jitter: false }'
const plan = planOf(`
  - { id: charge, uses: f, ${retry} }
  - { id: ship, uses: f, with: '\${{ steps.charge.output.id }}' }`)

const kept = play(admitted(plan), started(), reserved(0, 1))
const unknown = (outcome: AttemptReport['outcome']) => ended(0, 1, { outcome, errorCode: 'gone', effectUnknown: true })
const inDoubt = (of: Transaction = admitted(plan)) => play(of, started(), reserved(0, 1), unknown('lost'))

test('that it may run is a row, and only then it is called', () => {
  assert.deepEqual(effectsOf(kept), ['begun 0@1', 'proceed 0@1'])
  assert.equal(kept.transaction.state, 'running')
})

const refusals: readonly [string, Played][] = [
  ['for another attempt than the one awaited', play(admitted(plan), started(), reserved(0, 2))],
  ['for a step that is not reached', play(admitted(plan), started(), reserved(1, 1))],
  [
    'while the next attempt waits for its time',
    play(kept.transaction, ended(0, 1, { outcome: 'retry' }), reserved(0, 2)),
  ],
  ['a second time', play(kept.transaction, reserved(0, 1))],
]
for (const [name, { refused }] of refusals)
  test(`a process kept ${name} is refused`, () => assert.notEqual(refused, null))

for (const outcome of ['retry', 'fail', 'timeout', 'crash', 'lost'] as const) {
  test(`${outcome} of unknown effect: in doubt after it was begun, as the policy says if it was not`, () => {
    const after = play(kept.transaction, unknown(outcome))
    assert.deepEqual(effectsOf(after), [`attempt 0@1 ${outcome} in_doubt`])
    assert.equal(after.transaction.state, 'in_doubt')
    const notBegun = play(admitted(plan), started(), unknown(outcome))
    assert.notEqual(notBegun.transaction.state, 'in_doubt')
  })
}

const known: readonly [string, Partial<AttemptReport>, string[]][] = [
  ['ok', { output: '{"id":"c1"}' }, ['attempt 0@1 ok ok', 'invoke ship@1 "c1"']],
  ['retry()', { outcome: 'retry' }, ['attempt 0@1 retry again', 'timer 0 +110']],
  ['fail()', { outcome: 'fail', errorCode: 'declined' }, ['attempt 0@1 fail failed', 'end failed declined']],
  ['lost before it was called', { outcome: 'lost' }, ['attempt 0@1 lost again', 'invoke charge@2 {}']],
]
for (const [name, report, expected] of known) {
  test(`${name} leaves nothing in doubt: ${expected.join(', ')}`, () => {
    assert.deepEqual(effectsOf(play(kept.transaction, ended(0, 1, report))), expected)
  })
}

test('the attempt after a retry() is begun by itself', () => {
  const again = play(kept.transaction, ended(0, 1, { outcome: 'retry' }), due(0, 200))
  assert.equal(
    play(again.transaction, ended(0, 2, { outcome: 'lost', effectUnknown: true })).transaction.state,
    'running',
  )
  const kept2 = play(again.transaction, reserved(0, 2))
  assert.deepEqual(effectsOf(kept2), ['begun 0@2', 'proceed 0@2'])
  assert.deepEqual(effectsOf(play(kept2.transaction, ended(0, 2, { outcome: 'crash', effectUnknown: true }))), [
    'attempt 0@2 crash in_doubt',
  ])
})

test('a coordinator that is lost while it may run leaves it in doubt, and says so', () => {
  const after = play(restored(admitted(plan), [], [{ step: 0, item: '', attempt: 1 }]), started(5000))
  assert.deepEqual(effectsOf(after), ['attempt 0@1 lost in_doubt'])
  const [row] = after.effects
  assert.ok(row?.type === 'RecordAttempt')
  assert.equal(row.row.errorCode, 'coordinator_lost')
  assert.equal(after.transaction.state, 'in_doubt')
})

const wide = `
  - { id: before, uses: f, compensate: g }
  - id: both
    parallel:
      x: [{ id: once, uses: f }]
      y: [{ id: y1, uses: f }, { id: y2, uses: f, compensate: g }, { id: bad, uses: f, when: event.data.fails }]`
const oneInDoubt = (data: { fails: boolean }) => {
  const stage = staged(wide, data)
  stage.start()
  stage.ok('before')
  stage.reserve('once')
  stage.timeOut('once')
  return stage
}

for (const isLost of [false, true]) {
  const when = isLost ? 'when its coordinator was lost, too' : 'with the same coordinator'
  test(`one branch in doubt, the others go on to their end, and nothing is undone before: ${when}`, () => {
    const stage = oneInDoubt({ fails: true })
    if (isLost) assert.deepEqual(stage.restart(), ['invoke y1@1 {}'])
    stage.ok('y1')
    if (isLost) assert.deepEqual(stage.restart(), ['invoke y2@1 {}'])
    stage.ok('y2')
    assert.equal(stage.state, 'running')
    assert.deepEqual(stage.fail('bad'), ['bad failed no'])
    assert.equal(stage.state, 'in_doubt')
    if (isLost) assert.deepEqual(stage.restart(), [])
    assert.equal(stage.state, 'in_doubt')
    assert.deepEqual(stage.resolve('once', 'ok'), ['once ok'])
    assert.equal(stage.state, 'queued')
    assert.deepEqual(stage.start(), ['both failed no', 'invoke ~y2@1 {"output":null}', 'turn no'])
  })
}

test('settled while it stands in line with its other branches, it goes on with all of them', () => {
  const stage = oneInDoubt({ fails: false })
  assert.deepEqual(stage.crash().resolve('once', 'ok'), ['once ok'])
  assert.equal(stage.state, 'queued')
  assert.deepEqual(stage.start(0, true), ['invoke y1@1 {}'])
})

test('a branch that sleeps beside one in doubt goes on when it wakes', () => {
  const stage = staged(`
  - id: both
    parallel:
      x: [{ id: once, uses: f }]
      y: [{ id: nap, sleep: 1s }, { id: late, uses: f }]`)
  stage.start()
  stage.reserve('once')
  stage.timeOut('once')
  assert.equal(stage.state, 'in_doubt')
  assert.deepEqual(stage.due('once', 500), ['refused: step once waits for no timer'])
  assert.deepEqual(stage.due('nap', 1000), [])
  assert.equal(stage.state, 'queued')
  assert.deepEqual(stage.start(), ['up nap', 'nap ok', 'invoke late@1 {}'])
})

test('settled as ok, it waits for its turn, and later expressions see what the person gave', () => {
  const settled = play(inDoubt().transaction, resolved('charge', 'ok', '{"id":12345678901234567890}'))
  assert.deepEqual(effectsOf(settled), ['attempt 0@2 ok ok'])
  assert.equal(settled.transaction.state, 'queued')
  assert.deepEqual(effectsOf(play(settled.transaction, started(100))), ['invoke ship@1 12345678901234567890'])
})

test('settled as failed, the transaction fails when its turn comes, by whom and why', () => {
  const settled = play(inDoubt().transaction, resolved('charge', 'fail'))
  assert.deepEqual(effectsOf(settled), ['attempt 0@2 fail failed'])
  assert.equal(settled.transaction.state, 'queued')
  const failed = play(settled.transaction, started(100))
  assert.deepEqual(effectsOf(failed), ['end failed resolved_failed'])
  const [[attempt], [ending]] = [settled.effects, failed.effects]
  assert.ok(attempt?.type === 'RecordAttempt' && ending?.type === 'RecordEnding')
  assert.equal(attempt.row.resolvedBy, 'somebody: looked it up')
  assert.equal(ending.row.errorMessage, 'step charge: settled as failed by somebody: looked it up')
})

const optional = planOf(`
  - { id: charge, uses: f, optional: true }
  - { id: ship, uses: f, with: { paid: '\${{ steps.charge.output }}' } }`)

test('settled as failed, an optional step leaves null, and the transaction goes on after its turn', () => {
  const settled = play(inDoubt(admitted(optional)).transaction, resolved('charge', 'fail'))
  assert.deepEqual(effectsOf(settled), ['attempt 0@2 fail failed'])
  assert.equal(settled.transaction.state, 'queued')
  assert.deepEqual(effectsOf(play(settled.transaction, started(100))), ['invoke ship@1 {"paid":null}'])
})

test('the last step settled as ok ends it when its turn comes', () => {
  const last = planOf('  - { id: charge, uses: f }')
  const settled = play(inDoubt(admitted(last)).transaction, resolved('charge', 'ok'), started(100))
  assert.deepEqual(effectsOf(settled), ['end completed'])
})

const notInDoubt: readonly [string, Played, string][] = [
  ['another step', play(inDoubt().transaction, resolved('ship', 'ok')), 'step ship is not in doubt'],
  ['no step of it', play(inDoubt().transaction, resolved('nothing', 'ok')), 'step nothing is not in doubt'],
  [
    'one that runs',
    play(kept.transaction, resolved('charge', 'ok')),
    'step charge is not in doubt: the transaction is running',
  ],
  [
    'one that is settled',
    play(inDoubt().transaction, resolved('charge', 'ok'), resolved('charge', 'fail')),
    'step charge is not in doubt: the transaction is queued',
  ],
]
for (const [name, { refused }, expected] of notInDoubt) {
  test(`a word on ${name} is refused: ${expected}`, () => assert.equal(refused, expected))
}

const limited = planOf(
  `
  - { id: charge, uses: f, optional: true }
  - { id: ship, uses: f }`,
  'timeout: 1s',
)
const late: readonly [string, Played, string[]][] = [
  [
    'a kill at the limit leaves it in doubt, and does not end it',
    play(admitted(limited), started(), reserved(0, 1), ended(0, 1, { outcome: 'timeout', effectUnknown: true }, 1001)),
    ['attempt 0@1 timeout in_doubt'],
  ],
  [
    'settled after it, no further step begins',
    play(inDoubt(admitted(limited)).transaction, resolved('charge', 'ok', null, 5000), started(5001)),
    ['end failed transaction_timeout'],
  ],
  [
    'settled after it, the last step was in time',
    play(
      inDoubt(admitted(planOf('  - { id: charge, uses: f }', 'timeout: 1s'))).transaction,
      resolved('charge', 'ok', null, 5000),
      started(5001),
    ),
    ['end completed'],
  ],
]
for (const [name, played, expected] of late) {
  test(`workflow timeout: ${name}`, () => assert.deepEqual(effectsOf(played), expected))
}

test('made again of its rows it stands in doubt, and is settled as if nothing had been', () => {
  const again = restored(admitted(plan), [lostRow])
  assert.deepEqual(plain(again), plain(inDoubt().transaction))
  const word = resolved('charge', 'ok', '{"id":1}')
  assert.deepEqual(play(again, word).effects, play(inDoubt().transaction, word).effects)
})

test('made again of its rows after it was settled it goes on', () => {
  const word = {
    ...lostRow,
    attempt: 2,
    outcome: 'ok',
    stepState: 'ok',
    output: '{"id":"c7"}',
    unknown: false,
  } as const
  const again = restored(admitted(plan), [lostRow, word])
  const settled = play(inDoubt().transaction, resolved('charge', 'ok', '{"id":"c7"}')).transaction
  assert.deepEqual(plain(again), plain(settled))
  assert.deepEqual(effectsOf(play(again, started(100))), ['invoke ship@1 "c7"'])
})

const lostRow: AttemptRecord = {
  step: 0,
  item: '',
  attempt: 1,
  outcome: 'lost',
  stepState: 'in_doubt',
  output: null,
  nextUs: null,
  errorCode: null,
  errorMessage: null,
  eligibleUs: baseUs + 9996,
  seq: null,
  unknown: true,
  round: 1,
}

function restored(
  { id, position, key, envelope, admittedUs, parent }: Transaction,
  attempts: readonly AttemptRecord[],
  begun: readonly BegunRecord[] = [],
): Transaction {
  const none = { rests: [], children: [], postings: [], rounds: [], failure: null, ended: null }
  return restore({ id, plan, position, key, envelope, admittedUs, parent }, { ...none, attempts, begun })
}
