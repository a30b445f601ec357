/** What the ledger itself does not take: the same twice, what contradicts itself, and text that it cannot hold. */
import assert from 'node:assert/strict'
import type { Batch, OpenedLane } from '../../../src/coordinator/ports.ts'
import type { Cases, LedgerWorld } from '../ledger.ts'
import { attempt, baseUs, batch, begin, ending, idOf, progress, transaction } from '../rows.ts'
import { scene, take } from './scene.ts'

type Rows = (lane: OpenedLane, versionId: number) => Partial<Batch>

const refused = { code: 'ledger_refused', retryable: false }

/** Written once, then refused, and with it all of its batch. */
function twice(rows: Rows, before: Rows = () => ({})) {
  return async (world: LedgerWorld) => {
    const { ledger, one, versionId } = await scene(world)
    await ledger.commit(batch([progress(one, 2)], before(one, versionId)))
    await ledger.commit(batch([progress(one, 2)], rows(one, versionId)))
    const again = rows(one, versionId)
    const transactions = [...(again.transactions ?? []), transaction(one, versionId, 50)]
    await assert.rejects(ledger.commit(batch([progress(one, 9)], { ...again, transactions })), refused)
    assert.deepEqual(await ledger.load([idOf(50)]), [])
    assert.equal((await take(ledger, 0)).nextOffset, 2)
  }
}

const admitted: Rows = (lane, versionId) => ({ transactions: [transaction(lane, versionId, 1)] })

/** Refused at once. */
function never(rows: Rows) {
  return async (world: LedgerWorld) => {
    const { ledger, one, versionId } = await scene(world)
    await ledger.commit(batch([progress(one, 2)], admitted(one, versionId)))
    await assert.rejects(ledger.commit(batch([progress(one, 9)], rows(one, versionId))), refused)
    assert.equal((await take(ledger, 0)).nextOffset, 2)
  }
}

const told = { code: 'c', reason: 'r', receivedUs: baseUs, transactionId: null, headers: '{}', sealed: null }
const message = { transactionId: null, step: null, n: 0, topic: 'out', key: null, value: null, headers: '{}' }

export const refusals: Cases = {
  'a transaction is written once': twice(admitted),
  'an attempt is written once': twice((lane) => ({ attempts: [attempt(lane, 1)] }), admitted),
  'an ending is written once': twice((lane) => ({ endings: [ending(lane, 1)] }), admitted),
  'an attempt begins once': twice((lane) => ({ begun: [begin(lane, 1)] }), admitted),
  'a dead letter is written once': twice((lane) => ({
    deadLetters: [{ laneId: lane.laneId, id: idOf(1), workflowId: null, offset: 1, key: null, value: null, ...told }],
  })),
  "a message's number is given once": twice((lane) => ({
    messages: [{ ...message, laneId: lane.laneId, seq: 1, id: idOf(1), deadLetterId: null, error: null }],
  })),
  'the same twice in one commit is refused, too': never((lane) => ({ attempts: [attempt(lane, 1), attempt(lane, 1)] })),
  'an attempt that ended well leaves its step ok': never((lane) => ({
    attempts: [attempt(lane, 1, { stepState: null })],
  })),
  'only what failed has an error': never((lane) => ({ endings: [ending(lane, 1, { errorCode: 'boom' })] })),
  'a NUL in an output is refused': never((lane) => ({ attempts: [attempt(lane, 1, { output: '"\u0000"' })] })),
  'a NUL in a key is refused': never((lane, versionId) => ({
    transactions: [transaction(lane, versionId, 2, { key: '\u0000' })],
  })),

  async 'after a refusal the batch goes through without it'(world) {
    const { ledger, one, versionId } = await scene(world)
    const good = transaction(one, versionId, 1)
    const bad = transaction(one, versionId, 2, { envelope: '"\u0000"' })
    await assert.rejects(ledger.commit(batch([progress(one, 3)], { transactions: [good, bad] })), refused)
    assert.equal((await ledger.commit(batch([progress(one, 3)], { transactions: [good] }))).passed.size, 1)
  },
}
