/** A real ledger with one workflow, and batches for it. */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import type { Ledger, OpenedLane } from '../../src/coordinator/ports.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { newLanes, plan, topic } from '../contract/rows.ts'
import { freshLedger, type TestLedger } from '../support/servers.ts'

export * from '../contract/rows.ts'

export async function scene(partitions = 2) {
  const db = await freshLedger()
  const ledger = await open(db, 'first')
  const ids = (await ledger.register([plan])).get(plan.version)!
  await ledger.createLanes(topic, '', newLanes(partitions, ids.workflowId))
  return { db, ledger, ids }
}

/** A coordinator's ledger on the same database, as `owner`. Its leases are over at once, so that anybody takes its lanes. */
export async function open(db: TestLedger, owner: string, engine = 'shop', lease = {}) {
  const settings = {
    databaseUrl: db.databaseUrl,
    connectionsMax: 4,
    answerMsMax: 10_000,
    leaseMs: 0,
    keepPublishedMs: 3_600_000,
    handoverMs: 0,
    ...lease,
  }
  const ledger = await openLedger({ ...settings, engine, owner })
  after(() => ledger.stop())
  return ledger
}

/** Taken by whoever asks: nobody's lease counts. */
export async function take(ledger: Ledger, partition: number, of = topic): Promise<OpenedLane> {
  const lane = await ledger.takeLane({ topic: of, partition, incarnation: '' })
  assert(lane, `lane ${of}/${partition} is held`)
  return lane
}
