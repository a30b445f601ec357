/** What is read back of open transactions: attempts, those that may have run, doubt, and whose turn it was. */
import assert from 'node:assert/strict'
import type { Cases } from '../ledger.ts'
import { attempt, batch, begin, ending, idOf, nothingElse, progress, transaction } from '../rows.ts'
import { openIn, scene, stayScene, take } from './scene.ts'

export const history: Cases = {
  async 'a transaction is read back as it was written, with its attempts in order'(world) {
    const { ledger, one, versionId } = await scene(world)
    const row = transaction(one, versionId, 1)
    const again = { attempt: 1, outcome: 'retry', stepState: null, output: null, nextUs: row.admittedUs + 5 } as const
    const attempts = [attempt(one, 1, { attempt: 2 }), attempt(one, 1, again)]
    await ledger.commit(batch([progress(one, 2)], { transactions: [row], attempts }))
    const [read] = await ledger.load([row.id])
    const { id, offset, key, eventId, envelope, auth, admittedUs } = row
    assert.deepEqual(
      { ...read, version: '', attempts: [] },
      { ...nothingElse, id, version: '', offset, key, eventId, envelope, auth, admittedUs, attempts: [] },
    )
    const seen = read?.attempts.map(({ step, attempt: n, outcome, stepState, output, nextUs }) => [
      step,
      n,
      outcome,
      stepState,
      output,
      nextUs,
    ])
    assert.deepEqual(seen, [
      [0, 1, 'retry', null, null, row.admittedUs + 5],
      [0, 2, 'ok', 'ok', '{"done":true}', null],
    ])
  },

  async 'what ended is open no more'(world) {
    const { ledger, one, versionId } = await scene(world)
    const transactions = [transaction(one, versionId, 1), transaction(one, versionId, 2)]
    await ledger.commit(batch([progress(one, 3)], { transactions, endings: [ending(one, 1)] }))
    assert.deepEqual(openIn(await take(ledger, 0)), [idOf(2)])
  },

  async 'an attempt that began may have run until its outcome is there'(world) {
    const { ledger, one, versionId } = await scene(world)
    const begun = [begin(one, 1)]
    await ledger.commit(batch([progress(one, 2)], { transactions: [transaction(one, versionId, 1)], begun }))
    assert.deepEqual((await ledger.load([idOf(1)]))[0]?.begun, [{ step: 0, item: '', attempt: 1 }])
    await ledger.commit(batch([progress(one, 2)], { attempts: [attempt(one, 1)] }))
    assert.deepEqual((await ledger.load([idOf(1)]))[0]?.begun, [])
  },

  async 'a step in doubt is told until a person has settled it'(world) {
    const { ledger, one, versionId } = await scene(world)
    const doubtful = attempt(one, 1, { outcome: 'timeout', stepState: 'in_doubt', output: null })
    await ledger.commit(
      batch([progress(one, 2)], { transactions: [transaction(one, versionId, 1)], attempts: [doubtful] }),
    )
    const opened = await take(ledger, 0)
    assert.deepEqual(
      opened.open.map(({ inDoubt }) => inDoubt),
      [true],
    )
    const settled = attempt(opened, 1, { attempt: 2, resolvedBy: 'somebody' })
    await ledger.commit(batch([progress(opened, 2)], { attempts: [settled] }))
    assert.deepEqual(
      (await take(ledger, 0)).open.map(({ inDoubt }) => inDoubt),
      [false],
    )
  },

  async 'who has had its turn comes before those that stand further back, then the lowest offset'(world) {
    const { ledger, one, versionId } = await scene(world)
    const transactions = [1, 2, 3, 4, 5].map((n) => transaction(one, versionId, n, { offset: 10 - n }))
    const settled = [
      attempt(one, 5, { outcome: 'timeout', stepState: 'in_doubt', output: null }),
      attempt(one, 5, { attempt: 2, resolvedBy: 'somebody' }),
    ]
    const begun = [begin(one, 2)]
    await ledger.commit(batch([progress(one, 10)], { transactions, attempts: [attempt(one, 1), ...settled], begun }))
    assert.deepEqual(openIn(await take(ledger, 0)), [idOf(2), idOf(1), idOf(5), idOf(4), idOf(3)])
  },

  async 'one in doubt whose branches go on has its turn, behind those that had theirs and before those that did not'(
    world,
  ) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [1, 2, 3].map((n) => transaction(one, versionId, n, { offset: n }))
    const doubtful = attempt(one, 2, { outcome: 'timeout', stepState: 'in_doubt', output: null })
    await ledger.commit(batch([progress(one, 10)], { transactions, attempts: [doubtful, attempt(one, 3)] }))
    const { open } = await take(ledger, 0)
    assert.deepEqual(
      open.map(({ id, inDoubt }) => [id, inDoubt]),
      [3, 2, 1].map((n) => [idOf(n), false]),
    )
  },

  async 'the outbox goes on behind its last message'(world) {
    const { ledger, one } = await scene(world)
    const message = { transactionId: null, step: null, n: 0, topic: 'out', key: null, value: null, headers: '{}' }
    const rows = [1, 2].map((seq) => ({
      ...message,
      laneId: one.laneId,
      seq,
      id: idOf(seq),
      deadLetterId: null,
      error: null,
    }))
    assert.deepEqual(one.outbox, { seq: 0, unpublished: false })
    await ledger.commit(batch([progress(one)], { messages: rows }))
    assert.deepEqual((await take(ledger, 0)).outbox, { seq: 2, unpublished: true })
    assert.deepEqual((await take(ledger, 1)).outbox, { seq: 0, unpublished: false })
  },
}
