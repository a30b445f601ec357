/** Steps that sleep or wait: who is due, who is to be looked at, and when the next one is due. */
import type { DueRest } from '../coordinator/ports.ts'
import * as column from './columns.ts'
import type { Connections } from './connect.ts'
import { isoTime, micros } from './micros.ts'

export interface RestRead {
  transaction_id: string
  step: number
  item: string
  lane_id: number
  looks: number
}

/** Those whose time is over first, as they fell due; then those that are to be looked at. */
export async function due(
  db: Connections,
  laneIds: readonly number[],
  untilUs: number,
  most: number,
): Promise<DueRest[]> {
  if (laneIds.length === 0) return []
  const rows = await db.query<RestRead & Record<string, unknown>>({
    name: 'millrace_due',
    text: `
select transaction_id, step, item, lane_id, looks from (
  (select w.transaction_id, w.step, w.item, w.lane_id, coalesce(k.times, 0) as looks, w.due_at
   from unnest($1::int4[]) as l (id)
   cross join lateral (
     select * from millrace_data.rest w where w.lane_id = l.id and w.due_at <= $2::timestamptz order by w.due_at limit $3::int4) w
   left join millrace_data.look k on k.transaction_id = w.transaction_id and k.step = w.step and k.item = w.item
   order by w.due_at limit $3::int4)
  union all
  (select k.transaction_id, k.step, k.item, k.lane_id, k.times, null
   from unnest($1::int4[]) as l (id)
   join millrace_data.look k on k.lane_id = l.id
   join millrace_data.rest w on w.transaction_id = k.transaction_id and w.step = k.step and w.item = k.item
   where w.due_at is null or w.due_at > $2::timestamptz
   limit $3::int4)
) d order by due_at nulls last limit $3::int4`,
    values: [column.int4(laneIds), isoTime(untilUs), most],
  })
  return rows.map(dueRest)
}

export function dueRest({ transaction_id, step, item, lane_id, looks }: RestRead): DueRest {
  return { laneId: lane_id, transactionId: transaction_id, step, item, looks }
}

export async function nextDue(db: Connections, laneIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (laneIds.length === 0) return new Map()
  const rows = await db.query<{ id: number; due_us: string }>({
    name: 'millrace_next_due',
    text: `
select l.id, ${micros('w.due_at')} as due_us from unnest($1::int4[]) as l (id)
cross join lateral (
  select due_at from millrace_data.rest where lane_id = l.id and due_at is not null order by due_at limit 1) w`,
    values: [column.int4(laneIds)],
  })
  return new Map(rows.map((row) => [row.id, Number(row.due_us)]))
}

/** Who was told of something since is told apart by how often that was. */
export async function calm(db: Connections, rests: readonly DueRest[]): Promise<void> {
  if (rests.length === 0) return
  await db.query({
    name: 'millrace_calm',
    text: `
delete from millrace_data.look k
using unnest($1::uuid[], $2::int2[], $3::text[], $4::int4[]) as r (id, step, item, times)
where k.transaction_id = r.id and k.step = r.step and k.item = r.item and k.times = r.times`,
    values: [...placesOf(rests), column.int4(rests.map((rest) => rest.looks))],
  })
}

export interface Placed {
  readonly transactionId: string
  readonly step: number
  readonly item: string
}

/** Ids, steps and items, as three parameters. */
export function placesOf(rows: readonly Placed[]): Buffer[] {
  return [
    column.uuid(rows.map((row) => row.transactionId)),
    column.int2(rows.map((row) => row.step)),
    column.text(rows.map((row) => row.item)),
  ]
}
