/** The latest transactions, newest first. */
import type { Connections } from '../connect.ts'
import { isoText } from './time.ts'

export interface TransactionSummary {
  readonly id: string
  readonly workflow: string
  readonly version: string
  readonly key: string | null
  readonly event_id: string
  readonly topic: string
  readonly kafka_partition: number
  readonly kafka_offset: number
  readonly state: string
  readonly error_code: string | null
  readonly error_message: string | null
  readonly produced_at: string | null
  readonly fetched_at: string
  readonly admitted_at: string
  readonly ended_at: string | null
  readonly duration_ms: number | null
}

export interface TransactionFilter {
  readonly state: string | null
  readonly workflow: string | null
  readonly key: string | null
  /** The event's id. */
  readonly event: string | null
  readonly limit: number
}

export const summaryColumns = `
id, workflow, version, key, event_id, topic, kafka_partition, kafka_offset::float8 as kafka_offset,
state, error_code, error_message, ${['produced_at', 'fetched_at', 'admitted_at', 'ended_at'].map(isoText).join(', ')},
duration_ms`

/** Few are in these states, and views of their own know which: history is not searched for them. */
const narrowed: Readonly<Record<string, string>> = {
  in_doubt: 'and t.id = any(array(select transaction_id from millrace.in_doubt))',
  waiting: 'and t.id in (select transaction_id from millrace.waits where is_alone)',
}

export function latestTransactions(db: Connections, filter: TransactionFilter): Promise<TransactionSummary[]> {
  return db.query<TransactionSummary & Record<string, unknown>>({
    text: `
select ${summaryColumns}
from millrace.transactions t
where ($1::text is null or state = $1) ${narrowed[filter.state ?? ''] ?? ''}
  and ($2::text is null or workflow = $2)
  and ($3::text is null or key = $3) and ($4::text is null or event_id = $4)
order by t.id desc limit $5`,
    values: [filter.state, filter.workflow, filter.key, filter.event, filter.limit],
  })
}
