/** Copies of one event, told apart inside the commit: on one partition, on two, in one commit, in two at once, too late. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OpenedLane } from '../../src/coordinator/ports.ts'
import { dedupKey } from '../../src/transaction/ids.ts'
import type { TestLedger } from '../support/servers.ts'
import { attempt, baseUs, batch, ending, idOf, open, progress, scene, take, transaction } from './scene.ts'

const minute = 60_000_000

async function made() {
  const it = await scene()
  const lanes = [await take(it.ledger, 0), await take(it.ledger, 1)] as const
  const claimed = (lane: OpenedLane, n: number, same: string, atUs = baseUs) =>
    transaction(lane, it.ids.versionId, n, {
      dedup: { key: dedupKey('shop', 'sale', same), workflowId: it.ids.workflowId, atUs, withinUs: minute },
    })
  return { ...it, lanes, claimed }
}

async function admitted(db: TestLedger): Promise<string[]> {
  return (await db.query<{ id: string }>('select id from millrace.transactions order by id')).map((row) => row.id)
}

test('in one commit the first is admitted, its copies point to it, on whichever lane they are', async () => {
  const { db, ledger, lanes, claimed } = await made()
  const [one, two] = lanes
  const rows = [claimed(one, 1, 'a'), claimed(one, 2, 'a'), claimed(two, 3, 'a'), claimed(two, 4, 'b')]
  const answer = await ledger.commit(batch([progress(one, 3), progress(two, 5)], { transactions: rows }))
  assert.deepEqual([...answer.duplicates].sort(), [
    [idOf(2), idOf(1)],
    [idOf(3), idOf(1)],
  ])
  assert.deepEqual(await admitted(db), [idOf(1), idOf(4)])
  const duplicates = await db.query(
    `select kafka_partition as p, kafka_offset::int as o, workflow, first_transaction_id as first, event_id
     from millrace.duplicates order by 1, 2`,
  )
  assert.deepEqual(duplicates, [
    { p: 0, o: 2, workflow: 'sale', first: idOf(1), event_id: 'e2' },
    { p: 1, o: 3, workflow: 'sale', first: idOf(1), event_id: 'e3' },
  ])
})

test('in a later commit a copy is known within the window, and a new event behind it', async () => {
  const { db, ledger, lanes, claimed } = await made()
  const [one, two] = lanes
  await ledger.commit(batch([progress(one, 2)], { transactions: [claimed(one, 1, 'a')] }))
  const inTime = await ledger.commit(
    batch([progress(two, 3)], { transactions: [claimed(two, 2, 'a', baseUs + minute)] }),
  )
  assert.deepEqual([...inTime.duplicates], [[idOf(2), idOf(1)]])
  const late = claimed(two, 3, 'a', baseUs + minute + 1)
  assert.equal((await ledger.commit(batch([progress(two, 4)], { transactions: [late] }))).duplicates.size, 0)
  const ofLate = await ledger.commit(
    batch([progress(one, 5)], { transactions: [claimed(one, 4, 'a', baseUs + minute + 2)] }),
  )
  assert.deepEqual([...ofLate.duplicates], [[idOf(4), idOf(3)]])
  assert.deepEqual(await admitted(db), [idOf(1), idOf(3)])
})

test('two coordinators that commit copies at once: one of them admits it, whoever it is', async () => {
  const { db, ledger, lanes, claimed } = await made()
  const second = await open(db, 'second')
  const names = Array.from({ length: 40 }, (_, n) => `event ${n}`)
  const rows = (lane: OpenedLane, first: number, order: readonly string[]) =>
    order.map((name, at) => claimed(lane, first + at, name))
  const [a, b] = await Promise.all([
    ledger.commit(batch([progress(lanes[0], 41)], { transactions: rows(lanes[0], 100, names) })),
    second.commit(batch([progress(lanes[1], 41)], { transactions: rows(lanes[1], 200, names.toReversed()) })),
  ])
  assert.equal(a.duplicates.size + b.duplicates.size, names.length)
  assert.equal((await admitted(db)).length, names.length)
})

test('of a copy nothing else is written, though it ended as it was admitted', async () => {
  const { db, ledger, lanes, claimed } = await made()
  const [lane] = lanes
  const rows = [claimed(lane, 1, 'a'), claimed(lane, 2, 'a')]
  const attempts = [attempt(lane, 1), attempt(lane, 2)]
  const endings = [ending(lane, 1), ending(lane, 2)]
  await ledger.commit(batch([progress(lane, 3)], { transactions: rows, attempts, endings }))
  for (const table of ['attempt', 'ending']) {
    const found = await db.query(`select transaction_id as id from millrace_data.${table}`)
    assert.deepEqual(found, [{ id: idOf(1) }], table)
  }
})

test('a commit of a lane that was taken claims nothing', async () => {
  const { db, ledger, lanes, claimed } = await made()
  const second = await open(db, 'second')
  const taken = await take(second, 0)
  await ledger.commit(batch([progress(lanes[0], 2)], { transactions: [claimed(lanes[0], 1, 'a')] }))
  const answer = await second.commit(batch([progress(taken, 2)], { transactions: [claimed(taken, 1, 'a')] }))
  assert.equal(answer.duplicates.size, 0)
  assert.deepEqual(await admitted(db), [idOf(1)])
})

test('a key goes when its window is over and it was seen for as long; no other', async () => {
  const { db, ledger, lanes, claimed } = await made()
  const nowUs = Date.now() * 1000
  const rows = [claimed(lanes[0], 1, 'old'), claimed(lanes[0], 2, 'new', nowUs), claimed(lanes[0], 3, 'backlog')]
  await ledger.commit(batch([progress(lanes[0], 4)], { transactions: rows }))
  await db.query(`update millrace_data.dedup set seen_at = seen_at - interval '2 minutes' where transaction_id <> $1`, [
    idOf(3),
  ])
  await ledger.tidy()
  const kept = await db.query('select transaction_id as id from millrace_data.dedup order by 1')
  assert.deepEqual(kept, [{ id: idOf(2) }, { id: idOf(3) }])
})

test('settle answers with the copies that the unknown commit found', async () => {
  const { ledger, lanes, claimed } = await made()
  const [lane] = lanes
  const asked = batch([progress(lane, 3)], { transactions: [claimed(lane, 1, 'a'), claimed(lane, 2, 'a')] })
  await ledger.commit(asked)
  const { landed } = await ledger.settle(asked)
  assert.deepEqual([...(landed?.duplicates ?? [])], [[idOf(2), idOf(1)]])
})
