/**
 * What is not cut by time goes in bites, each in a commit of its own and well under a second. Nothing goes that is open:
 * letters that nobody has settled, commands without an answer, messages that are not published.
 */
import type { Connections } from '../connect.ts'
import { isRetried } from '../retried.ts'
import { carried } from './carry.ts'

export type Bites = Readonly<Record<keyof typeof statements, number>>

/** Rows of one bite. */
const rowsMax = 10_000

/** A row goes by the horizon of commits, which is a day and more behind that of transactions: what it speaks of went before it. */
const belowCommit = '(select below_commit from millrace_data.horizon)'

const horizonOf = (gone: string) => `horizon as (
  insert into millrace_data.lane_horizon as h (lane_id, pruned_to)
  select lane_id, max(kafka_offset) + 1 from ${gone} as g group by 1
  on conflict (lane_id) do update set pruned_to = greatest(h.pruned_to, excluded.pruned_to)
)`

/** What is told of transactions goes after them. */
function goneWith(table: string, key: string): string {
  return `
delete from millrace_data.${table} r using (
  select transaction_id, ${key} from millrace_data.${table} o
  where o.transaction_id < (select below_id from millrace_data.horizon)
    and not exists (select from millrace_data.transaction t where t.id = o.transaction_id)
  limit ${rowsMax}) old
where r.transaction_id = old.transaction_id and r.${key} = old.${key} returning 1`
}

/** What has ended before the horizon. Who was called goes after its caller, and that after all that is open of it. */
const gone = (suffix: string) => `gone as materialized (
  select t.id, t.lane_id, t.kafka_offset, t.redriven_from from millrace_data.transaction_${suffix} t
  join millrace_data.ending_${suffix} e on e.transaction_id = t.id
  where e.ended_at < to_timestamp($1::int8 / 1000.0)
    and not exists (select from millrace_data.transaction_${suffix} p where p.id = t.parent_id)
    and not exists (
      select from millrace_data.transaction_${suffix} c left join millrace_data.ending_${suffix} x on x.transaction_id = c.id
      where c.id between millrace_data.first_beside(t.id) and millrace_data.last_beside(t.id)
        and c.parent_id = t.id and x.transaction_id is null)
  limit ${rowsMax}
)`

const without = (suffix: string) => `attempts as (
  delete from millrace_data.attempt_${suffix} where transaction_id = any(array(select id from gone))
), endings as (
  delete from millrace_data.ending_${suffix} where transaction_id = any(array(select id from gone))
), begun as (
  delete from millrace_data.begun_${suffix} where transaction_id = any(array(select id from gone))
), ${horizonOf('(select * from gone where redriven_from is null)')}
delete from millrace_data.transaction_${suffix} where id = any(array(select id from gone)) returning 1`

/** Of a partition whose postings go later. */
export function biteTransactions(db: Connections, suffix: string, horizonMs: number): Promise<number> {
  return biteAll(db, `with ${gone(suffix)}, ${without(suffix)}`, [horizonMs])
}

