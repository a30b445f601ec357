/** Duplicates by content, decided in the commit. */
import assert from 'node:assert/strict'
import type { OpenedLane } from '../../../src/coordinator/ports.ts'
import { dedupKey } from '../../../src/transaction/ids.ts'
import type { Cases, LedgerWorld } from '../ledger.ts'
import { attempt, baseUs, batch, ending, idOf, progress, transaction } from '../rows.ts'
import { openIn, scene, take } from './scene.ts'

const windowUs = 60_000_000

async function claiming(world: LedgerWorld) {
  const it = await scene(world)
  const claim = (lane: OpenedLane, n: number, same: string, atUs = baseUs, withinUs = windowUs) =>
    transaction(lane, it.versionId, n, {
      dedup: { key: dedupKey('shop', 'sale', same), workflowId: it.workflowId, atUs, withinUs },
    })
  return { ...it, claim }
}

export const copies: Cases = {
  async 'in one commit the lowest offset is first, on whichever lane its copies are'(world) {
    const { ledger, one, two, claim } = await claiming(world)
    const transactions = [claim(two, 3, 'a'), claim(one, 2, 'a'), claim(one, 1, 'a'), claim(two, 4, 'b')]
    const { duplicates } = await ledger.commit(batch([progress(one, 3), progress(two, 5)], { transactions }))
    assert.deepEqual([...duplicates].sort(), [
      [idOf(2), idOf(1)],
      [idOf(3), idOf(1)],
    ])
    assert.deepEqual([openIn(await take(ledger, 0)), openIn(await take(ledger, 1))], [[idOf(1)], [idOf(4)]])
  },

  async 'a later copy points to the first within the window, and to none outside of it'(world) {
    const { ledger, one, two, claim } = await claiming(world)
    await ledger.commit(batch([progress(one, 2)], { transactions: [claim(one, 1, 'a')] }))
    const at = async (n: number, us: number) =>
      (await ledger.commit(batch([progress(two, n + 1)], { transactions: [claim(two, n, 'a', us)] }))).duplicates
    assert.deepEqual([...(await at(2, baseUs + windowUs))], [[idOf(2), idOf(1)]])
    assert.deepEqual([...(await at(3, baseUs - windowUs))], [[idOf(3), idOf(1)]])
    assert.equal((await at(4, baseUs + windowUs + 1)).size, 0)
    assert.deepEqual([...(await at(5, baseUs + windowUs + 2))], [[idOf(5), idOf(4)]])
  },

  async 'settling names the copies'(world) {
    const { ledger, one, claim } = await claiming(world)
    const asked = batch([progress(one, 3)], { transactions: [claim(one, 1, 'a'), claim(one, 2, 'a')] })
    await ledger.commit(asked)
    const { landed } = await ledger.settle(asked)
    assert.deepEqual([...(landed?.duplicates ?? [])], [[idOf(2), idOf(1)]])
  },

  async 'of a copy nothing else is written, though it ended as it was admitted'(world) {
    const { ledger, one, claim } = await claiming(world)
    const transactions = [claim(one, 1, 'a'), claim(one, 2, 'a')]
    const [attempts, endings] = [[attempt(one, 2)], [ending(one, 2)]]
    await ledger.commit(batch([progress(one, 3)], { transactions, attempts, endings }))
    assert.deepEqual(
      (await ledger.load([idOf(1), idOf(2)])).map(({ id }) => id),
      [idOf(1)],
    )
  },

  async 'what a copy has called as it was admitted is not admitted either'(world) {
    const { ledger, one, versionId, claim } = await claiming(world)
    const child = (n: number, of: number) =>
      transaction(one, versionId, n, { parent: { id: idOf(of), step: 0, item: '' } })
    const transactions = [claim(one, 1, 'a'), child(3, 1), claim(one, 2, 'a'), child(4, 2)]
    await ledger.commit(batch([progress(one, 3)], { transactions }))
    const read = await ledger.load([1, 2, 3, 4].map(idOf))
    assert.deepEqual(read.map(({ id }) => id).sort(), [idOf(1), idOf(3)])
  },

  async 'a claim of a lane that was taken claims nothing'(world) {
    const { ledger, one, two, claim } = await claiming(world)
    await take(ledger, 0)
    await ledger.commit(batch([progress(one, 2)], { transactions: [claim(one, 1, 'a')] }))
    const { duplicates } = await ledger.commit(batch([progress(two, 3)], { transactions: [claim(two, 2, 'a')] }))
    assert.equal(duplicates.size, 0)
  },

  async 'tidying forgets a key whose window is over, by the record and by the clock'(world) {
    const { ledger, one, two, claim } = await claiming(world)
    const shortUs = 300_000
    await ledger.commit(batch([progress(one, 2)], { transactions: [claim(one, 1, 'a', baseUs, shortUs)] }))
    await ledger.tidy()
    const copy = batch([progress(two, 3)], { transactions: [claim(two, 2, 'a', baseUs, shortUs)] })
    assert.equal((await ledger.commit(copy)).duplicates.size, 1)
    await world.pass(500)
    await ledger.tidy()
    const late = batch([progress(two, 4)], { transactions: [claim(two, 3, 'a', baseUs, shortUs)] })
    assert.equal((await ledger.commit(late)).duplicates.size, 0)
  },

  async 'a key that another event took over is as fresh as that one'(world) {
    const { ledger, one, two, claim } = await claiming(world)
    const shortUs = 300_000
    await ledger.commit(batch([progress(one, 2)], { transactions: [claim(one, 1, 'a', baseUs, shortUs)] }))
    await world.pass(500)
    const next = baseUs + shortUs * 2
    await ledger.commit(batch([progress(one, 3)], { transactions: [claim(one, 2, 'a', next, shortUs)] }))
    await ledger.tidy()
    const copy = batch([progress(two, 4)], { transactions: [claim(two, 3, 'a', next + 1, shortUs)] })
    assert.deepEqual([...(await ledger.commit(copy)).duplicates], [[idOf(3), idOf(2)]])
  },
}
