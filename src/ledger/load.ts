/** Finds the open transactions of a lane, above its low-water id and parked, and reads transactions back whole. */
import type { OpenedLane, OpenRef, OpenTransaction } from '../coordinator/ports.ts'
import type { AttemptRecord } from '../transaction/restore.ts'
import { outcomeName, stepStateName } from './codes.ts'
import type { Connections } from './connect.ts'

/**
 * It has had its turn and not given it away: something was written of it, and not last a person's word, after which it
 * waits for another turn. Such a one goes before those of its key that stand further back, whatever their offsets.
 */
const started = `(
  coalesce((select a.resolved_by is null from millrace_data.attempt a where a.transaction_id = t.id
            order by a.step desc, a.attempt desc limit 1), false)
  or exists (select from millrace_data.begun b where b.transaction_id = t.id and not exists (
       select from millrace_data.attempt a
       where a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt)))`

export async function findOpen(
  db: Connections,
  laneId: number,
  lowId: string,
): Promise<Pick<OpenedLane, 'open' | 'sources'>> {
  const rows = await db.query<OpenRead>({
    name: 'millrace_find_open',
    text: `
select t.id, t.version_id, t.key, ${micros('t.admitted_at')} as admitted_us,
       exists (select from millrace_data.attempt a where a.transaction_id = t.id and a.step_state = 4 and not exists (
         select from millrace_data.attempt b
         where b.transaction_id = t.id and b.step = a.step and b.attempt > a.attempt)) as in_doubt
from millrace_data.transaction t
where t.lane_id = $1
  and (t.id >= $2 or t.id = any(array(select transaction_id from millrace_data.parked where lane_id = $1)))
  and not exists (select from millrace_data.ending e where e.transaction_id = t.id)
order by ${started} desc, t.kafka_offset, t.id`,
    values: [laneId, lowId],
  })
  const sources = await loadSources(db, rows)
  const workflows = new Map([...sources.values()].map(({ versionId, workflow }) => [versionId, workflow]))
  return { open: rows.map((row) => openRef(row, workflows)), sources }
}

export async function load(db: Connections, ids: readonly string[]): Promise<OpenTransaction[]> {
  const rows = await db.query<TransactionRead>({
    name: 'millrace_load',
    text: `
select t.id, v.hash, t.kafka_offset, t.key, t.event_id, t.envelope, t.auth, ${micros('t.admitted_at')} as admitted_us
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
where t.id = any($1::uuid[])`,
    values: [ids],
  })
  const attempts = await loadAttempts(db, ids)
  const begun = await loadBegun(db, ids)
  return rows.map((row) => openTransaction(row, attempts, begun))
}

interface OpenRead {
  id: string
  version_id: number
  key: string | null
  admitted_us: string
  in_doubt: boolean
}

interface TransactionRead {
  id: string
  hash: string
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

async function loadAttempts(db: Connections, ids: readonly string[]): Promise<ReadonlyMap<string, AttemptRecord[]>> {
  const attempts = new Map<string, AttemptRecord[]>()
  const rows = await db.query<AttemptRead>({
    name: 'millrace_load_attempts',
    text: `
select transaction_id, step, attempt, outcome, step_state, output, ${micros('next_at')} as next_us
from millrace_data.attempt where transaction_id = any($1::uuid[]) order by transaction_id, step, attempt`,
    values: [ids],
  })
  for (const row of rows) {
    const record = attemptRecord(row)
    const own = attempts.get(row.transaction_id)
    if (own) own.push(record)
    else attempts.set(row.transaction_id, [record])
  }
  return attempts
}

interface BegunRead {
  transaction_id: string
  step: number
  attempt: number
}

/** Few functions are not idempotent, so these are few. */
function loadBegun(db: Connections, ids: readonly string[]): Promise<BegunRead[]> {
  return db.query<BegunRead & Record<string, unknown>>({
    name: 'millrace_load_begun',
    text: `
select b.transaction_id, b.step, b.attempt from millrace_data.begun b
where b.transaction_id = any($1::uuid[]) and not exists (
  select from millrace_data.attempt a
  where a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt)`,
    values: [ids],
  })
}

async function loadSources(
  db: Connections,
  transactions: readonly OpenRead[],
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

function openRef(row: OpenRead, workflows: ReadonlyMap<number, string>): OpenRef {
  const workflow = workflows.get(row.version_id) as string
  return { id: row.id, workflow, key: row.key, admittedUs: Number(row.admitted_us), inDoubt: row.in_doubt }
}

function openTransaction(
  row: TransactionRead,
  attempts: ReadonlyMap<string, AttemptRecord[]>,
  begun: readonly BegunRead[],
): OpenTransaction {
  return {
    id: row.id,
    version: row.hash,
    offset: Number(row.kafka_offset),
    key: row.key,
    eventId: row.event_id,
    envelope: row.envelope,
    auth: row.auth,
    admittedUs: Number(row.admitted_us),
    attempts: attempts.get(row.id) ?? [],
    begun: begun.filter((each) => each.transaction_id === row.id).map(({ step, attempt }) => ({ step, attempt })),
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
