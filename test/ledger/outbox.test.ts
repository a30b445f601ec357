/** The outbox in a real ledger: read and marked under the fence, in bounded bites, pruned when it is old. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageRow, OfLane, OpenedLane } from '../../src/coordinator/ports.ts'
import { baseUs, batch, idOf, open, progress, scene, take, transaction } from './scene.ts'

const all = { rows: 100, bytes: 1_000_000 }

function message(lane: OpenedLane, seq: number, what: Partial<MessageRow> = {}): OfLane<MessageRow> {
  const plain = { transactionId: null, step: null, n: 0, topic: 'out', key: Buffer.from('k'), value: Buffer.from('1') }
  return { ...plain, seq, id: idOf(seq), headers: '{}', deadLetterId: null, error: null, ...what, laneId: lane.laneId }
}

const letter = (lane: OpenedLane, n: number, value: Buffer) => ({
  laneId: lane.laneId,
  id: idOf(n),
  workflowId: null,
  offset: 7,
  key: null,
  value,
  headers: '{"a":["1",{"base64":"AA=="}]}',
  sealed: Buffer.from('sealed'),
  code: 'value_not_json',
  reason: 'it is no JSON',
  receivedUs: baseUs,
  transactionId: null,
})

test('messages come back in their order, no more than are asked for, and one at least', async () => {
  const { ledger } = await scene()
  const lane = await take(ledger, 0)
  const value = Buffer.alloc(1000)
  const messages = [1, 2, 3, 4].map((seq) => message(lane, seq, { value }))
  await ledger.commit(batch([progress(lane)], { messages }))
  const seqs = async (after: number, most: { rows: number; bytes: number }) =>
    (await ledger.unpublished(lane, after, most))?.map(({ seq }) => seq)
  assert.deepEqual(await seqs(0, all), [1, 2, 3, 4])
  assert.deepEqual(await seqs(1, { rows: 2, bytes: 1_000_000 }), [2, 3])
  assert.deepEqual(await seqs(0, { rows: 100, bytes: 2500 }), [1, 2])
  assert.deepEqual(await seqs(0, { rows: 100, bytes: 10 }), [1])
  assert.deepEqual(await seqs(4, all), [])
})

test('the copy of a dead letter comes with the letter', async () => {
  const { ledger } = await scene()
  const lane = await take(ledger, 0)
  const value = Buffer.from([0, 255])
  const copy = message(lane, 1, { key: null, value: null, deadLetterId: idOf(50) })
  const orphan = message(lane, 2, { key: null, value: null, deadLetterId: idOf(51) })
  const deadLetters = [letter(lane, 50, value)]
  await ledger.commit(batch([progress(lane)], { messages: [copy, orphan], deadLetters }))
  const [first, second] = (await ledger.unpublished(lane, 0, all)) ?? []
  assert.deepEqual(first?.letter, {
    id: idOf(50),
    sealed: Buffer.from('sealed'),
    code: 'value_not_json',
    reason: 'it is no JSON',
    topic: 'orders',
    partition: 0,
    offset: 7,
  })
  assert.deepEqual([first?.key, first?.value], [null, value])
  assert.deepEqual(JSON.parse(first?.headers ?? ''), { a: ['1', { base64: 'AA==' }] })
  assert.match(second?.error ?? '', /is not in the ledger/)
})

test('given a lane that was taken over, then its former holder neither reads nor marks', async () => {
  const { db, ledger } = await scene()
  const lane = await take(ledger, 0)
  await ledger.commit(batch([progress(lane)], { messages: [message(lane, 1), message(lane, 2)] }))
  assert.equal(await ledger.markPublished(lane, 1), true)
  assert.deepEqual(await ledger.outboxPlace(lane, 2), { publishedSeq: 1, id: idOf(2) })
  const heir = await open(db, 'second')
  const taken = await take(heir, 0)
  assert.deepEqual(taken.outbox, { seq: 2, unpublished: true })
  assert.equal(await ledger.outboxPlace(lane, 2), null)
  assert.equal(await ledger.unpublished(lane, 0, all), null)
  assert.equal(await ledger.markPublished(lane, 2), false)
  assert.equal(await ledger.refuseMessage(lane, 2, 'no'), false)
  assert.equal(await heir.refuseMessage(taken, 2, 'too\u0000large'), true)
  assert.equal(await heir.markPublished(taken, 2), true)
  assert.equal(await heir.markPublished(taken, 1), true)
  const rows = await db.query(`select seq::int as seq, state, error from millrace.outbox order by seq`)
  assert.deepEqual(rows, [
    { seq: 1, state: 'published', error: null },
    { seq: 2, state: 'refused', error: 'too\ufffdlarge' },
  ])
  assert.deepEqual((await take(heir, 0)).outbox, { seq: 2, unpublished: false })
})

test('messages of a copy are not written; what was never made is there with the reason', async () => {
  const { db, ledger, ids } = await scene()
  const lane = await take(ledger, 0)
  const dedup = { key: idOf(99), workflowId: ids.workflowId, atUs: baseUs, withinUs: 1_000_000 }
  const transactions = [1, 2].map((n) => transaction(lane, ids.versionId, n, { dedup }))
  const messages = [
    message(lane, 1, { transactionId: idOf(1) }),
    message(lane, 2, { transactionId: idOf(2) }),
    message(lane, 3, { transactionId: idOf(1), error: 'expression_failed: no' }),
  ]
  const { duplicates } = await ledger.commit(batch([progress(lane)], { transactions, messages }))
  assert.deepEqual([...duplicates], [[idOf(2), idOf(1)]])
  const rows = await db.query(`select seq::int as seq, state from millrace.outbox order by seq`)
  assert.deepEqual(rows, [
    { seq: 1, state: 'pending' },
    { seq: 3, state: 'refused' },
  ])
})

test('published messages go when they are old, pending and refused ones stay', async () => {
  const { db, ledger } = await scene()
  const lane = await take(ledger, 0)
  const other = await take(ledger, 1)
  const messages = [
    message(lane, 1),
    message(lane, 2, { error: 'no' }),
    message(lane, 3),
    message(lane, 4),
    message(other, 1),
  ]
  await ledger.commit(batch([progress(lane), progress(other)], { messages, sentUs: baseUs }))
  await ledger.markPublished(lane, 3)
  const fresh = batch([progress(lane)], { messages: [message(lane, 5)], sentUs: Date.now() * 1000 })
  await ledger.commit(fresh)
  const left = async () =>
    (
      await db.query<{ place: string }>(
        `select kafka_partition || '/' || seq as place from millrace.outbox order by kafka_partition, seq`,
      )
    ).map(({ place }) => place)
  await ledger.tidy()
  assert.deepEqual(await left(), ['0/2', '0/4', '0/5', '1/1'])
  await ledger.markPublished(lane, 5)
  await ledger.tidy()
  assert.deepEqual(await left(), ['0/2', '0/5', '1/1'])
  assert.deepEqual((await take(ledger, 0)).outbox, { seq: 5, unpublished: false })
})
