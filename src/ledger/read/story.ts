/** One transaction with its steps and every attempt of them, by the beginning of its id. */
import type { Connections } from '../connect.ts'
import { isoText } from './time.ts'
import { summaryColumns, type TransactionSummary } from './transactions.ts'

export interface Story extends TransactionSummary {
  /** JSON text. */
  readonly event: string
  readonly steps: readonly StepRead[]
  readonly attempts: readonly AttemptRead[]
}

export interface StepRead {
  readonly step: string
  readonly state: string
  readonly attempts: number
}

export interface AttemptRead {
  readonly step: string
  readonly attempt: number
  readonly function: string
  readonly outcome: string
  readonly error_code: string | null
  readonly error_message: string | null
  readonly eligible_at: string | null
  readonly dispatched_at: string | null
  readonly started_at: string | null
  readonly finished_at: string | null
  readonly committed_at: string | null
  readonly next_at: string | null
  /** JSON text. */
  readonly output: string | null
  readonly logs: string | null
  /** No attempt, but a person's word on the one before it: who, and why. */
  readonly resolved_by: string | null
  readonly received_at: string | null
}

/** Up to `limit` of them; the id's beginning is hex digits, with dashes where a UUID has them or without. */
export async function storiesOf(db: Connections, idPrefix: string, limit: number): Promise<Story[]> {
  const rows = await db.query<Omit<Story, 'steps' | 'attempts'> & Record<string, unknown>>({
    text: `
select ${summaryColumns}, event::text as event
from millrace.transactions t
where t.id between $1::uuid and $2::uuid order by t.id limit $3`,
    values: [filled(idPrefix, '0'), filled(idPrefix, 'f'), limit],
  })
  return Promise.all(
    rows.map(async (row) => ({ ...row, steps: await steps(db, row.id), attempts: await attempts(db, row.id) })),
  )
}

function steps(db: Connections, id: string): Promise<StepRead[]> {
  return db.query<StepRead & Record<string, unknown>>({
    text: 'select step, state, attempts from millrace.steps where transaction_id = $1 order by position',
    values: [id],
  })
}

function attempts(db: Connections, id: string): Promise<AttemptRead[]> {
  const times = ['eligible_at', 'dispatched_at', 'started_at', 'finished_at', 'committed_at', 'next_at', 'received_at']
  return db.query<AttemptRead & Record<string, unknown>>({
    text: `
select step, attempt, function, outcome, error_code, error_message, ${times.map(isoText).join(', ')},
       output::text as output, logs, resolved_by
from millrace.attempts a
where transaction_id = $1
order by coalesce(a.eligible_at, a.received_at), attempt`,
    values: [id],
  })
}

/** The first or the last UUID that begins so. */
function filled(prefix: string, digit: string): string {
  return prefix.replaceAll('-', '').padEnd(32, digit)
}
