/** What a transaction that is no chain may have besides its attempts. Without ids nothing is asked. */
import type { ChildRecord, PostingRecord, RestRecord, RoundRecord } from '../transaction/restore.ts'
import { stateName } from './codes.ts'
import type { Connections } from './connect.ts'
import { byTransaction, nothing, type Of } from './grouped.ts'
import { between, rangeOf } from './id-range.ts'
import { micros, microsOf } from './micros.ts'

interface RestRead {
  transaction_id: string
  step: number
  item: string
  due_us: string | null
  since_us: string
  is_alone: boolean
  signal_id: string | null
  event: string | null
}

/** With the event that was claimed for it, and not taken yet. */
export async function loadRests(db: Connections, ids: readonly string[]): Promise<Of<RestRecord>> {
  if (ids.length === 0) return nothing
  const rows = await db.query<RestRead & Record<string, unknown>>({
    name: 'millrace_load_rests',
    text: `
select w.transaction_id, w.step, w.item, ${micros('w.due_at')} as due_us, ${micros('w.since_at')} as since_us, w.is_alone,
       k.signal_id, s.event
from millrace_data.rest w
left join millrace_data.taken k on w.key_hash is not null
  and k.transaction_id = w.transaction_id and k.step = w.step and k.item = w.item and k.commit_id is null
left join millrace_data.signal s on s.id = k.signal_id
where w.transaction_id = any($1::uuid[]) order by w.transaction_id, w.step, w.item`,
    values: [ids],
  })
  return byTransaction(rows, ({ step, item, due_us, since_us, is_alone, signal_id, event }) => ({
    step,
    item,
    dueUs: microsOf(due_us),
    sinceUs: Number(since_us),
    isAlone: is_alone,
    signal: signal_id === null || event === null ? null : { id: signal_id, text: event },
  }))
}

interface ChildRead {
  transaction_id: string
  id: string
  step: number
  item: string
  state: number | null
  error_code: string | null
  error_message: string | null
  output: string | null
  is_owing: boolean
}

/**
 * Their ids begin as their parent's does, so that they lie beside it. Of one whose end its parent has not recorded the
 * output is what its last step gave. One that failed owes something when a compensation of it has failed for good, or what it
 * has called could not be undone.
 */
export async function loadChildren(db: Connections, ids: readonly string[]): Promise<Of<ChildRecord>> {
  if (ids.length === 0) return nothing
  const rows = await db.query<ChildRead & Record<string, unknown>>({
    name: 'millrace_load_children',
    text: `
select p.id as transaction_id, c.id, c.parent_step as step, c.parent_item as item, e.state, e.error_code, e.error_message,
       case when e.state = 1 then (
         select a.output from millrace_data.version v
         join millrace_data.attempt a on a.transaction_id = c.id and a.item = '' and a.step_state = 1
           and a.step = coalesce(v.last_step, cardinality(v.step_ids) - 1)
         where v.id = c.version_id and not exists (
           select from millrace_data.attempt own
           where own.transaction_id = p.id and own.step = c.parent_step and own.item = c.parent_item and own.step_state = 1)
         order by a.attempt desc limit 1) end as output,
       case when e.state = 2 then exists (
         select from millrace_data.version v
         join millrace_data.attempt a on a.transaction_id = c.id
         where v.id = c.version_id and case v.step_kinds[a.step + 1]
           when 'undo' then a.step_state = 3 and not exists (
             select from millrace_data.attempt later
             where later.transaction_id = c.id and later.step = a.step and later.item = a.item and later.attempt > a.attempt)
           when 'call' then (a.step_state = 1 or (a.step_state = 3 and a.unknown)) and exists (
             select from millrace_data.transaction g join millrace_data.ending x on x.transaction_id = g.id and x.state = 2
             where g.id between millrace_data.first_beside(c.id) and millrace_data.last_beside(c.id)
               and g.parent_id = c.id and g.parent_step = a.step and g.parent_item = a.item)
           else false end) else false end as is_owing
from unnest($1::uuid[]) as p (id)
join millrace_data.transaction c
  on c.id between millrace_data.first_beside(p.id) and millrace_data.last_beside(p.id) and c.parent_id = p.id
    and c.id between millrace_data.first_beside($2::uuid) and millrace_data.last_beside($3::uuid)
left join millrace_data.ending e on e.transaction_id = c.id
  and e.transaction_id between millrace_data.first_beside($2::uuid) and millrace_data.last_beside($3::uuid)
order by c.admitted_at, c.id`,
    values: rangeOf(ids),
  })
  return byTransaction(rows, ({ id, step, item, state, error_code, error_message, output, is_owing }) => ({
    id,
    step,
    item,
    ended:
      state === null
        ? null
        : {
            state: stateName(state),
            error: error_code === null ? null : { code: error_code, message: error_message ?? '' },
            output,
            isOwing: is_owing,
          },
  }))
}

interface PostingRead {
  transaction_id: string
  step: number
  item: string
  attempt: number
  n: number
  debit: string
  credit: string
  amount: string
  currency: string
  party: string | null
}

export async function loadPostings(db: Connections, ids: readonly string[]): Promise<Of<PostingRecord>> {
  if (ids.length === 0) return nothing
  const rows = await db.query<PostingRead & Record<string, unknown>>({
    name: 'millrace_load_postings',
    text: `
select transaction_id, step, item, attempt, n, debit, credit, amount, currency, party
from millrace_data.posting where transaction_id = any($1::uuid[]) and ${between('transaction_id')}
order by transaction_id, step, item, attempt, n`,
    values: rangeOf(ids),
  })
  return byTransaction(rows, ({ transaction_id: _, amount, ...row }) => ({ ...row, amount: BigInt(amount) }))
}

interface RoundRead {
  transaction_id: string
  opened_us: string
  from_step: number | null
  input: string | null
}

export async function loadRounds(db: Connections, ids: readonly string[]): Promise<Of<RoundRecord>> {
  if (ids.length === 0) return nothing
  const rows = await db.query<RoundRead & Record<string, unknown>>({
    name: 'millrace_load_rounds',
    text: `
select transaction_id, ${micros('opened_at')} as opened_us, from_step, input from millrace_data.round
where transaction_id = any($1::uuid[]) order by transaction_id, round`,
    values: [ids],
  })
  return byTransaction(rows, ({ opened_us, from_step: from, input }) => ({ atUs: Number(opened_us), from, input }))
}
