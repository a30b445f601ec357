/** The fence, and what becomes of a commit of which nobody knows whether it landed. */
import assert from 'node:assert/strict'
import type { Cases } from '../ledger.ts'
import { attempt, batch, idOf, progress, transaction } from '../rows.ts'
import { openIn, scene, take } from './scene.ts'

export const fence: Cases = {
  async 'rows of a lane that was taken are left out, and its neighbour passes in the same commit'(world) {
    const { ledger, one, two, versionId } = await scene(world)
    const other = await world.open('second')
    const taken = await take(other, 0)
    assert.equal(taken.epoch, one.epoch + 1)
    const transactions = [transaction(one, versionId, 1), transaction(two, versionId, 2)]
    const answer = await ledger.commit(batch([progress(one, 7), progress(two, 8)], { transactions }))
    assert.deepEqual([...answer.passed], [two.laneId])
    const [first, second] = [await take(ledger, 0), await take(ledger, 1)]
    assert.deepEqual([first.nextOffset, openIn(first)], [0, []])
    assert.deepEqual([second.nextOffset, openIn(second)], [8, [idOf(2)]])
  },

  async 'a commit of which no lane passes leaves nothing, not even itself'(world) {
    const { ledger, one, versionId } = await scene(world)
    await take(ledger, 0)
    const asked = batch([progress(one)], { transactions: [transaction(one, versionId, 1)] })
    assert.equal((await ledger.commit(asked)).passed.size, 0)
    assert.deepEqual(await ledger.settle(asked), { landed: null, epochs: new Map() })
    assert.deepEqual(await ledger.load([idOf(1)]), [])
  },

  async 'settling tells that it landed, and takes new epochs'(world) {
    const { ledger, one, two, versionId } = await scene(world)
    const asked = batch([progress(one), progress(two)], { transactions: [transaction(one, versionId, 1)] })
    const answer = await ledger.commit(asked)
    const { landed, epochs } = await ledger.settle(asked)
    assert.deepEqual(landed, answer)
    assert.deepEqual(
      epochs,
      new Map([
        [one.laneId, one.epoch + 1],
        [two.laneId, two.epoch + 1],
      ]),
    )
  },

  async 'what had not landed when it was settled never does'(world) {
    const { ledger, one, versionId } = await scene(world)
    const asked = batch([progress(one)], { transactions: [transaction(one, versionId, 1)] })
    assert.equal((await ledger.settle(asked)).landed, null)
    assert.equal((await ledger.commit(asked)).passed.size, 0)
    assert.deepEqual(await ledger.load([idOf(1)]), [])
  },

  async 'settling leaves a lane to whoever took it'(world) {
    const { ledger, one } = await scene(world)
    const other = await world.open('second')
    const theirs = await take(other, 0)
    assert.equal((await ledger.settle(batch([progress(one)]))).epochs.size, 0)
    assert.equal((await other.commit(batch([progress(theirs)]))).passed.size, 1)
  },

  async 'a commit whose lanes were all taken changes nothing of its transactions'(world) {
    const { ledger, one, versionId } = await scene(world)
    await ledger.commit(batch([progress(one)], { transactions: [transaction(one, versionId, 1)] }))
    await take(await world.open('second'), 0)
    await ledger.commit(batch([progress(one, 2)], { attempts: [attempt(one, 1)] }))
    assert.deepEqual((await ledger.load([idOf(1)]))[0]?.attempts, [])
  },
}
