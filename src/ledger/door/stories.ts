/** What the status of a transaction shows: its state, and those of its steps. */
import type { Story, StoryStep } from '../../api/ports.ts'
import type { Connections } from '../connect.ts'
import { between, rangeOf } from '../id-range.ts'

/** Items that are shown of one transaction: its status is for people and pages. */
const stepsMax = 200

export async function stories(db: Connections, ids: readonly string[]): Promise<ReadonlyMap<string, Story>> {
  if (ids.length === 0) return new Map()
  const rows = await db.query<StoryRead>({
    name: 'millrace_http_stories',
    text: `
select t.id, t.workflow, t.state, t.error_code, t.error_message, t.admitted_at, t.ended_at,
       t.event -> 'auth' ->> 'principal' as principal, t.event -> 'auth' ->> 'family' as family,
       (select coalesce(json_agg(s), '[]') from (
          select step, item, kind, state, attempts from millrace.steps
          where transaction_id = t.id order by position, item limit ${stepsMax}) s) as steps
from millrace.transactions t where t.id = any($1::uuid[]) and ${between('t.id')}`,
    values: rangeOf(ids),
  })
  return new Map(rows.map((row) => [row.id, storyOf(row)]))
}

interface StoryRead extends Record<string, unknown> {
  id: string
  workflow: string
  state: string
  error_code: string | null
  error_message: string | null
  admitted_at: Date
  ended_at: Date | null
  principal: string | null
  family: string | null
  steps: StoryStep[]
}

function storyOf(row: StoryRead): Story {
  const { id, workflow, state, error_code: code, error_message: message, principal, family, steps } = row
  const sender = principal === null ? null : { principal, family: family ?? '' }
  const admittedAt = row.admitted_at.toISOString()
  return { id, workflow, state, code, message, admittedAt, endedAt: row.ended_at?.toISOString() ?? null, sender, steps }
}
