/** Steps that sleep or wait: who is due and when the next one is, and which waits are to be looked at. */
import type { DueRest, WaitRef } from '../coordinator/ports.ts'
import * as column from './columns.ts'
import type { Connections } from './connect.ts'
import { isoTime, micros } from './micros.ts'

interface DueRead {
  transaction_id: string
  step: number
  item: string
  due_us: string
}

export async function due(
  db: Connections,
  laneId: number,
  after: DueRest,
  untilUs: number,
  most: number,
): Promise<DueRest[]> {
  const rows = await db.query<DueRead & Record<string, unknown>>({
    name: 'millrace_due',
    text: `
select transaction_id, step, item, ${micros('due_at')} as due_us from millrace_data.rest
where lane_id = $1 and due_at >= $2::timestamptz and due_at <= $6::timestamptz
  and (due_at, transaction_id, step, item) > ($2::timestamptz, $3::uuid, $4::int2, $5::text collate "C")
order by due_at, transaction_id, step, item limit $7::int4`,
    values: [laneId, ...markOf(after), isoTime(untilUs), most],
  })
  return rows.map((row) => ({
    transactionId: row.transaction_id,
    step: row.step,
    item: row.item,
    dueUs: Number(row.due_us),
  }))
}

export async function nextDue(db: Connections, laneId: number, after: DueRest): Promise<number | null> {
  const [row] = await db.query<{ due_us: string }>({
    name: 'millrace_next_due',
    text: `
select ${micros('due_at')} as due_us from millrace_data.rest
where lane_id = $1 and due_at >= $2::timestamptz
  and (due_at, transaction_id, step, item) > ($2::timestamptz, $3::uuid, $4::int2, $5::text collate "C")
order by due_at limit 1`,
    values: [laneId, ...markOf(after)],
  })
  return row ? Number(row.due_us) : null
}

function markOf({ dueUs, transactionId, step, item }: DueRest): unknown[] {
  return [isoTime(dueUs), transactionId, step, item]
}

export interface WaitRead {
  transaction_id: string
  step: number
  item: string
  lane_id: number
  times: number
}

export async function unlooked(
  db: Connections,
  laneIds: readonly number[],
  after: WaitRef | null,
  most: number,
): Promise<WaitRef[]> {
  if (laneIds.length === 0) return []
  const { transactionId, step, item } = after ?? { transactionId: lowestId, step: -1, item: '' }
  const rows = await db.query<WaitRead & Record<string, unknown>>({
    name: 'millrace_unlooked',
    text: `
select transaction_id, step, item, lane_id, times from millrace_data.look
where lane_id = any($1::int4[]) and (transaction_id, step, item) > ($2::uuid, $3::int2, $4::text collate "C")
order by transaction_id, step, item limit $5::int4`,
    values: [column.int4(laneIds), transactionId, step, item, most],
  })
  return rows.map(waitRef)
}

const lowestId = '00000000-0000-0000-0000-000000000000'

export function waitRef({ transaction_id, step, item, lane_id, times }: WaitRead): WaitRef {
  return { laneId: lane_id, transactionId: transaction_id, step, item, nudge: times }
}

/** Who was told of something since is told apart by how often that was. */
export async function looked(db: Connections, rests: readonly WaitRef[]): Promise<void> {
  if (rests.length === 0) return
  await db.query({
    name: 'millrace_looked',
    text: `
delete from millrace_data.look k
using unnest($1::uuid[], $2::int2[], $3::text[], $4::int4[]) as r (id, step, item, times)
where k.transaction_id = r.id and k.step = r.step and k.item = r.item and k.times = r.times`,
    values: [...placesOf(rests), column.int4(rests.map((rest) => rest.nudge))],
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
