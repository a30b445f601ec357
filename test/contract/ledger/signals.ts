/** Events and those who wait for them: whoever looks last finds the other, once. */
import assert from 'node:assert/strict'
import type { Ledger, OpenedLane, SignalRef, WaitRef } from '../../../src/coordinator/ports.ts'
import type { Cases, LedgerWorld } from '../ledger.ts'
import {
  at,
  baseUs,
  batch,
  ending,
  idOf,
  newsIdOf,
  over,
  progress,
  sign,
  signal,
  stays,
  transaction,
  waitedFor,
  waiting,
} from '../rows.ts'
import { stayScene, take } from './scene.ts'

/** Transactions 1, 2, … that wait for key `k`, and what the last commit says of each. */
async function waiters(world: LedgerWorld, count = 1) {
  const it = await stayScene(world)
  const { ledger, one, versionId, workflowId } = it
  const numbers = Array.from({ length: count }, (_, at) => at + 1)
  const transactions = numbers.map((n) => transaction(one, versionId, n))
  const rests = numbers.map((n) => waiting(one, n, workflowId))
  await ledger.commit(batch([progress(one, count + 1)], { transactions, rests }))
  const refOf = (n: number): WaitRef => ({ ...over(one, n), nudge: 1 })
  const come = (...rows: ReturnType<typeof signal>[]) => it.ledger.commit(batch([progress(it.news)], { signals: rows }))
  const foundBy = async (n: number, most = 10) =>
    (await ledger.findSignals([{ ...refOf(n), afterId: null }], most)).map((found) => found.signal.id)
  const claim = async (n: number, of: number) =>
    (await ledger.claimSignals([{ transactionId: idOf(n), step: at.wait, item: '', signalId: newsIdOf(of) }]))
      .length === 1
  return { ...it, refOf, come, foundBy, claim }
}

function named({ id, workflowId, key }: ReturnType<typeof signal>): SignalRef {
  return { id, workflowId, key, topic: waitedFor }
}

async function unlookedIn(ledger: Ledger, lane: OpenedLane): Promise<string[]> {
  return (await ledger.unlooked([lane.laneId], null, 10)).map(({ transactionId, nudge }) => `${transactionId}:${nudge}`)
}

function take1(lane: OpenedLane, n: number, of: number) {
  return { ...over(lane, n), signalId: newsIdOf(of) }
}

