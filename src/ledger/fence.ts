/**
 * After a failover to a standby that lacked the last commits, or a restore: a coordinator may hold in memory what the
 * ledger has never heard of, under an epoch that the ledger will give out again. Epochs far beyond all that were ever
 * given refuse every one of them, and each opens its lanes anew, from what is here.
 */
import type { Connections } from './connect.ts'

/** No coordinator takes so many epochs between two backups. */
const epochsAhead = 1_000_000

/** Answers with how many lanes there are. */
export async function fenceAll(db: Connections, engine: string | null): Promise<number> {
  const rows = await db.query<{ id: number }>({
    text: `
update millrace_data.lane l set epoch = l.epoch + $2, session = null, asked_by = null, asked_at = null
from millrace_data.engine e where e.id = l.engine_id and ($1::text is null or e.name = $1)
returning l.id`,
    values: [engine, epochsAhead],
  })
  return rows.length
}
