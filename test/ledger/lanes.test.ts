/** Who holds a lane: released, asked for, over by its lease, and fenced for all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { connect } from '../../src/ledger/connect.ts'
import { fenceAll } from '../../src/ledger/fence.ts'
import { batch, open, progress, scene, sign, topic } from './scene.ts'

const lane = { topic, partition: 0, incarnation: '' }
const long = { leaseMs: 60_000, handoverMs: 60_000 }

async function held(lease = long) {
  const { db } = await scene(1)
  const first = await open(db, 'first', 'shop', lease)
  const second = await open(db, 'second', 'shop', lease)
  const mine = await first.takeLane(lane)
  assert(mine)
  return { db, first, second, mine }
}

test('a lane whose holder lives is asked for, and the holder hears of it and gives it away', async () => {
  const { db, first, second, mine } = await held()
  assert.equal(await second.takeLane(lane), null)
  assert.equal(await second.takeLane(lane), null)
  const [shown] = await db.query('select state, owner, asked_by from millrace.lanes')
  assert.deepEqual(shown, { state: 'asked', owner: 'first', asked_by: 'second' })
  const { asked, held: still } = await first.renew(null, [sign(mine)])
  assert.deepEqual([asked.has(mine.laneId), still.has(mine.laneId)], [true, true])
  assert.equal((await first.commit(batch([progress(mine, 5)]))).passed.size, 1)
  await first.releaseLanes([mine])
  const theirs = await second.takeLane(lane)
  assert.deepEqual([theirs?.nextOffset, theirs?.epoch], [5, mine.epoch + 1])
  assert.equal((await first.commit(batch([progress(mine, 9)]))).passed.size, 0)
})

test('a holder without a sign of life for as long as its lease is not waited for', async () => {
  const { second, first, mine } = await held({ leaseMs: 300, handoverMs: 60_000 })
  await first.renew(null, [sign(mine)])
  assert.equal(await second.takeLane(lane), null)
  await until('the lease to be over', async () => (await second.takeLane(lane)) !== null, { forMs: 2000 })
  assert.equal((await first.renew(null, [sign(mine)])).held.size, 0)
})

test('a holder that was asked and does nothing is not waited for longer than a handover may take', async () => {
  const { second, first, mine } = await held({ leaseMs: 60_000, handoverMs: 300 })
  assert.equal(await second.takeLane(lane), null)
  await first.commit(batch([progress(mine, 5)]))
  await until('the handover to be over', async () => (await second.takeLane(lane)) !== null, { forMs: 2000 })
  assert.equal((await first.commit(batch([progress(mine, 6)]))).passed.size, 0)
})

test('a commit is a sign of life', async () => {
  const { second, first, mine } = await held({ leaseMs: 400, handoverMs: 60_000 })
  for (let n = 0; n < 10; n++) {
    await first.commit(batch([progress(mine, n)]))
    assert.equal(await second.takeLane(lane), null)
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
})

test('who lost a lane can neither release nor renew it', async () => {
  const { db, first, second, mine } = await held({ leaseMs: 0, handoverMs: 0 })
  const theirs = await second.takeLane(lane)
  assert(theirs)
  await first.releaseLanes([mine])
  const [shown] = await db.query<{ session: number }>('select session from millrace_data.lane')
  assert.equal(shown?.session, second.session)
  assert.equal((await first.renew(null, [sign(mine)])).held.size, 0)
})

test('of many who take a released lane at once one gets it', async () => {
  const { db, first, mine } = await held()
  await first.releaseLanes([mine])
  const others = await Promise.all(Array.from({ length: 8 }, (_, n) => open(db, `other ${n}`, 'shop', long)))
  const taken = await Promise.all(others.map((each) => each.takeLane(lane)))
  assert.equal(taken.filter((each) => each !== null).length, 1)
})

test('fence: nobody’s epoch holds any more, and everybody may take their lanes at once', async () => {
  const { db, first, second, mine } = await held()
  const connections = connect({ databaseUrl: db.databaseUrl, connectionsMax: 1, answerMsMax: 10_000 })
  assert.equal(await fenceAll(connections, 'another'), 0)
  assert.equal(await fenceAll(connections, 'shop'), 1)
  await connections.end()
  assert.equal((await first.commit(batch([progress(mine, 9)]))).passed.size, 0)
  assert.equal((await second.takeLane(lane))?.nextOffset, 0)
})