export const signals: Cases = {
  async 'a wait that begins is to be looked at, and who looked says so'(world) {
    const { ledger, one, two, refOf } = await waiters(world, 2)
    assert.deepEqual([...(await ledger.renew(null, [sign(one), sign(two)])).nudged], [one.laneId])
    assert.deepEqual((await unlookedIn(ledger, one)).sort(), [`${idOf(1)}:1`, `${idOf(2)}:1`])
    const [first] = await ledger.unlooked([one.laneId], null, 1)
    const rest = await ledger.unlooked([one.laneId], first ?? null, 10)
    assert.deepEqual([first?.transactionId, rest.map(({ transactionId }) => transactionId)], [idOf(1), [idOf(2)]])
    assert.deepEqual(await unlookedIn(ledger, two), [])
    await ledger.looked([refOf(1)])
    assert.deepEqual(await unlookedIn(ledger, one), [`${idOf(2)}:1`])
    await ledger.looked([refOf(2)])
    assert.equal((await ledger.renew(null, [sign(one)])).nudged.size, 0)
  },

  async 'who was nudged while somebody looked is to be looked at again'(world) {
    const { ledger, one, news, workflowId, refOf, come } = await waiters(world)
    const event = signal(news, 20, workflowId)
    await come(event)
    const nudged = await ledger.nudge([named(event)], [one.laneId])
    assert.deepEqual(nudged, [{ ...refOf(1), nudge: 2 }])
    await ledger.looked([refOf(1)])
    assert.deepEqual(await unlookedIn(ledger, one), [`${idOf(1)}:2`])
    await ledger.looked(nudged)
    assert.deepEqual(await unlookedIn(ledger, one), [])
  },

  async 'an event is untold until those who wait are marked; holders of other lanes hear of it'(world) {
    const { ledger, one, news, workflowId, come } = await waiters(world)
    const other = await world.open('second')
    const heard: number[] = []
    other.onNudge((laneIds) => heard.push(...laneIds))
    const event = signal(news, 20, workflowId)
    await come(event)
    assert.deepEqual((await ledger.renew(null, [sign(news), sign(one)])).untold, [named(event)])
    assert.deepEqual((await ledger.renew(null, [sign(one)])).untold, [])
    assert.deepEqual(await ledger.nudge([named(event)], [news.laneId]), [])
    assert.deepEqual((await ledger.renew(null, [sign(news)])).untold, [])
    // It begins to listen in its own time.
    for (let n = 0; n < 100 && heard.length === 0; n++) {
      await world.pass(100)
      await ledger.nudge([named(event)], [news.laneId])
    }
    assert.equal(heard[0], one.laneId)
  },

  async 'found are events of its workflow, topic and key, not too old, the oldest first, not too many'(world) {
    const { ledger, one, two, news, workflowId, refOf, come, foundBy } = await waiters(world)
    const late = signal(news, 22, workflowId, { atUs: baseUs + 50 })
    const early = signal(news, 23, workflowId, { atUs: baseUs })
    const old = signal(news, 24, workflowId, { atUs: baseUs - 1 })
    const otherKey = signal(news, 25, workflowId, { key: 'other' })
    const otherFlow = signal(news, 26, workflowId + 1)
    await come(late, early, old, otherKey, otherFlow)
    await ledger.commit(batch([progress(two)], { signals: [signal(two, 27, workflowId)] }))
    assert.deepEqual(await foundBy(1), [newsIdOf(23), newsIdOf(22)])
    assert.deepEqual(await foundBy(1, 1), [newsIdOf(23)])
    const sought = { ...refOf(1), afterId: null }
    const [found] = await ledger.findSignals([sought], 1)
    const known = { id: newsIdOf(23), text: '{"n":23}' }
    const behind = await ledger.findSignals([{ ...sought, afterId: newsIdOf(23) }], 10)
    assert.deepEqual(
      behind.map((each) => each.signal.id),
      [newsIdOf(22)],
    )
    assert.deepEqual(found, { wait: sought, version: stays.version, signal: known, isForOne: false })
    await ledger.commit(batch([progress(one)], { restsOver: [over(one, 1)] }))
    assert.deepEqual(await foundBy(1), [])
  },

  async 'only those who may have it are nudged'(world) {
    const { ledger, one, news, workflowId, come } = await waiters(world)
    const events = [
      signal(news, 20, workflowId, { key: 'other' }),
      signal(news, 21, workflowId + 1),
      signal(news, 22, workflowId, { atUs: baseUs - 1 }),
    ]
    await come(...events)
    assert.deepEqual(await ledger.nudge(events.map(named), [one.laneId]), [])
  },

  async 'what everybody gets is taken by each, and by none twice'(world) {
    const { ledger, one, news, workflowId, come, foundBy, claim } = await waiters(world, 2)
    await come(signal(news, 20, workflowId))
    assert.deepEqual([await claim(1, 20), await claim(2, 20)], [true, true])
    await ledger.commit(batch([progress(one)], { taken: [take1(one, 1, 20)], restsOver: [over(one, 1)] }))
    await ledger.commit(batch([progress(one)], { rests: [waiting(one, 1, workflowId)] }))
    assert.deepEqual([await foundBy(1), await foundBy(2)], [[], [newsIdOf(20)]])
  },

  async 'what only the first may have is his who claims it, also when he asks again'(world) {
    const { ledger, one, news, workflowId, refOf, come, foundBy, claim } = await waiters(world, 2)
    await come(signal(news, 20, workflowId, { take: 'first' }))
    assert.equal((await ledger.findSignals([{ ...refOf(1), afterId: null }], 1))[0]?.isForOne, true)
    assert.deepEqual([await claim(1, 20), await claim(2, 20), await claim(1, 20)], [true, false, true])
    assert.deepEqual([await foundBy(1), await foundBy(2)], [[newsIdOf(20)], []])
    const [read] = await ledger.load([idOf(1)])
    assert.deepEqual(read?.rests[0]?.signal, { id: newsIdOf(20), text: '{"n":20}' })
    await ledger.commit(batch([progress(one)], { taken: [take1(one, 1, 20)], restsOver: [over(one, 1)] }))
    assert.deepEqual([await foundBy(2), await claim(2, 20)], [[], false])
  },

  async 'whoever waits no more claims nothing'(world) {
    const { ledger, one, news, workflowId, come, claim } = await waiters(world, 2)
    await come(signal(news, 20, workflowId, { take: 'first' }))
    await ledger.commit(batch([progress(one)], { restsOver: [over(one, 1)] }))
    assert.deepEqual([await claim(1, 20), await claim(2, 20)], [false, true])
  },

  async 'what was claimed and not taken is free again, and to be told'(world) {
    const { ledger, one, news, workflowId, come, foundBy, claim } = await waiters(world, 2)
    const event = signal(news, 20, workflowId, { take: 'first' })
    await come(event)
    await ledger.nudge([named(event)], [one.laneId])
    await claim(1, 20)
    await ledger.commit(batch([progress(one)], { restsOver: [over(one, 1)], endings: [ending(one, 1)] }))
    assert.deepEqual((await ledger.renew(null, [sign(news)])).untold, [named(event)])
    assert.deepEqual([await foundBy(2), await claim(2, 20)], [[newsIdOf(20)], true])
  },

  async 'one claimed and another taken: the claimed one is free again'(world) {
    const { ledger, one, news, workflowId, come, foundBy, claim } = await waiters(world, 2)
    await come(signal(news, 20, workflowId, { take: 'first' }), signal(news, 21, workflowId, { take: 'first' }))
    await claim(1, 20)
    await claim(1, 21)
    await ledger.commit(batch([progress(one)], { taken: [take1(one, 1, 21)], restsOver: [over(one, 1)] }))
    assert.deepEqual(await foundBy(2), [newsIdOf(20)])
  },

  async 'a second taker of what only the first may have is refused'(world) {
    const { ledger, one, news, workflowId, come } = await waiters(world, 2)
    await come(signal(news, 20, workflowId, { take: 'first' }))
    await ledger.commit(batch([progress(one)], { taken: [take1(one, 1, 20)], restsOver: [over(one, 1)] }))
    const again = batch([progress(one)], { taken: [take1(one, 2, 20)], restsOver: [over(one, 2)] })
    await assert.rejects(ledger.commit(again), { code: 'ledger_refused' })
    assert.equal((await ledger.load([idOf(2)]))[0]?.rests.length, 1)
  },

  async 'an event of a lane that was taken is none, and one is written once'(world) {
    const { ledger, news, workflowId, come, foundBy } = await waiters(world)
    const again = await take(ledger, 0, waitedFor)
    await come(signal(news, 20, workflowId))
    assert.deepEqual(await foundBy(1), [])
    await ledger.commit(batch([progress(again)], { signals: [signal(again, 20, workflowId)] }))
    const twice = batch([progress(again)], { signals: [signal(again, 20, workflowId)] })
    await assert.rejects(ledger.commit(twice), { code: 'ledger_refused' })
  },
}
