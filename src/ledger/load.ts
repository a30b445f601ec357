/** Loads the open transactions of a lane: those above its low-water id, and the parked ones. */
import type { OpenedLane, OpenTransaction } from '../coordinator/ports.ts'
import type { AttemptRecord } from '../transaction/restore.ts'
import { outcomeName, stepStateName } from './codes.ts'
import type { Connections } from './connect.ts'

export async function loadOpen(
  db: Connections,
  laneId: number,
  lowId: string,
): Promise<Pick<OpenedLane, 'open' | 'sources'>> {
  const rows = await db.query<TransactionRead>({
    name: 'millrace_load_open',
    text: `
select t.id, t.version_id, t.kafka_offset, t.key, t.event_id, t.envelope, t.auth, ${micros('t.admitted_at')} as admitted_us
from millrace_data.transaction t
where t.lane_id = $1
  and (t.id >= $2 or t.id = any(array(select transaction_id from millrace_data.parked where lane_id = $1)))
  and not exists (select from millrace_data.ending e where e.transaction_id = t.id)
order by t.kafka_offset, t.id`,
    values: [laneId, lowId],
  })
  const attempts = await loadAttempts(db, rows)
  const sources = await loadSources(db, rows)
  const hashes = new Map([...sources].map(([hash, source]) => [source.versionId, hash]))
  return { open: rows.map((row) => openTransaction(row, hashes, attempts)), sources }
}

interface TransactionRead {
  id: string
  version_id: number
  kafka_offset: string
  key: string | null
  event_id: string
  envelope: string
  auth: Buffer | null
  admitted_us: string
}

interface AttemptRead {
  transaction_id: string
  step: number
  attempt: number
  outcome: number
  step_state: number | null
  output: string | null
  next_us: string | null
}

async function loadAttempts(
  db: Connections,
  transactions: readonly TransactionRead[],
): Promise<ReadonlyMap<string, AttemptRecord[]>> {
  const attempts = new Map<string, AttemptRecord[]>()
  if (transactions.length === 0) return attempts
  const rows = await db.query<AttemptRead>({
    name: 'millrace_load_attempts',
    text: `
select transaction_id, step, attempt, outcome, step_state, output, ${micros('next_at')} as next_us
from millrace_data.attempt where transaction_id = any($1::uuid[]) order by transaction_id, step, attempt`,
    values: [transactions.map((row) => row.id)],
  })
  for (const row of rows) {
    const record = attemptRecord(row)
    const own = attempts.get(row.transaction_id)
    if (own) own.push(record)
    else attempts.set(row.transaction_id, [record])
  }
  return attempts
}

async function loadSources(
  db: Connections,
  transactions: readonly TransactionRead[],
): Promise<Map<string, { workflow: string; source: string; versionId: number }>> {
  if (transactions.length === 0) return new Map()
  const rows = await db.query<{ id: number; hash: string; name: string; source: string }>({
    name: 'millrace_load_sources',
    text: `
select v.id, v.hash, w.name, v.source from millrace_data.version v
join millrace_data.workflow w on w.id = v.workflow_id where v.id = any($1::int4[])`,
    values: [[...new Set(transactions.map((row) => row.version_id))]],
  })
  return new Map(rows.map((row) => [row.hash, { workflow: row.name, source: row.source, versionId: row.id }]))
}

function openTransaction(
  row: TransactionRead,
  hashes: ReadonlyMap<number, string>,
  attempts: ReadonlyMap<string, AttemptRecord[]>,
): OpenTransaction {
  return {
    id: row.id,
    version: hashes.get(row.version_id) as string,
    offset: Number(row.kafka_offset),
    key: row.key,
    eventId: row.event_id,
    envelope: row.envelope,
    auth: row.auth,
    admittedUs: Number(row.admitted_us),
    attempts: attempts.get(row.id) ?? [],
  }
}

function attemptRecord(row: AttemptRead): AttemptRecord {
  return {
    step: row.step,
    attempt: row.attempt,
    outcome: outcomeName(row.outcome),
    stepState: stepStateName(row.step_state),
    output: row.output,
    nextUs: row.next_us === null ? null : Number(row.next_us),
  }
}

function micros(columnName: string): string {
  return `(extract(epoch from ${columnName}) * 1000000)::int8`
}
