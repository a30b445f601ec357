/** Postgres keeps the ledger's contract. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { OpenLedger } from '../../src/ledger/ledger.ts'
import { type Lease, ledgerContract } from '../contract/ledger.ts'
import { freshLedger, type TestLedger } from '../support/servers.ts'
import { open } from './scene.ts'

let db: TestLedger | undefined
const opened: OpenLedger[] = []

ledgerContract('Postgres', async () => {
  const own = await emptied()
  return {
    async open(owner: string, lease: Partial<Lease> = {}) {
      const ledger = await open(own, owner, 'shop', lease)
      opened.push(ledger)
      return ledger
    },
    async ask(laneId, kind, target) {
      await own.query(
        `insert into millrace_data.command (lane_id, kind, target, asked_by) values ($1, $2, $3, 'operator')
         on conflict do nothing`,
        [laneId, kind, target],
      )
    },
    async pause(workflow, key) {
      await own.query(
        `insert into millrace_data.pause (engine_id, workflow_id, key, paused_by)
         select e.id, w.id, $2, 'operator' from millrace_data.engine e, millrace_data.workflow w
         where e.name = 'shop' and w.name = $1`,
        [workflow, key],
      )
    },
    async resume(workflow, key) {
      await own.query(
        `update millrace_data.pause set resumed_at = now(), resumed_by = 'operator'
         where workflow_id = (select id from millrace_data.workflow where name = $1) and key is not distinct from $2`,
        [workflow, key],
      )
    },
    pass: (ms) => sleep(ms),
  }
})

/** One database for all cases: making one for each would take longer than they do. */
async function emptied(): Promise<TestLedger> {
  for (const ledger of opened.splice(0)) await ledger.stop()
  if (db === undefined) {
    db = await freshLedger()
    return db
  }
  const tables = await db.query<{ name: string }>(
    `select format('millrace_data.%I', tablename) as name from pg_tables
     where schemaname = 'millrace_data' and tablename not like 'migration%' and tablename <> 'writers'`,
  )
  // Postings are there for good: but for whoever says that no trigger is to be asked.
  await db.query(
    `set session_replication_role = replica; truncate ${tables.map(({ name }) => name).join(', ')} restart identity;
     reset session_replication_role`,
  )
  return db
}
