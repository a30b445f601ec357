/** Postings: what moves balances, is never changed, is reversed once, and is not charged twice. */
import assert from 'node:assert/strict'
import type { EngineError } from '../../../src/base/error.ts'
import type { Batch } from '../../../src/coordinator/ports.ts'
import type { Cases, LedgerWorld } from '../ledger.ts'
import { at, batch, posting, progress, transaction } from '../rows.ts'
import { stayScene } from './scene.ts'

async function paying(world: LedgerWorld) {
  const it = await stayScene(world)
  const { ledger, one, versionId } = it
  const transactions = [transaction(one, versionId, 1), transaction(one, versionId, 2)]
  await ledger.commit(batch([progress(one, 3)], { transactions }))
  const post = (...postings: Batch['postings']) => ledger.commit(batch([progress(one, 3)], { postings }))
  const reversal = { step: at.undo, debit: 'shop', credit: 'viewer', reverses: { step: at.work, attempt: 1, n: 0 } }
  return { ...it, post, reversal }
}

const refused = { code: 'ledger_refused', retryable: false }

export const money: Cases = {
  async 'postings are read back, to the unit'(world) {
    const { ledger, one, post } = await paying(world)
    await post(posting(one, 1, { amount: 9_007_199_254_740_993n, party: 'p' }), posting(one, 1, { n: 1 }))
    const [read] = await ledger.load([posting(one, 1).transactionId])
    const known = { step: 0, item: '', attempt: 1, debit: 'viewer', credit: 'shop', currency: 'CZK' }
    assert.deepEqual(read?.postings, [
      { ...known, n: 0, amount: 9_007_199_254_740_993n, party: 'p' },
      { ...known, n: 1, amount: 250n, party: null },
    ])
  },

  async 'a posting is written once, and once for each item'(world) {
    const { one, post } = await paying(world)
    await post(posting(one, 1), posting(one, 1, { item: '0' }))
    await assert.rejects(post(posting(one, 1, { item: '0' })), refused)
  },

  async 'what moves nothing, or from an account to itself, is no posting'(world) {
    const { one, post } = await paying(world)
    await assert.rejects(post(posting(one, 1, { amount: 0n })), refused)
    await assert.rejects(post(posting(one, 1, { credit: 'viewer' })), refused)
    await assert.rejects(post(posting(one, 1, { currency: 'czk' })), refused)
  },

  async 'a posting is reversed once'(world) {
    const { one, post, reversal } = await paying(world)
    await post(posting(one, 1))
    await post(posting(one, 1, reversal))
    await assert.rejects(post(posting(one, 1, { ...reversal, attempt: 2 })), refused)
  },

  async 'what was charged before is refused, and named; not that of another'(world) {
    const { one, post } = await paying(world)
    await post(posting(one, 1, { chargeKey: 'order, 7)' }))
    const again = post(posting(one, 2, { chargeKey: 'order, 7)' }))
    await assert.rejects(again, ({ code, details, cause }: EngineError) => {
      const said = (cause as Error).message
      assert.deepEqual(
        [code, details.charge, said],
        ['ledger_refused', 'order, 7)', 'charge "order, 7)" was made before'],
      )
      return true
    })
    await post(posting(one, 2, { chargeKey: 'order-8' }))
  },

  async 'who reversed it may charge again, also in the same commit'(world) {
    const { one, post, reversal } = await paying(world)
    await post(posting(one, 1, { chargeKey: 'order-7' }))
    await post(posting(one, 1, reversal))
    await post(posting(one, 2, { chargeKey: 'order-7' }))
    const again = posting(one, 1, { attempt: 2, chargeKey: 'order-7' })
    await post(posting(one, 2, reversal), again)
    await assert.rejects(post(posting(one, 2, { n: 1, chargeKey: 'order-7' })), refused)
  },

  async 'a lane that was taken posts nothing'(world) {
    const { ledger, one, post } = await paying(world)
    await ledger.takeLane({ topic: 'orders', partition: 0, incarnation: 'one' })
    await post(posting(one, 1))
    assert.deepEqual((await ledger.load([posting(one, 1).transactionId]))[0]?.postings, [])
  },
}
