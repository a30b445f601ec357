/** Opening a lane gives back exactly what was open, as it was. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  attempt,
  baseUs,
  batch,
  ending,
  idOf,
  nothingElse,
  open,
  plan,
  progress,
  scene,
  take,
  transaction,
} from './scene.ts'

test('open ones above the mark and parked ones below it; no ended one, none of another lane', async () => {
  const { ledger, ids } = await scene()
  const [lane, neighbour] = [await take(ledger, 0), await take(ledger, 1)]
  const all = [0, 1, 2, 3, 4].map((n) => transaction(lane, ids.versionId, n))
  const theirs = transaction(neighbour, ids.versionId, 5)
  const parked = [0, 1].map((n) => ({ laneId: lane.laneId, transactionId: idOf(n) }))
  const first = batch([progress(lane, 5), progress(neighbour, 6)], { transactions: [...all, theirs], parked })
  assert.equal((await ledger.commit(first)).passed.size, 2)
  const endings = [1, 3].map((n) => ending(lane, n))
  assert.equal((await ledger.commit(batch([progress(lane, 5, idOf(2))], { endings }))).passed.size, 1)
  const opened = await take(ledger, 0)
  assert.deepEqual(
    opened.open.map((each) => each.id),
    [0, 2, 4].map(idOf),
  )
  assert.equal(opened.nextOffset, 5)
  assert.deepEqual([...opened.subscriptions], [['sale', 0]])
})

test('everything of a transaction comes back, to the microsecond', async () => {
  const { db, ledger, ids } = await scene()
  const lane = await take(ledger, 0)
  const what = { key: 'žluť', auth: Buffer.from([1, 2]), admittedUs: baseUs + 123_457, producedUs: null }
  const attempts = [
    attempt(lane, 7, { outcome: 'retry', stepState: null, output: null, nextUs: baseUs + 999_999, errorCode: 'a\0b' }),
    attempt(lane, 7, { attempt: 2 }),
    attempt(lane, 7, { step: 1, attempt: 0, outcome: 'skipped', stepState: 'skipped', output: null }),
  ]
  const rows = { transactions: [transaction(lane, ids.versionId, 7, what)], attempts }
  await ledger.commit(batch([progress(lane, 8)], rows))
  const other = await open(db, 'second')
  const { open: found, sources } = await take(other, 0)
  assert.deepEqual(found, [
    { id: idOf(7), workflow: 'sale', key: 'žluť', admittedUs: baseUs + 123_457, inDoubt: false, rests: false },
  ])
  const [one] = await other.load([idOf(7)])
  const known = { step: 0, item: '', seq: null, unknown: false, round: 1, eligibleUs: baseUs + 1000 }
  const read = { ...known, errorCode: null, errorMessage: null }
  assert.deepEqual(
    { ...one, envelope: JSON.parse(one?.envelope ?? '').data },
    {
      id: idOf(7),
      version: plan.version,
      offset: 7,
      key: 'žluť',
      eventId: 'e7',
      envelope: { n: 1 },
      auth: Buffer.from([1, 2]),
      admittedUs: baseUs + 123_457,
      attempts: [
        { ...read, attempt: 1, outcome: 'retry', stepState: null, output: null, nextUs: baseUs + 999_999 },
        { ...read, attempt: 2, outcome: 'ok', stepState: 'ok', output: '{"done":true}', nextUs: null },
        { ...read, step: 1, attempt: 0, outcome: 'skipped', stepState: 'skipped', output: null, nextUs: null },
      ],
      ...nothingElse,
    },
  )
  assert.deepEqual([...sources], [[plan.version, { workflow: 'sale', source: plan.source, ...ids }]])
})

test('an ending takes its parking away', async () => {
  const { db, ledger, ids } = await scene()
  const lane = await take(ledger, 0)
  const parked = [{ laneId: lane.laneId, transactionId: idOf(0) }]
  await ledger.commit(batch([progress(lane)], { transactions: [transaction(lane, ids.versionId, 0)], parked }))
  await ledger.commit(batch([progress(lane)], { endings: [ending(lane, 0)] }))
  assert.deepEqual(await db.query('select * from millrace_data.parked'), [])
})

test('a version is stored once, whoever registers it and however often', async () => {
  const { db, ledger, ids } = await scene()
  const other = await open(db, 'second')
  const again = await Promise.all([ledger, other, ledger, other].map((each) => each.register([plan])))
  for (const each of again) assert.deepEqual(each.get(plan.version), ids)
  assert.equal((await db.query('select * from millrace_data.version')).length, 1)
})
