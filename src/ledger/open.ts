/** Finds the open transactions of a lane: above its low-water id, parked, and of strict workflows those that rest. */
import type { OpenedLane, OpenRef } from '../coordinator/ports.ts'
import type { Connections } from './connect.ts'
import { micros } from './micros.ts'

/**
 * It has had its turn and not given it away: something was written of its round, and not last a person's word, after which it
 * waits for another turn. Such a one goes before those of its key that stand further back, whatever their offsets.
 */
const started = `(
  coalesce((select a.resolved_by is null and not exists (
              select from millrace_data.round q where q.transaction_id = t.id and q.round > coalesce(a.round, 1))
            from millrace_data.attempt a where a.transaction_id = t.id
            order by coalesce(a.round, 1) desc, coalesce(a.seq, 0) desc, a.received_at desc nulls last, a.step desc, a.attempt desc
            limit 1), false)
  or exists (select from millrace_data.begun b where b.transaction_id = t.id and not exists (
       select from millrace_data.attempt a
       where a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt and a.item = b.item)))`

const inDoubt = `exists (
  select from millrace_data.attempt a where a.transaction_id = t.id and a.step_state = 4 and not exists (
    select from millrace_data.attempt b
    where b.transaction_id = t.id and b.step = a.step and b.item = a.item and b.attempt > a.attempt))`

/** All of it are functions, one after the other: nothing else of it runs beside one in doubt. */
const isChain = `coalesce(v.step_kinds <@ array['invoke', 'undo'], true)`

/**
 * Who rests alone is not looked at: a million of them are not even read; of strict workflows their lines are held for them. One in doubt may have branches that go on, and held its
 * line then; or none, and the next of its key may have begun: that one goes first.
 */
export async function findOpen(
  db: Connections,
  laneId: number,
  lowId: string,
): Promise<Pick<OpenedLane, 'open' | 'sources'>> {
  const rows = await db.query<OpenRead>({
    name: 'millrace_find_open',
    text: `
select t.id, t.version_id, t.key, ${micros('t.admitted_at')} as admitted_us,
       d.in_doubt and ${isChain} as in_doubt,
       exists (select from millrace_data.rest r where r.transaction_id = t.id and r.is_alone) as rests
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
cross join lateral (select ${inDoubt} as in_doubt) d
where t.lane_id = $1
  and (t.id >= $2 or t.id = any(array(
    select transaction_id from millrace_data.parked where lane_id = $1
    union select transaction_id from millrace_data.rest where lane_id = $1 and is_strict)))
  and not exists (select from millrace_data.ending e where e.transaction_id = t.id)
  and not exists (
    select from millrace_data.rest r where r.transaction_id = t.id and r.is_alone and not r.is_strict)
order by ${started} and not d.in_doubt desc, d.in_doubt desc, t.kafka_offset, t.id`,
    values: [laneId, lowId],
  })
  const sources = await loadSources(db, rows)
  const workflows = new Map([...sources.values()].map(({ versionId, workflow }) => [versionId, workflow]))
  return { open: rows.map((row) => openRef(row, workflows)), sources }
}

interface OpenRead {
  id: string
  version_id: number
  key: string | null
  admitted_us: string
  in_doubt: boolean
  rests: boolean
}

type Sources = OpenedLane['sources']

async function loadSources(db: Connections, transactions: readonly OpenRead[]): Promise<Sources> {
  if (transactions.length === 0) return new Map()
  const rows = await db.query<SourceRead>({
    name: 'millrace_load_sources',
    text: `${sourceText} where v.id = any($1::int4[])`,
    values: [[...new Set(transactions.map((row) => row.version_id))]],
  })
  return sourcesFrom(rows)
}

/** Of these versions, by their hashes. */
export async function sourcesOf(db: Connections, versions: readonly string[]): Promise<Sources> {
  const rows = await db.query<SourceRead>({
    name: 'millrace_sources',
    text: `${sourceText} where v.hash = any($1::text[])`,
    values: [versions],
  })
  return sourcesFrom(rows)
}

type SourceRead = { id: number; workflow_id: number; hash: string; name: string; source: string }

const sourceText = `
select v.id, v.workflow_id, v.hash, w.name, v.source from millrace_data.version v
join millrace_data.workflow w on w.id = v.workflow_id`

function sourcesFrom(rows: readonly SourceRead[]): Sources {
  return new Map(
    rows.map(({ id, workflow_id, hash, name, source }) => [
      hash,
      { workflow: name, source, workflowId: workflow_id, versionId: id },
    ]),
  )
}

function openRef(row: OpenRead, workflows: ReadonlyMap<number, string>): OpenRef {
  const workflow = workflows.get(row.version_id) as string
  const { id, key, in_doubt: inDoubt, rests } = row
  return { id, workflow, key, admittedUs: Number(row.admitted_us), inDoubt, rests }
}
