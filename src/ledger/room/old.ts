/** Looks at a partition that is to go: what of it stays, and how far each lane is pruned with it. Holds up nobody. */
import type { Connections } from '../connect.ts'
import type { Family } from './families.ts'

export interface Kept {
  readonly id: string
  /** `related`: it called one that is kept, or was called by one. */
  readonly why: 'running' | 'in_doubt' | 'ended_lately' | 'related'
}

export interface Old {
  readonly kept: readonly Kept[]
  readonly dropped: number
  readonly lanes: readonly LaneHorizon[]
  /** Of all that have rows in it. */
  readonly laneIds: readonly number[]
}

export interface LaneHorizon {
  readonly laneId: number
  /** Behind the last offset of which a row goes. */
  readonly to: number
}

/** So many are moved at once, for that holds up writers; of more those in front are looked at. */
export const keptMax = 10_000

const nothing: Old = { kept: [], dropped: 0, lanes: [], laneIds: [] }

/** `isWhole`: not only at one more than can be moved. */
export function lookAt(
  db: Connections,
  { name }: Family,
  suffix: string,
  horizonMs: number,
  isWhole = false,
): Promise<Old> {
  if (name === 'transaction') return lookAtTransactions(db, suffix, horizonMs, isWhole ? null : keptMax + 1)
  return name === 'commit' ? lookAtCommits(db, suffix) : Promise.resolve(nothing)
}

/**
 * What ended after `horizonMs` is no history of before it: it stays as long as others that ended then. Who was called lies
 * beside its caller, so all that is related is in one partition.
 */
async function lookAtTransactions(
  db: Connections,
  suffix: string,
  horizonMs: number,
  most: number | null,
): Promise<Old> {
  const kept = await db.query<{ id: string; why: Kept['why'] }>({
    text: `
with recursive needed as materialized (
  select t.id,
         case when e.transaction_id is not null then 'ended_lately'
              when exists (select from millrace_data.attempt_${suffix} a where a.transaction_id = t.id and a.step_state = 4
                           and not exists (select from millrace_data.attempt_${suffix} b where b.transaction_id = t.id
                                           and b.step = a.step and b.item = a.item and b.attempt > a.attempt)) then 'in_doubt'
              else 'running' end as why
  from millrace_data.transaction_${suffix} t left join millrace_data.ending_${suffix} e on e.transaction_id = t.id
  where e.transaction_id is null or e.ended_at >= to_timestamp($1::int8 / 1000.0)
), called as materialized (
  select id, parent_id from millrace_data.transaction_${suffix} where parent_id is not null
), related as (
  select parent_id as of_id, id from called union all select id, parent_id from called
), kept as (
  select id from needed
  union
  select r.id from kept k join related r on r.of_id = k.id
)
select k.id, coalesce(n.why, 'related') as why from kept k left join needed n on n.id = k.id
order by k.id limit $2::int4`,
    values: [horizonMs, most],
  })
  const lanes = await db.query<{ lane_id: number; to: string | null; count: string }>({
    text: `
select lane_id, max(kafka_offset) filter (where redriven_from is null and id <> all($1::uuid[])) + 1 as to, count(*) as count
from millrace_data.transaction_${suffix} group by lane_id`,
    values: [kept.map(({ id }) => id)],
  })
  const all = lanes.reduce((sum, { count }) => sum + Number(count), 0)
  return { kept, dropped: all - kept.length, lanes: horizonsOf(lanes), laneIds: lanes.map((row) => row.lane_id) }
}

async function lookAtCommits(db: Connections, suffix: string): Promise<Old> {
  const lanes = await db.query<{ lane_id: number; to: string }>({
    text: `select lane_id, max(to_offset) + 1 as to from millrace_data.passed_${suffix} group by lane_id`,
  })
  return { kept: [], dropped: 0, lanes: horizonsOf(lanes), laneIds: lanes.map((row) => row.lane_id) }
}

function horizonsOf(rows: readonly { lane_id: number; to: string | null }[]): LaneHorizon[] {
  return rows.flatMap((row) => (row.to === null ? [] : [{ laneId: row.lane_id, to: Number(row.to) }]))
}
