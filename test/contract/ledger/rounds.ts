/** Turning back, being opened again, sub-workflows and pauses, as they are read back. */
import assert from 'node:assert/strict'
import type { OpenedLane } from '../../../src/coordinator/ports.ts'
import type { Cases } from '../ledger.ts'
import { at, attempt, baseUs, batch, ending, idOf, plan, progress, sign, stays, transaction } from '../rows.ts'
import { openIn, stayScene, take } from './scene.ts'

function turn(lane: OpenedLane, n: number, round = 1, code = 'boom') {
  const row = { transactionId: idOf(n), round, code, message: 'it broke', isCancel: false, atUs: baseUs }
  return { ...row, laneId: lane.laneId }
}

function reopen(lane: OpenedLane, n: number, round = 2, from: number | null = 0) {
  const row = { transactionId: idOf(n), round, from, input: '{"n":1}', atUs: baseUs + round, by: 'somebody' }
  return { ...row, laneId: lane.laneId }
}

const failed = { state: 'failed', errorCode: 'boom', errorMessage: 'it broke' } as const
const broke = { code: 'boom', message: 'it broke', isCancel: false }

export const rounds: Cases = {
  async 'why it will not complete is read back; once for each round'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    await ledger.commit(batch([progress(one, 2)], { transactions, turns: [turn(one, 1)] }))
    const [read] = await ledger.load([idOf(1)])
    assert.deepEqual([read?.failure, read?.ended, read?.rounds], [broke, null, []])
    const again = batch([progress(one, 2)], { turns: [turn(one, 1, 1, 'other')] })
    await assert.rejects(ledger.commit(again), { code: 'ledger_refused' })
  },

  async 'what has ended is read back with its end'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [1, 2, 3].map((n) => transaction(one, versionId, n))
    const cancelled = { state: 'cancelled', errorCode: 'cancelled', errorMessage: 'somebody' } as const
    const endings = [ending(one, 1), ending(one, 2, failed), ending(one, 3, cancelled)]
    await ledger.commit(batch([progress(one, 4)], { transactions, endings }))
    const read = new Map((await ledger.load([1, 2, 3].map(idOf))).map((each) => [each.id, each]))
    const seen = [1, 2, 3].map((n) => [read.get(idOf(n))?.ended, read.get(idOf(n))?.failure])
    const wish = { code: 'cancelled', message: 'somebody', isCancel: true }
    assert.deepEqual(seen, [
      ['completed', null],
      ['failed', broke],
      ['cancelled', wish],
    ])
  },

  async 'what is opened again is open below the mark, without a failure, and ends again'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    const rows = { transactions, turns: [turn(one, 1)], endings: [ending(one, 1, failed)] }
    await ledger.commit(batch([progress(one, 2, idOf(9))], rows))
    await ledger.commit(batch([progress(one, 2, idOf(9))], { reopened: [reopen(one, 1)] }))
    const again = await take(ledger, 0)
    const [read] = await ledger.load([idOf(1)])
    assert.deepEqual(openIn(again), [idOf(1)])
    assert.deepEqual([read?.ended, read?.failure], [null, null])
    assert.deepEqual(read?.rounds, [{ atUs: baseUs + 2, from: 0, input: '{"n":1}' }])
    const next = { turns: [turn(again, 1, 2, 'later')], endings: [ending(again, 1, failed)] }
    await ledger.commit(batch([progress(again, 2, idOf(9))], next))
    const [ended] = await ledger.load([idOf(1)])
    assert.deepEqual([ended?.ended, ended?.failure?.code], ['failed', 'later'])
    assert.deepEqual(openIn(await take(ledger, 0)), [])
  },

  async 'what is opened again may end in the same commit'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1)]
    await ledger.commit(batch([progress(one, 2)], { transactions, endings: [ending(one, 1, failed)] }))
    const compensated = { ...failed, state: 'compensated' } as const
    const both = { reopened: [reopen(one, 1, 2, null)], endings: [ending(one, 1, compensated)] }
    await ledger.commit(batch([progress(one, 2)], both))
    const [read] = await ledger.load([idOf(1)])
    assert.deepEqual([read?.ended, read?.rounds.length], ['compensated', 1])
    assert.deepEqual(openIn(await take(ledger, 0)), [])
  },

  async 'what is opened again has not had its turn before something of its round is written'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const transactions = [transaction(one, versionId, 1), transaction(one, versionId, 2)]
    const rows = { transactions, attempts: [attempt(one, 1), attempt(one, 2)], endings: [ending(one, 1, failed)] }
    await ledger.commit(batch([progress(one, 3)], rows))
    await ledger.commit(batch([progress(one, 3)], { reopened: [reopen(one, 1)] }))
    const again = await take(ledger, 0)
    assert.deepEqual(openIn(again), [idOf(2), idOf(1)])
    await ledger.commit(batch([progress(again, 3)], { attempts: [attempt(again, 1, { attempt: 2, round: 2 })] }))
    assert.deepEqual(openIn(await take(ledger, 0)), [idOf(1), idOf(2)])
  },

  async 'attempts say of which round and item they are, and what is unknown'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const pay = { step: at.pay, seq: 3 }
    const attempts = [
      attempt(one, 1, { ...pay, item: '1', attempt: 2, round: 2 }),
      attempt(one, 1, { ...pay, item: '1', outcome: 'fail', stepState: 'failed', output: null, unknown: true }),
      attempt(one, 1, { ...pay, item: '0' }),
    ]
    const transactions = [transaction(one, versionId, 1)]
    await ledger.commit(batch([progress(one, 2)], { transactions, attempts }))
    const [read] = await ledger.load([idOf(1)])
    assert.deepEqual(
      read?.attempts.map(({ item, attempt: n, seq, unknown, round }) => [item, n, seq, unknown, round]),
      [
        ['0', 1, 3, false, 1],
        ['1', 1, 3, true, 1],
        ['1', 2, 3, false, 2],
      ],
    )
    await assert.rejects(
      ledger.commit(batch([progress(one, 2)], { attempts: [attempt(one, 1, { ...pay, item: '0' })] })),
    )
  },

  async 'those that a step has called are read back with how they ended and what they gave'(world) {
    const { ledger, one, versionId } = await stayScene(world)
    const sale = (await ledger.register([plan])).get(plan.version)
    const child = (n: number, item = '') =>
      transaction(one, sale?.versionId as number, n, { parent: { id: idOf(1), step: at.sub, item } })
    const transactions = [transaction(one, versionId, 1), child(2), child(3, '0'), child(4, '1')]
    const gave = { attempts: [attempt(one, 2, { step: 1 })], endings: [ending(one, 2), ending(one, 3, failed)] }
    await ledger.commit(batch([progress(one, 2)], { transactions, ...gave }))
    const childrenOf = async () => (await ledger.load([idOf(1)]))[0]?.children
    const place = { step: at.sub, item: '' }
    const broken = { state: 'failed', error: { code: 'boom', message: 'it broke' }, output: null, isOwing: false }
    assert.deepEqual(await childrenOf(), [
      { ...place, id: idOf(2), ended: { state: 'completed', error: null, output: '{"done":true}', isOwing: false } },
      { ...place, item: '0', id: idOf(3), ended: broken },
      { ...place, item: '1', id: idOf(4), ended: null },
    ])
    assert.deepEqual((await ledger.load([idOf(2)]))[0]?.parent, { id: idOf(1), ...place })
    await ledger.commit(batch([progress(one, 2)], { attempts: [attempt(one, 1, { step: at.sub })] }))
    assert.equal((await childrenOf())?.[0]?.ended?.output, null)
  },

  async 'one that was called and has failed owes something when a compensation of it failed last, or what it called owes something'(
    world,
  ) {
    const { ledger, one, versionId } = await stayScene(world)
    const child = (n: number, of: number, item = '') =>
      transaction(one, versionId, n, { parent: { id: idOf(of), step: at.sub, item } })
    const wrong = { outcome: 'fail', stepState: 'failed', output: null } as const
    const undo = (n: number, no: number, what = {}) => attempt(one, n, { step: at.undo, attempt: no, ...what })
    const called = { step: at.sub, ...wrong, unknown: true } as const
    await ledger.commit(
      batch([progress(one, 2)], {
        transactions: [
          transaction(one, versionId, 1),
          ...['0', '1', '2', '3'].map((item, k) => child(2 + k, 1, item)),
          child(6, 4),
        ],
        attempts: [undo(2, 1, wrong), undo(3, 1, wrong), undo(3, 2), attempt(one, 4, called), undo(6, 1, wrong)],
        endings: [2, 3, 4, 5, 6].map((n) => ending(one, n, failed)),
      }),
    )
    const owing = (await ledger.load([idOf(1)]))[0]?.children.map(({ id, ended }) => [id, ended?.isOwing])
    assert.deepEqual(owing, [
      [idOf(2), true],
      [idOf(3), false],
      [idOf(4), true],
      [idOf(5), false],
    ])
  },

  async 'what is paused is heard of with signs of life, and when a lane is opened, until it is resumed'(world) {
    const { ledger, one } = await stayScene(world)
    await world.pause('stay', null)
    await world.pause('stay', 'k')
    const all = [
      { workflow: 'stay', key: null },
      { workflow: 'stay', key: 'k' },
    ]
    assert.deepEqual((await ledger.renew(null, [sign(one)])).pauses, all)
    await world.resume('stay', null)
    assert.deepEqual((await take(ledger, 0)).pauses, all.slice(1))
  },

  async 'sources are told by their versions'(world) {
    const { ledger, workflowId, versionId } = await stayScene(world)
    const sources = await ledger.sources([stays.version, 'unknown'])
    const known = { workflow: 'stay', source: stays.source, workflowId, versionId }
    assert.deepEqual([...sources], [[stays.version, known]])
  },
}
