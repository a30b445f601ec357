/** One owner a lane: what a takeover conflicts with, and what becomes of those who come too late. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { commitStatement } from '../../src/ledger/commit.ts'
import { connect } from '../../src/ledger/connect.ts'
import { fenceAll } from '../../src/ledger/fence.ts'
import { rowOids } from '../../src/ledger/row-types.ts'
import type { TestLedger } from '../support/servers.ts'
import { batch, idOf, lowest, open, progress, scene, sign, take, topic, transaction } from './scene.ts'

test('rows of a lane that was taken are left out, and its neighbour passes in the same commit', async () => {
  const { db, ledger, ids } = await scene()
  const lanes = [await take(ledger, 0), await take(ledger, 1)] as const
  const other = await open(db, 'second')
  await take(other, 0)
  const rows = lanes.map((lane, n) => transaction(lane, ids.versionId, n))
  const deadLetters = lanes.map((lane, n) => ({ laneId: lane.laneId, ...letter, id: idOf(n), offset: n }))
  const passedRows = lanes.map(({ laneId }) => ({
    laneId,
    workflowId: null,
    fromOffset: 5,
    toOffset: 6,
    reason: 'absent' as const,
  }))
  const parked = rows.map(({ laneId, id }) => ({ laneId, transactionId: id }))
  const asked = batch(
    lanes.map((lane) => progress(lane, 7)),
    { transactions: rows, deadLetters, passed: passedRows, parked },
  )
  const { passed } = await ledger.commit(asked)
  assert.deepEqual([...passed], [lanes[1].laneId])
  for (const table of ['transaction', 'dead_letter', 'passed', 'parked']) {
    const found = await db.query<{ lane_id: number }>(`select lane_id from millrace_data.${table}`)
    assert.deepEqual(found, [{ lane_id: lanes[1].laneId }], table)
  }
  const offsets = await db.query(
    'select kafka_partition as p, next_offset, epoch, owner from millrace.lanes order by 1',
  )
  assert.deepEqual(offsets, [
    { p: 0, next_offset: '0', epoch: '2', owner: 'second' },
    { p: 1, next_offset: '7', epoch: '1', owner: 'first' },
  ])
  const [commit] = await db.query<{ lanes: number[] }>('select lanes from millrace_data.commit')
  assert.deepEqual(commit?.lanes, [lanes[1].laneId])
})

test('a commit of which no lane passes leaves nothing, not even itself', async () => {
  const { db, ledger } = await scene()
  const lane = await take(ledger, 0)
  await take(ledger, 0)
  const asked = batch([progress(lane)])
  assert.equal((await ledger.commit(asked)).passed.size, 0)
  assert.deepEqual(await db.query('select * from millrace_data.commit'), [])
  assert.deepEqual(await ledger.settle(asked), { landed: null, epochs: new Map() })
})

test('a takeover waits for a commit that is under way, and sees what it wrote', async () => {
  const { db, ledger, ids } = await scene()
  const lane = await take(ledger, 0)
  const rows = { transactions: [transaction(lane, ids.versionId, 3)] }
  const running = await underWay(db, batch([progress(lane, 4, idOf(3))], rows))
  let opened = false
  const opening = take(ledger, 0).then((result) => {
    opened = true
    return result
  })
  await sleep(150)
  assert.equal(opened, false)
  await running.end('commit')
  const { epoch, nextOffset, open: found } = await opening
  assert.deepEqual([epoch, nextOffset, found.map((each) => each.id)], [lane.epoch + 1, 4, [idOf(3)]])
})

test('fencing all waits for a commit that is under way: none slips in behind it', async () => {
  const { db, ledger } = await scene()
  const lane = await take(ledger, 0)
  const running = await underWay(db, batch([progress(lane, 4)]))
  const connections = connect({ databaseUrl: db.databaseUrl, connectionsMax: 1, answerMsMax: 10_000 })
  after(() => connections.end())
  let fenced = false
  const fencing = fenceAll(connections, null).then(() => (fenced = true))
  await sleep(150)
  assert.equal(fenced, false)
  await running.end('commit')
  await fencing
})

test('settle waits for the unknown commit, then says whether it landed', async () => {
  for (const how of ['commit', 'rollback'] as const) {
    const { db, ledger, ids } = await scene()
    const lane = await take(ledger, 0)
    const asked = batch([progress(lane)], { transactions: [transaction(lane, ids.versionId, 0)] })
    const running = await underWay(db, asked)
    const settling = ledger.settle(asked)
    await sleep(100)
    await running.end(how)
    const { landed, epochs } = await settling
    assert.deepEqual(landed?.passed, how === 'commit' ? new Set([lane.laneId]) : undefined)
    assert.deepEqual(epochs, new Map([[lane.laneId, lane.epoch + 1]]))
    assert.equal((await ledger.commit({ ...asked, commitId: 1_000_000n })).passed.size, 0, 'the old epoch still passes')
  }
})

test('settle leaves a lane to whoever took it', async () => {
  const { db, ledger } = await scene()
  const lane = await take(ledger, 0)
  const asked = batch([progress(lane)])
  const other = await open(db, 'second')
  const theirs = await take(other, 0)
  assert.equal((await ledger.settle(asked)).epochs.size, 0)
  assert.equal((await other.commit(batch([progress(theirs)]))).passed.size, 1)
})

test('the idle heartbeat waits for no commit that holds its rows', async () => {
  const { db, ledger } = await scene()
  const lane = await take(ledger, 0)
  const running = await underWay(db, batch([progress(lane)]))
  await Promise.race([
    ledger.renew(null, [sign(lane)]),
    sleep(3000).then(() => Promise.reject(new Error('renew waits for a commit'))),
  ])
  await running.end('commit')
})

test('the server ends what a stopped coordinator holds', async () => {
  const { db } = await scene()
  const { databaseUrl } = db
  const connections = connect({ databaseUrl, connectionsMax: 1, answerMsMax: 10_000, heldMsMax: 300 })
  after(() => connections.end())
  const from = performance.now()
  await assert.rejects(connections.query({ text: 'select pg_sleep(5)' }), { code: 'ledger_outage' })
  assert.ok(performance.now() - from < 3000)
})

test('many coordinators that make the same lanes use up no numbers of engines', async () => {
  const { db, ledger, ids } = await scene()
  const lanes = [{ partition: 0, nextOffset: 0, subscriptions: [{ workflowId: ids.workflowId, fromOffset: 0 }] }]
  for (let n = 0; n < 20; n++) await ledger.createLanes(topic, '', lanes)
  const another = await open(db, 'x', 'another')
  await another.createLanes(topic, '', lanes)
  const engines = await db.query<{ id: number }>('select id from millrace_data.engine order by id')
  assert.deepEqual(engines, [{ id: 1 }, { id: 2 }])
})

test('a lane that was not made is missing, which may pass', async () => {
  const { ledger } = await scene(1)
  await assert.rejects(take(ledger, 9), { code: 'lane_missing', retryable: true })
})

const letter = {
  workflowId: null,
  key: null,
  value: Buffer.from([0, 255]),
  headers: '{}',
  sealed: null,
  code: 'value_null',
  reason: 'r',
  receivedUs: 1_777_629_600_000_000,
  transactionId: null,
}

/** The commit's own statement, held open before its COMMIT. */
async function underWay(db: TestLedger, asked: ReturnType<typeof batch>) {
  const connections = connect({ databaseUrl: db.databaseUrl, connectionsMax: 1, answerMsMax: 10_000 })
  const oids = await rowOids(connections)
  await connections.end()
  const client = new pg.Client(db.databaseUrl)
  await client.connect()
  await client.query('begin')
  const { text, values } = commitStatement(asked, oids)
  await client.query(text, values)
  return {
    end: async (how: 'commit' | 'rollback') => {
      await client.query(how)
      await client.end()
    },
  }
}

test('a lane that has taken in nothing has nothing open: its mark is above all', async () => {
  const { db } = await scene(1)
  const highest = lowest.replaceAll('0', 'f')
  assert.deepEqual(await db.query('select low_id from millrace_data.lane_progress'), [{ low_id: highest }])
})