const statements = {
  /** Of the attic, what has ended since and long ago. */
  transactions: `
with ${gone('attic')}, moved as materialized (
  select p.* from millrace_data.posting_attic p where p.transaction_id = any(array(select id from gone))
), ${carried('moved')}, carried_at as (
  update millrace_data.horizon set carried_at = greatest(carried_at, (select max(at) from moved)) where exists (select from moved)
), postings as (
  delete from millrace_data.posting_attic
  where transaction_id = any(array(select id from gone)) and (select set_config('millrace.pruning', 'on', true)) = 'on'
), ${without('attic')}`,

  /** In the attic: those of older versions, whose numbers tell no time. */
  commits: `
delete from millrace_data.commit_attic where id = any(array(
  select id from millrace_data.commit_attic where sent_at < to_timestamp($1::int8 / 1000.0) limit ${rowsMax})) returning 1`,

  /** A lane's offsets grow with time: each lane and workflow is looked at from its oldest on. */
  duplicates: `
with old as materialized (
  select d.lane_id, d.workflow_id, d.kafka_offset
  from (select distinct lane_id, workflow_id from millrace_data.subscription) s
  cross join lateral (
    select * from millrace_data.duplicate x where x.lane_id = s.lane_id and x.workflow_id = s.workflow_id
    order by x.kafka_offset limit ${rowsMax}) d
  where d.commit_id < ${belowCommit} limit ${rowsMax}
), gone as (
  delete from millrace_data.duplicate d using old o
  where d.lane_id = o.lane_id and d.workflow_id = o.workflow_id and d.kafka_offset = o.kafka_offset
  returning d.lane_id, d.kafka_offset
), ${horizonOf('gone')}
select 1 from gone`,

  /** Refused ones: others go after a day, by the engine itself. */
  messages: `
delete from millrace_data.outbox o using (
  select b.lane_id, b.seq from millrace_data.outbox_progress p
  join millrace_data.outbox b on b.lane_id = p.lane_id and b.seq <= p.published_seq
  where b.error is not null and b.commit_id < ${belowCommit} limit ${rowsMax}) old
where o.lane_id = old.lane_id and o.seq = old.seq returning 1`,

  /** With the letter that it settled. One stays with a letter that was written with it: it tells where that is from. */
  commands: `
with old as materialized (
  select c.id, c.target, c.kind from millrace_data.command c
  where c.state > 1 and c.commit_id < ${belowCommit}
    and not exists (select from millrace_data.dead_letter d where d.commit_id = c.commit_id and d.id <> c.target)
    and not exists (select from millrace_data.outbox o where o.dead_letter_id = c.target)
  limit ${rowsMax}
), letters as (
  delete from millrace_data.dead_letter d
  where d.state > 1 and d.id = any(array(select target from old where kind in ('redrive', 'discard')))
    and not exists (select from millrace_data.command other where other.target = d.id and other.state = 2
                    and other.id <> all(array(select id from old)))
  returning d.lane_id, d.kafka_offset
), ${horizonOf('letters')}
delete from millrace_data.command where id = any(array(select id from old)) returning 1`,

  /** Those of transactions that were retried, whose rows went before: no command to them was ever needed. */
  letters: `
with gone as (
  delete from millrace_data.dead_letter d
  where d.state = 2 and d.transaction_id < (select below_id from millrace_data.horizon)
    and not exists (select from millrace_data.transaction t where t.id = d.transaction_id)
    and not exists (select from millrace_data.command c where c.target = d.id)
    and not exists (select from millrace_data.outbox o where o.dead_letter_id = d.id)
  returning d.lane_id, d.kafka_offset
), ${horizonOf('gone')}
select 1 from gone limit ${rowsMax - 1}`,

  charges: goneWith('charge', 'charge_key'),
  turns: goneWith('turn', 'round'),
  rounds: goneWith('round', 'round'),
} as const

/** Before the transactions go: what tells that their letters are redriven goes with them. */
export async function settleRetried(db: Connections, horizonMs: number): Promise<void> {
  await db.query({
    text: `
update millrace_data.dead_letter d set state = 2
where d.state = 1 and ${isRetried} and exists (
  select from millrace_data.ending e where e.transaction_id = d.transaction_id and e.ended_at < to_timestamp($1::int8 / 1000.0))`,
    values: [horizonMs],
  })
}

/** Answers with how many rows of each kind went. */
export async function bite(db: Connections, horizonMs: number): Promise<Bites> {
  const counts: Record<string, number> = {}
  for (const [name, text] of Object.entries(statements)) {
    counts[name] = await biteAll(db, text, text.includes('$1') ? [horizonMs] : [])
  }
  return counts as Bites
}

async function biteAll(db: Connections, text: string, values: readonly unknown[]): Promise<number> {
  let count = 0
  for (let rows = rowsMax; rows === rowsMax; count += rows) {
    rows = (await db.query({ text, values: [...values] })).length
  }
  return count
}
