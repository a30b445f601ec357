/** Lanes: made once, held by a lease, asked for, released, and found again when their topic is another one. */
import assert from 'node:assert/strict'
import type { Cases } from '../ledger.ts'
import { batch, ending, idOf, newLanes, plan, progress, sign, topic, transaction } from '../rows.ts'
import { incarnation, openIn, scene, take, tryTake } from './scene.ts'

const long = { leaseMs: 60_000, handoverMs: 60_000 }

export const lanes: Cases = {
  async 'lanes are made once, and known with their workflows'(world) {
    const { ledger, workflowId } = await scene(world)
    await ledger.createLanes(topic, incarnation, [{ partition: 1, nextOffset: 9, subscriptions: [] }])
    const known = await ledger.knownLanes(topic, incarnation)
    assert.deepEqual(
      [known.recreated, [...known.partitions].sort(), [...known.workflows]],
      [false, [0, 1], [plan.name]],
    )
    const again = await take(ledger, 1)
    assert.deepEqual([again.nextOffset, [...again.subscriptions]], [0, [[plan.name, 0]]])
    assert.equal((await ledger.register([plan])).get(plan.version)?.workflowId, workflowId)
  },

  async 'a lane that was not made is missing, which may pass'(world) {
    const { ledger } = await scene(world)
    await assert.rejects(tryTake(ledger, 9), { code: 'lane_missing', retryable: true })
  },

  async 'a topic of another incarnation has lanes of its own, and says that it was made again'(world) {
    const { ledger, workflowId } = await scene(world)
    const known = await ledger.knownLanes(topic, 'two')
    assert.deepEqual([known.recreated, known.partitions.size], [true, 0])
    await ledger.createLanes(topic, 'two', newLanes(1, workflowId))
    assert.equal((await ledger.takeLane({ topic, partition: 0, incarnation: 'two' }))?.epoch, 1)
    assert.equal((await take(ledger, 0)).epoch, 2)
  },

  async 'a lane that is held is asked for, and its holder hears of it until it gives it away'(world) {
    const { ledger, one, two } = await scene(world, long)
    const other = await world.open('second', long)
    assert.equal(await tryTake(other, 0), null)
    assert.equal(await tryTake(other, 0), null)
    const renewed = await ledger.renew(null, [sign(one), sign(two)])
    assert.deepEqual([...renewed.held].sort(), [one.laneId, two.laneId].sort())
    assert.deepEqual([...renewed.asked], [one.laneId])
    await ledger.releaseLanes([one])
    assert.equal((await tryTake(other, 0))?.epoch, one.epoch + 1)
    assert.deepEqual([...(await ledger.renew(null, [sign(one), sign(two)])).held], [two.laneId])
  },

  async 'whoever holds it takes it again without asking'(world) {
    const { ledger, one } = await scene(world, long)
    assert.equal((await take(ledger, 0)).epoch, one.epoch + 1)
  },

  async 'a release of an older epoch releases nothing'(world) {
    const { ledger, one } = await scene(world, long)
    await take(ledger, 0)
    await ledger.releaseLanes([one])
    assert.equal(await tryTake(await world.open('second', long), 0), null)
  },

  async 'without a sign of life for as long as its lease a holder is not waited for'(world) {
    const { ledger, one, two } = await scene(world, { leaseMs: 1500, handoverMs: 60_000 })
    const other = await world.open('second', long)
    await world.pass(900)
    await ledger.renew(null, [sign(one)])
    await ledger.commit(batch([progress(two)]))
    await world.pass(900)
    assert.deepEqual([await tryTake(other, 0), await tryTake(other, 1)], [null, null])
    await world.pass(1600)
    assert.equal((await tryTake(other, 0))?.epoch, one.epoch + 1)
  },

  async 'a holder that was asked is not waited for longer than a handover may take'(world) {
    const { ledger, one } = await scene(world, long)
    const other = await world.open('second', { leaseMs: 60_000, handoverMs: 500 })
    assert.equal(await tryTake(other, 0), null)
    await world.pass(700)
    await ledger.renew(null, [sign(one)])
    assert.equal((await tryTake(other, 0))?.epoch, one.epoch + 1)
  },

  async 'lanes of earlier incarnations are stranded while something of them is not done'(world) {
    const { ledger, one, versionId } = await scene(world)
    const stranded = async () => (await ledger.strandedLanes(topic, 'two')).map(({ partition }) => partition)
    assert.deepEqual(await stranded(), [])
    assert.deepEqual(await ledger.strandedLanes(topic, incarnation), [])
    await ledger.commit(batch([progress(one)], { transactions: [transaction(one, versionId, 1)] }))
    assert.deepEqual(await stranded(), [0])
    await ledger.commit(batch([progress(one)], { endings: [ending(one, 1)] }))
    assert.deepEqual(await stranded(), [])
    await world.ask(one.laneId, 'redrive', idOf(7))
    assert.deepEqual(await stranded(), [0])
  },

  async 'what is open is found above the low-water id and among what is parked'(world) {
    const { ledger, one, versionId } = await scene(world)
    const transactions = [1, 2, 3].map((n) => transaction(one, versionId, n))
    const parked = [{ laneId: one.laneId, transactionId: idOf(1) }]
    await ledger.commit(batch([progress(one, 4, idOf(3))], { transactions, parked }))
    const again = await take(ledger, 0)
    assert.deepEqual(openIn(again), [idOf(1), idOf(3)])
    await ledger.commit(batch([progress(again, 4, idOf(3))], { endings: [ending(again, 1)] }))
    assert.deepEqual(openIn(await take(ledger, 0)), [idOf(3)])
  },

  async 'a workflow that is new to a lane takes its records from there on, and once'(world) {
    const { ledger, two } = await scene(world)
    const another = (await ledger.register([{ ...plan, name: 'another' }])).get(plan.version)
    const workflowId = another?.workflowId as number
    const from = (fromOffset: number) => [{ laneId: two.laneId, workflowId, fromOffset }]
    await ledger.commit(batch([progress(two, 6)], { subscriptions: from(5) }))
    await ledger.commit(batch([progress(two, 9)], { subscriptions: from(8) }))
    assert.equal((await take(ledger, 1)).subscriptions.get('another'), 5)
  },
}
