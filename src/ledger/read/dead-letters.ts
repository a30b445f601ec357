/** The latest dead letters, newest first. */
import type { Connections } from '../connect.ts'
import { isoText } from './time.ts'

export interface DeadLetterRead {
  readonly id: string
  readonly topic: string
  readonly kafka_partition: number
  readonly kafka_offset: number
  readonly workflow: string | null
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Its value has secret fields, and cannot be read. */
  readonly is_sealed: boolean
  readonly code: string
  readonly reason: string
  readonly received_at: string
  readonly state: string
  /** Of a transaction that failed; null: it never became one. */
  readonly transaction_id: string | null
}

export function latestDeadLetters(
  db: Connections,
  { state, limit }: { readonly state: string | null; readonly limit: number },
): Promise<DeadLetterRead[]> {
  return db.query<DeadLetterRead & Record<string, unknown>>({
    text: `
select id, topic, kafka_partition, kafka_offset::float8 as kafka_offset, workflow, key, value,
       headers::jsonb ? 'millrace-sealed' as is_sealed, code, reason,
       ${isoText('received_at')}, state, transaction_id
from millrace.dead_letters d
where $2::text is null or state = $2
order by d.received_at desc, d.id desc limit $1`,
    values: [limit, state],
  })
}
