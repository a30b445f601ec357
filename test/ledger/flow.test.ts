/** Items, rests, signals, money, rounds and calls, as SQL users see them, and what Postgres itself refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import type { Batch, OpenedLane } from '../../src/coordinator/ports.ts'
import { connect } from '../../src/ledger/connect.ts'
import { pause, pausesOf, resume } from '../../src/ledger/pause.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { atEnd } from '../support/at-end.ts'
import type { TestLedger } from '../support/servers.ts'
import { attempt, baseUs, batch, ending, idOf, progress, scene, take, topic, transaction } from './scene.ts'

const plan = planFromSource(
  `
name: film
on: { kafka: { topic: ${topic} } }
signals: { teardown: { take: first } }
steps:
  - id: check
    parallel:
      user: [{ id: user, uses: film/user, compensate: film/forget }]
      nap: [{ id: nap, sleep: 1h }]
  - id: bill
    forEach: event.data.parties
    steps: [{ id: pay, uses: film/pay, compensate: film/unpay }]
  - { id: over, wait: { topic: teardown, key: event.data.session } }
  - { id: sub, call: other }
`,
  'film.yaml',
)
const no = Object.fromEntries(plan.steps.map((step) => [step.kind === 'undo' ? `${step.id}!` : step.id, step.no]))
const at = (step: string) => no[step] as number

async function film() {
  const made = await scene(1)
  const ids = (await made.ledger.register([plan])).get(plan.version)
  assert(ids)
  const lane = await take(made.ledger, 0)
  const rows = rowsOf(lane, ids.workflowId)
  const write = (rest: Partial<Batch>) => made.ledger.commit(batch([progress(lane, 9)], rest))
  const admit = (n: number, what = {}) => transaction(lane, ids.versionId, n, what)
  return { ...made, ids, lane, write, admit, ...rows }
}

function rowsOf(lane: OpenedLane, workflowId: number) {
  const { laneId } = lane
  const place = (n: number, step: string, item = '') => ({ laneId, transactionId: idOf(n), step: at(step), item })
  return {
    place,
    ended: (n: number, step: string, item = '', what = {}) => attempt(lane, n, { step: at(step), item, ...what }),
    rest: (n: number, step: string, what = {}) => ({
      ...place(n, step),
      dueUs: baseUs + 3_600_000_000,
      sinceUs: baseUs,
      wait: null,
      isAlone: true,
      isStrict: false,
      workflowId,
      ...what,
    }),
    posting: (n: number, step: string, what = {}) => ({
      ...place(n, step, '0'),
      attempt: 1,
      n: 0,
      debit: 'viewer:1',
      credit: 'site',
      amount: 250n,
      currency: 'EUR',
      party: null,
      chargeKey: null,
      reverses: null,
      atUs: baseUs,
      ...what,
    }),
  }
}

async function stepsOf(db: TestLedger, n: number): Promise<string[]> {
  const rows = await db.query<{ step: string; item: string; state: string }>(
    'select step, item, state from millrace.steps where transaction_id = $1 order by position, item',
    [idOf(n)],
  )
  return rows.map(({ step, item, state }) => `${step}${item === '' ? '' : `[${item}]`} ${state}`)
}

async function stateOf(db: TestLedger, n: number): Promise<unknown> {
  return (
    await db.query('select state, error_code as code, round from millrace.transactions where id = $1', [idOf(n)])
  )[0]
}

const failed = {
  outcome: 'fail',
  stepState: 'failed',
  output: null,
  errorCode: 'broke',
  errorMessage: 'it broke',
} as const

test('from the first branch to the last compensation: states of a transaction and its steps', async () => {
  const { db, ledger, lane, write, admit, ended, rest } = await film()
  await write({ transactions: [admit(1)] })
  const before = ['check running', 'user running', 'nap running', 'bill pending', 'over pending', 'sub pending']
  assert.deepEqual(await stepsOf(db, 1), before)

  await write({ attempts: [ended(1, 'user', '', { seq: 1 })], rests: [rest(1, 'nap')] })
  assert.deepEqual((await stepsOf(db, 1)).slice(0, 4), ['check running', 'user ok', 'nap waiting', 'bill pending'])
  assert.deepEqual(await stateOf(db, 1), { state: 'waiting', code: null, round: 1 })

  const over = [{ laneId: lane.laneId, transactionId: idOf(1), step: at('nap'), item: '' }]
  const blocks = [ended(1, 'nap', '', { seq: 2 }), ended(1, 'check', '', { seq: 3 })]
  await write({ attempts: [...blocks, ended(1, 'pay', '0', { seq: 4 })], restsOver: over })
  assert.deepEqual((await stepsOf(db, 1)).slice(3), ['bill running', 'pay[0] ok', 'over pending', 'sub pending'])
  assert.deepEqual(await stateOf(db, 1), { state: 'running', code: null, round: 1 })

  const turn = {
    laneId: lane.laneId,
    transactionId: idOf(1),
    round: 1,
    code: 'broke',
    message: 'it broke',
    isCancel: false,
  }
  const items = [ended(1, 'pay', '1', { ...failed, seq: 5 }), ended(1, 'bill', '', { ...failed, seq: 6 })]
  await write({ attempts: items, turns: [{ ...turn, atUs: baseUs }] })
  assert.deepEqual(await stateOf(db, 1), { state: 'compensating', code: 'broke', round: 1 })

  await write({ attempts: [ended(1, 'pay!', '0')] })
  await write({
    attempts: [ended(1, 'user!', '', failed)],
    endings: [ending(lane, 1, { state: 'failed', errorCode: 'broke' })],
  })
  assert.deepEqual(await stepsOf(db, 1), [
    'check ok',
    'user ok',
    'nap ok',
    'bill failed',
    'pay[0] compensated',
    'pay[1] failed',
  ])
  const owed = await db.query('select step, item, function, error_code, attempts from millrace.owed')
  assert.deepEqual(owed, [{ step: 'user', item: '', function: 'film/forget', error_code: 'broke', attempts: 1 }])

  const reopened = {
    laneId: lane.laneId,
    transactionId: idOf(1),
    round: 2,
    from: null,
    input: null,
    atUs: baseUs,
    by: 'me',
  }
  await write({ reopened: [reopened], turns: [{ ...turn, round: 2, atUs: baseUs }] })
  assert.deepEqual(await stateOf(db, 1), { state: 'compensating', code: 'broke', round: 2 })
  assert.deepEqual(
    (await take(ledger, 0)).open.map(({ id }) => id),
    [idOf(1)],
  )
})

test('who retries from a step sees it and what is behind it as if it had not run', async () => {
  const { db, ledger, lane, write, admit, ended } = await film()
  const done = [ended(1, 'user', '', { seq: 1 }), ended(1, 'nap', '', { seq: 2 }), ended(1, 'check', '', { seq: 3 })]
  const attempts = [...done, ended(1, 'pay', '0', { ...failed, seq: 4 }), ended(1, 'bill', '', { ...failed, seq: 5 })]
  await write({
    transactions: [admit(1)],
    attempts,
    endings: [ending(lane, 1, { state: 'failed', errorCode: 'broke' })],
  })
  const reopened = {
    laneId: lane.laneId,
    transactionId: idOf(1),
    round: 2,
    from: at('bill'),
    input: null,
    atUs: baseUs,
  }
  await write({ reopened: [{ ...reopened, by: 'me' }] })
  const states = ['check ok', 'user ok', 'nap ok', 'bill running', 'over pending', 'sub pending']
  assert.deepEqual(await stepsOf(db, 1), states)
  const rounds = await db.query('select round, from_step, former_state, opened_by from millrace.rounds')
  assert.deepEqual(rounds, [{ round: 2, from_step: 'bill', former_state: 'failed', opened_by: 'me' }])
  await write({ attempts: [ended(1, 'pay', '0', { attempt: 2, seq: 6, round: 2 })] })
  assert.deepEqual((await stepsOf(db, 1)).slice(3, 5), ['bill running', 'pay[0] ok'])
  const [read] = await ledger.load([idOf(1)])
  assert.deepEqual([read?.rounds.length, read?.ended, read?.failure], [1, null, null])
})

test('opened again and ended in one commit: the former ending is history', async () => {
  const { db, lane, write, admit } = await film()
  const end = ending(lane, 1, { state: 'failed', errorCode: 'broke' })
  await write({ transactions: [admit(1)], endings: [end] })
  const reopened = [
    { laneId: lane.laneId, transactionId: idOf(1), round: 2, from: 0, input: '{}', atUs: baseUs, by: 'me' },
  ]
  await write({ reopened, endings: [ending(lane, 1)] })
  assert.deepEqual(await stateOf(db, 1), { state: 'completed', code: null, round: 2 })
  assert.deepEqual(await db.query('select * from millrace_data.parked'), [])
})

test('Postgres refuses postings that move nothing, come from nowhere, are reversed twice or changed', async () => {
  const { db, write, admit, posting } = await film()
  await write({ transactions: [admit(1)], postings: [posting(1, 'pay')] })
  const reversal = { debit: 'site', credit: 'viewer:1', reverses: { step: at('pay'), attempt: 1, n: 0 } }
  await write({ postings: [posting(1, 'pay!', reversal)] })
  for (const wrong of [
    { n: 2, amount: 0n },
    { n: 2, amount: -5n },
    { n: 2, credit: 'viewer:1' },
    { n: 2, currency: 'euro' },
    { n: 2, debit: '' },
    {},
  ]) {
    await assert.rejects(write({ postings: [posting(1, 'pay', wrong)] }), { code: 'ledger_refused' })
  }
  await assert.rejects(
    write({ postings: [posting(1, 'pay!', { ...reversal, n: 1 })] }),
    /posting_reversed_once|reverses_step/,
  )
  const [newest] = await db.query<{ name: string }>(
    `select max(inhrelid::regclass::text) as name from pg_inherits
     where inhparent = 'millrace_data.posting'::regclass and inhrelid::regclass::text not like '%attic'`,
  )
  for (const sql of [
    'update millrace_data.posting set amount = 1',
    'delete from millrace_data.posting',
    'truncate millrace_data.posting',
    'delete from millrace_data.posting_attic',
    'truncate millrace_data.posting_attic',
    `truncate ${newest?.name}`,
  ]) {
    await assert.rejects(db.query(sql), /never changed or removed/, sql)
  }
  assert.deepEqual(await db.query('select account, currency, balance from millrace.accounts order by 1'), [
    { account: 'site', currency: 'EUR', balance: '0' },
    { account: 'viewer:1', currency: 'EUR', balance: '0' },
  ])
})

test('an amount beyond what a number holds is exact', async () => {
  const { db, ledger, write, admit, posting } = await film()
  await write({ transactions: [admit(1)], postings: [posting(1, 'pay', { amount: 9_007_199_254_740_993n })] })
  assert.deepEqual(await db.query('select amount from millrace.postings'), [{ amount: '9007199254740993' }])
  assert.equal((await ledger.load([idOf(1)]))[0]?.postings[0]?.amount, 9_007_199_254_740_993n)
})

test('a second charge is refused in plain words, until the first is reversed', async () => {
  const { write, admit, posting } = await film()
  await write({ transactions: [admit(1), admit(2)], postings: [posting(1, 'pay', { chargeKey: 'session (7), x' })] })
  const again = { postings: [posting(2, 'pay', { chargeKey: 'session (7), x' })] }
  await assert.rejects(write(again), {
    code: 'ledger_refused',
    message: /charge "session \(7\), x" was made before/,
  })
  const reverses = { step: at('pay'), attempt: 1, n: 0 }
  await write({ postings: [posting(1, 'pay!', { debit: 'site', credit: 'viewer:1', reverses })] })
  await write(again)
})

test('balances of a moment', async () => {
  const { db, write, admit, posting } = await film()
  const later = { n: 1, atUs: baseUs + 60_000_000, amount: 50n, debit: 'site', credit: 'viewer:1' }
  await write({ transactions: [admit(1)], postings: [posting(1, 'pay'), posting(1, 'pay', later)] })
  const reader = new pg.Client(db.databaseUrl)
  await reader.connect()
  atEnd(() => reader.end())
  await reader.query('set role millrace_reader')
  const balance = async (plusMs: number) =>
    (
      await reader.query(`select balance from millrace.accounts_at($1) where account = 'site'`, [
        new Date(baseUs / 1000 + plusMs),
      ])
    ).rows
  assert.deepEqual([await balance(0), await balance(60_000)], [[{ balance: '250' }], [{ balance: '200' }]])
})

test('a pause is recorded, the same twice is the same, and its end is recorded with it', async () => {
  const { db } = await film()
  const connections = connect({ databaseUrl: db.databaseUrl, connectionsMax: 1, answerMsMax: 10_000 })
  atEnd(() => connections.end())
  const wish = { engine: 'shop', workflow: 'film', key: null }
  const first = await pause(connections, wish, { by: 'ann', why: 'noon' })
  const second = await pause(connections, wish, { by: 'bob', why: null })
  assert.deepEqual([first.is_old, second.is_old, second.paused_by], [false, true, 'ann'])
  await pause(connections, { ...wish, key: 'k' }, { by: 'ann', why: null })
  assert.deepEqual(await pausesOf(connections, 'shop'), [
    { workflow: 'film', key: null },
    { workflow: 'film', key: 'k' },
  ])
  assert.deepEqual(await resume(connections, wish, { by: 'bob', why: 'done' }), true)
  assert.deepEqual(await resume(connections, wish, { by: 'bob', why: null }), false)
  const told = await db.query('select key, state, paused_by, resumed_by, resumed_why from millrace.pauses order by 2')
  assert.deepEqual(told, [
    { key: 'k', state: 'paused', paused_by: 'ann', resumed_by: null, resumed_why: null },
    { key: null, state: 'resumed', paused_by: 'ann', resumed_by: 'bob', resumed_why: 'done' },
  ])
  await assert.rejects(pause(connections, { ...wish, workflow: 'none' }, { by: 'a', why: null }), {
    code: 'workflow_unknown',
  })
})

test('what is claimed while the commit that ends its wait is under way is free again', async () => {
  const { db, ledger, lane, write, admit, rest, place } = await film()
  const wait = { topic: 'teardown', key: 's', notBeforeUs: baseUs - 3_600_000_000 }
  await write({ transactions: [admit(1), admit(2)], rests: [1, 2].map((n) => rest(n, 'over', { wait })) })
  const id = idOf(70)
  await write({ signals: [signalOf(lane, rest(1, 'over').workflowId, id)] })
  // A timeout, whose commit has begun and waits for what we hold of its rest.
  const holder = new pg.Client(db.databaseUrl)
  await holder.connect()
  atEnd(() => holder.end())
  await holder.query('begin')
  await holder.query('select from millrace_data.rest where transaction_id = $1 for update', [idOf(1)])
  const ending1 = write({ restsOver: [place(1, 'over')] })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await holder.query(
    `insert into millrace_data.taken (signal_id, transaction_id, step, item, is_only) values ($1, $2, $3, '', true)`,
    [id, idOf(1), at('over')],
  )
  await holder.query('commit')
  await ending1
  assert.deepEqual(await db.query('select * from millrace_data.taken'), [])
  const claim = { transactionId: idOf(2), step: at('over'), item: '', signalId: id }
  assert.deepEqual(await ledger.claimSignals([claim]), [claim])
  assert.deepEqual(await ledger.claimSignals([claim]), [claim])
  await write({ taken: [{ ...claim, laneId: lane.laneId }], restsOver: [place(2, 'over')] })
  const [told] = await db.query('select taken_by from millrace.signals')
  assert.deepEqual(told, { taken_by: [idOf(2)] })
})

function signalOf({ laneId }: OpenedLane, workflowId: number, id: string) {
  const { atUs, ...rest } = { atUs: baseUs, offset: 1, key: 's', take: 'first' as const, text: '{}' }
  return { laneId, id, workflowId, ...rest, atUs, receivedUs: atUs, keepUntilUs: atUs + 3_600_000_000 }
}
