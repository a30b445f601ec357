/** Who has which lane, how far it is, and why it is not read where it is not. */
import type { Connections } from '../connect.ts'
import { isoText } from './time.ts'

export interface LaneRead {
  readonly engine: string
  readonly topic: string
  readonly kafka_partition: number
  readonly incarnation: string
  readonly state: string
  readonly owner: string | null
  readonly epoch: number
  readonly next_offset: number
  readonly running: number
  readonly queued: number
  readonly paused: string | null
  readonly asked_by: string | null
  readonly seen_at: string
}

export function lanes(db: Connections, topic: string | null): Promise<LaneRead[]> {
  return db.query<LaneRead & Record<string, unknown>>({
    text: `
select engine, topic, kafka_partition, incarnation, state, owner, epoch::float8 as epoch,
       next_offset::float8 as next_offset, running, queued, paused, asked_by, ${isoText('seen_at')}
from millrace.lanes l
where $1::text is null or topic = $1
order by l.engine, l.topic, l.incarnation, l.kafka_partition`,
    values: [topic],
  })
}
