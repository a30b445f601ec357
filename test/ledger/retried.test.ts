/** What becomes of the dead letter of a transaction that is retried. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../src/ledger/connect.ts'
import { makeRoom } from '../../src/ledger/room/make.ts'
import { prune } from '../../src/ledger/room/prune.ts'
import { atEnd } from '../support/at-end.ts'
import { emptySince } from '../support/partitions.ts'
import { baseUs, batch, ending, idOf, progress, scene, sign, take, transaction } from './scene.ts'

const failed = { state: 'failed', errorCode: 'broke', errorMessage: 'it broke' } as const

test('it is redriven by that, open again when it fails once more, and goes when its transaction does', async () => {
  const { db, ledger, ids } = await scene(1)
  await emptySince(db, Math.floor(Date.now() / 86_400_000) * 86_400_000)
  const connections = connect({ databaseUrl: db.databaseUrl, connectionsMax: 1, answerMsMax: 30_000 })
  atEnd(() => connections.end())
  await makeRoom(connections)
  const lane = await take(ledger, 0)
  const write = (rest: object) => ledger.commit(batch([progress(lane, 9)], rest))
  const again = (round: number) =>
    write({
      reopened: [{ laneId: lane.laneId, transactionId: idOf(1), round, from: 0, input: null, atUs: baseUs, by: 'me' }],
    })
  const states = async () => {
    const [shown] = await db.query<{ state: string }>('select state from millrace.dead_letters')
    const { commands } = await ledger.renew(null, [sign(lane)])
    return [shown?.state, commands[0]?.letter?.state]
  }
  await write({ transactions: [transaction(lane, ids.versionId, 1)], endings: [ending(lane, 1, failed)] })
  await db.query(
    `insert into millrace_data.dead_letter
       (id, lane_id, workflow_id, kafka_offset, headers, code, reason, received_at, commit_id, transaction_id)
     select $1, lane_id, null, kafka_offset, '{}', 'broke', 'it broke', now(), commit_id, id from millrace_data.transaction`,
    [idOf(70)],
  )
  await db.query(
    `insert into millrace_data.command (lane_id, kind, target, args, asked_by) values ($1, 'redrive', $2, '{}', 'a test')`,
    [lane.laneId, idOf(70)],
  )
  assert.deepEqual(await states(), ['open', 'open'])
  await again(2)
  assert.deepEqual(await states(), ['redriven', 'redriven'], 'a second transaction is not made of it')
  await write({ endings: [ending(lane, 1, failed)] })
  assert.deepEqual(await states(), ['open', 'open'])
  await again(3)
  await write({ endings: [ending(lane, 1)] })
  assert.deepEqual(await states(), ['redriven', 'redriven'])

  await db.query('delete from millrace_data.command')
  await db.query(`update millrace_data.horizon set below_id = millrace.first_id(now() - interval '1 day')::uuid`)
  await prune(connections, { keepMs: 86_400_000, dryRun: false })
  assert.deepEqual(await db.query('select id from millrace.transactions'), [])
  assert.deepEqual(await db.query('select id from millrace.dead_letters'), [])
  assert.deepEqual(await db.query('select * from millrace.rounds'), [])
})
