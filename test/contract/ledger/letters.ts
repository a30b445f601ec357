/** Operators' commands, and the dead letters that they are about: made of records, or of the record kept at admission. */
import assert from 'node:assert/strict'
import type { OpenedLane } from '../../../src/coordinator/ports.ts'
import type { Cases } from '../ledger.ts'
import { baseUs, batch, ending, idOf, progress, sign, transaction } from '../rows.ts'
import { scene, take } from './scene.ts'

const raw = { key: Buffer.from('k'), value: Buffer.from([0, 255]), headers: '{"a":"b"}', sealed: null }

function letter(lane: OpenedLane, n: number, workflowId: number | null) {
  const told = { code: 'value_null', reason: 'because', receivedUs: baseUs, transactionId: null }
  return { laneId: lane.laneId, id: idOf(n), workflowId, offset: n, ...raw, ...told }
}

export const letters: Cases = {
  async 'a command is seen with its letter by whoever holds the lane, once, until it is answered'(world) {
    const { ledger, one, two, workflowId } = await scene(world)
    await ledger.commit(batch([progress(one)], { deadLetters: [letter(one, 1, workflowId)] }))
    await world.ask(one.laneId, 'discard', idOf(1))
    await world.ask(one.laneId, 'discard', idOf(1))
    await world.ask(one.laneId, 'redrive', idOf(2))
    assert.deepEqual((await ledger.renew(null, [sign(two)])).commands, [])
    const { commands } = await ledger.renew(null, [sign(one), sign(two)])
    assert.deepEqual(
      commands.map(({ laneId, kind, target, letter: about }) => [laneId, kind, target, about?.state ?? null]),
      [
        [one.laneId, 'discard', idOf(1), 'open'],
        [one.laneId, 'redrive', idOf(2), null],
      ],
    )
    const [first] = commands
    assert.deepEqual(first?.letter, { workflow: 'sale', offset: 1, ...raw, state: 'open' })
    const answered = [{ laneId: one.laneId, id: first?.id as bigint, state: 'done', answer: 'discarded' } as const]
    const letterStates = [{ laneId: one.laneId, id: idOf(1), state: 'discarded' } as const]
    await ledger.commit(batch([progress(one)], { commands: answered, letterStates }))
    await world.ask(one.laneId, 'redrive', idOf(1))
    const left = (await ledger.renew(null, [sign(one)])).commands
    assert.deepEqual(
      left.map(({ kind, target, letter: about }) => [kind, target, about?.state ?? null]),
      [
        ['redrive', idOf(2), null],
        ['redrive', idOf(1), 'discarded'],
      ],
    )
  },

  async 'an answer by whoever lost the lane is none'(world) {
    const { ledger, one } = await scene(world)
    await world.ask(one.laneId, 'discard', idOf(1))
    const [command] = (await ledger.renew(null, [sign(one)])).commands
    const again = await take(ledger, 0)
    const commands = [{ laneId: one.laneId, id: command?.id as bigint, state: 'done', answer: '' } as const]
    await ledger.commit(batch([progress(one)], { commands }))
    assert.equal((await ledger.renew(null, [sign(again)])).commands.length, 1)
  },

  async 'a failed transaction leaves the record that was kept of it as a dead letter'(world) {
    const { ledger, one, versionId } = await scene(world)
    await ledger.commit(batch([progress(one, 6)], { transactions: [transaction(one, versionId, 5, { raw })] }))
    const row = {
      laneId: one.laneId,
      id: idOf(9),
      transactionId: idOf(5),
      code: 'boom',
      reason: 'r',
      receivedUs: baseUs,
    }
    const end = ending(one, 5, { state: 'failed', errorCode: 'boom', recordKept: true })
    await ledger.commit(batch([progress(one, 6)], { endings: [end], failedLetters: [row] }))
    await world.ask(one.laneId, 'redrive', idOf(9))
    const [command] = (await ledger.renew(null, [sign(one)])).commands
    assert.deepEqual(command?.letter, { workflow: 'sale', offset: 5, ...raw, state: 'open' })
  },

  async 'without a record that was kept there is no dead letter of a failed transaction'(world) {
    const { ledger, one, versionId } = await scene(world)
    await ledger.commit(batch([progress(one, 6)], { transactions: [transaction(one, versionId, 5)] }))
    const row = {
      laneId: one.laneId,
      id: idOf(9),
      transactionId: idOf(5),
      code: 'boom',
      reason: 'r',
      receivedUs: baseUs,
    }
    await ledger.commit(batch([progress(one, 6)], { failedLetters: [row] }))
    await world.ask(one.laneId, 'redrive', idOf(9))
    assert.equal((await ledger.renew(null, [sign(one)])).commands[0]?.letter, null)
  },
}
