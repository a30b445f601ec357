/** Steps that sleep or wait: they leave the list of what is open, wake in their order, and are open again. */
import assert from 'node:assert/strict'
import type { DueRest } from '../../../src/coordinator/ports.ts'
import type { Cases } from '../ledger.ts'
import { at, baseUs, batch, ending, idOf, over, progress, rest, transaction, waiting } from '../rows.ts'
import { incarnation, openIn, stayScene, take } from './scene.ts'

const first: DueRest = { dueUs: 0, transactionId: '00000000-0000-0000-0000-000000000000', step: -1, item: '' }
/** Above all of them: whoever is open and not found above the mark is found otherwise. */
const high = idOf(9)

export const rests: Cases = {
  async 'who rests alone is not open, and is read back with its rest'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1), transaction(one, versionId, 2)]
    await ledger.commit(batch([progress(one, 3)], { transactions, rests: [rest(one, 1)] }))
    assert.deepEqual(openIn(await take(ledger, 0)), [idOf(2)])
    const [read] = await ledger.load([idOf(1)])
    const known = { step: at.nap, item: '', dueUs: baseUs + 1000, sinceUs: baseUs, isAlone: true, signal: null }
    assert.deepEqual([read?.ended, read?.rests], [null, [known]])
  },

  async 'of a strict workflow it is open all the same, wherever the mark is'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    const strict = [rest(one, 1, { isStrict: true })]
    await ledger.commit(batch([progress(one, 2, high)], { transactions, rests: strict }))
    const { open } = await take(ledger, 0)
    assert.deepEqual(
      open.map(({ id, rests }) => [id, rests]),
      [[idOf(1), true]],
    )
  },

  async 'whose rest is over is open again below the mark, until it rests once more or ends'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    await ledger.commit(batch([progress(one, 2, high)], { transactions, rests: [rest(one, 1)] }))
    await ledger.commit(batch([progress(one, 2, high)], { restsOver: [over(one, 1, at.nap)] }))
    const again = await take(ledger, 0)
    assert.deepEqual([openIn(again), (await ledger.load([idOf(1)]))[0]?.rests], [[idOf(1)], []])
    await ledger.commit(batch([progress(again, 2, high)], { rests: [rest(again, 1, { step: at.wait })] }))
    const third = await take(ledger, 0)
    assert.deepEqual(openIn(third), [])
    const restsOver = [over(third, 1)]
    await ledger.commit(batch([progress(third, 2, high)], { restsOver, endings: [ending(third, 1)] }))
    assert.deepEqual(openIn(await take(ledger, 0)), [])
    assert.deepEqual(await ledger.strandedLanes('orders', 'two'), [])
  },

  async 'who rests beside something else is open, and not once the last of its rests is alone'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    const beside = [rest(one, 1, { isAlone: false }), rest(one, 1, { step: at.wait, isAlone: false })]
    await ledger.commit(batch([progress(one, 2)], { transactions, rests: beside }))
    const again = await take(ledger, 0)
    assert.deepEqual(openIn(again), [idOf(1)])
    await ledger.commit(batch([progress(again, 2, high)], { rests: [rest(again, 1)] }))
    const third = await take(ledger, 0)
    assert.deepEqual(openIn(third), [])
    await ledger.commit(batch([progress(third, 2, high)], { rests: [rest(third, 1, { isAlone: false })] }))
    assert.deepEqual(openIn(await take(ledger, 0)), [idOf(1)])
  },

  async 'what is said of a rest again changes only whether it is alone'(world) {
    const { ledger, one, workflowId, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    const before = waiting(one, 1, workflowId, { isAlone: false, dueUs: baseUs + 5 })
    await ledger.commit(batch([progress(one, 2)], { transactions, rests: [before] }))
    await ledger.commit(batch([progress(one, 2)], { rests: [{ ...before, wait: null, dueUs: baseUs, isAlone: true }] }))
    const [read] = await ledger.load([idOf(1)])
    assert.deepEqual([read?.rests[0]?.dueUs, read?.rests[0]?.isAlone], [baseUs + 5, true])
  },

  async 'what is due comes in the order of time, then of ids, behind a mark, some at a time'(world) {
    const { ledger, one, two, versionId } = await stayScene(world)
    const transactions = [1, 2, 3].map((n) => transaction(one, versionId, n))
    const never = rest(one, 3, { step: at.wait, dueUs: null })
    const same = (n: number, item = '') => rest(one, n, { dueUs: baseUs + 5000, item })
    const all = [rest(one, 3, { dueUs: baseUs + 9000 }), same(2), same(1, '1'), same(1, '0'), never]
    await ledger.commit(batch([progress(one, 4)], { transactions, rests: all }))
    const due = async (after: DueRest, untilUs: number, most = 10) => {
      const found = await ledger.due(one.laneId, after, untilUs, most)
      return found.map(({ transactionId, item, dueUs }) => [transactionId, item, dueUs - baseUs])
    }
    const [a, b, c] = [
      [idOf(1), '0', 5000],
      [idOf(1), '1', 5000],
      [idOf(2), '', 5000],
    ]
    assert.deepEqual(await due(first, baseUs + 4999), [])
    assert.deepEqual(await due(first, baseUs + 5000), [a, b, c])
    assert.deepEqual(await due(first, baseUs + 9000, 2), [a, b])
    const mark = { dueUs: baseUs + 5000, transactionId: idOf(1), step: at.nap, item: '0' }
    assert.deepEqual(await due(mark, baseUs + 9000), [b, c, [idOf(3), '', 9000]])
    assert.equal(await ledger.nextDue(one.laneId, first), baseUs + 5000)
    const last = { dueUs: baseUs + 5000, transactionId: idOf(2), step: at.nap, item: '' }
    assert.equal(await ledger.nextDue(one.laneId, last), baseUs + 9000)
    assert.equal(await ledger.nextDue(one.laneId, { ...last, dueUs: baseUs + 9000, transactionId: idOf(3) }), null)
    assert.equal(await ledger.nextDue(two.laneId, first), null)
  },

  async 'what rests and is over in one commit leaves nothing'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    const both = { rests: [rest(one, 1)], restsOver: [over(one, 1, at.nap)] }
    await ledger.commit(batch([progress(one, 2)], { transactions, ...both }))
    assert.equal(await ledger.nextDue(one.laneId, first), null)
    assert.deepEqual(openIn(await take(ledger, 0)), [idOf(1)])
  },

  async 'a rest of a lane that was taken is none, nor is one over'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1), transaction(one, versionId, 2)]
    await ledger.commit(batch([progress(one, 3)], { transactions, rests: [rest(one, 1)] }))
    const again = await take(ledger, 0)
    await ledger.commit(batch([progress(one, 3)], { rests: [rest(one, 2)], restsOver: [over(one, 1, at.nap)] }))
    const due = await ledger.due(again.laneId, first, baseUs + 1_000_000, 10)
    assert.deepEqual(
      due.map(({ transactionId }) => transactionId),
      [idOf(1)],
    )
  },

  async 'a lane of an earlier incarnation is stranded while something of it rests'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    await ledger.commit(batch([progress(one, 2, high)], { transactions, rests: [rest(one, 1)] }))
    const stranded = await ledger.strandedLanes('orders', 'two')
    assert.deepEqual(stranded, [{ topic: 'orders', partition: 0, incarnation }])
  },
}
