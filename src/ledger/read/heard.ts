/** Which coordinators hold to what is paused: they say so with their signs of life. */
import type { Connections } from '../connect.ts'
import { micros } from '../micros.ts'

export interface Holder {
  readonly owner: string
  readonly seen_at: string
  /** Topic and partition of its lanes. */
  readonly lanes: readonly string[]
  /** All of them hold to what was paused at that moment. */
  readonly has_heard: boolean
  /** No sign of life for as long as its lease: it will hear of it when it is back, and so will whoever takes its lanes. */
  readonly is_silent: boolean
}

/** Postgres' clock, in µs. What was committed before is seen by whoever reads later. */
export async function clockUs(db: Connections): Promise<number> {
  const [row] = await db.query<{ us: string }>({ text: `select ${micros('clock_timestamp()')} as us` })
  return Number(row?.us)
}

/** Of the lanes of the engine that somebody holds. A lane that was opened since has heard of it then. */
export function holdersSince(db: Connections, engine: string, sinceUs: number): Promise<Holder[]> {
  return db.query<Holder & Record<string, unknown>>({
    text: `
select l.owner, to_char(max(p.seen_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as seen_at,
       array_agg(k.name || '/' || l.kafka_partition order by k.name, l.kafka_partition) as lanes,
       bool_and(${micros('greatest(p.heard_at, l.opened_at)')} >= $2) as has_heard,
       bool_and(p.seen_at + l.lease < clock_timestamp()) as is_silent
from millrace_data.lane l
join millrace_data.engine e on e.id = l.engine_id and e.name = $1
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.lane_progress p on p.lane_id = l.id
where l.session is not null
group by l.owner, l.session order by l.owner`,
    values: [engine, sinceUs],
  })
}
