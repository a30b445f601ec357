/** Parts of the group commit for what a chain of steps does not have; see commit.ts. */
import type { Terms } from './commit.ts'
import * as rows from './flow-sections.ts'
import { endings } from './sections.ts'

/** Who is open again has an id below the mark: it is parked. */
export function reopened({ from, held }: Terms): string {
  return `, reopened as materialized (
  select id, lane, millrace_data.reopen(id, round, from_step, input, at, by, $1::int8) as had_ended from ${from(rows.reopened)}
  where ${held}
), reopened_parked as (
  insert into millrace_data.parked (transaction_id, lane_id)
  select id, lane from reopened where id <> all(array(select id from ${from(endings)}))
  on conflict do nothing
)`
}

export function turns({ from, held, original }: Terms): string {
  return `, turns as (
  insert into millrace_data.turn (transaction_id, round, code, message, is_cancel, at, commit_id)
  select id, round, code, message, cancel, at, $1::int8 from ${from(rows.turns)}
  where ${held} and ${original('r.id')}
)`
}

const samePlace = (table: string) =>
  `${table}.transaction_id = r.id and ${table}.step = r.step and ${table}.item = r.item`

/**
 * A lane's mark moves on past who rests alone: one that does so no more is parked, one that does is not. A wait that begins is
 * to be looked at, whoever holds its lane by then; and what one that is over had claimed is free, unless it took it.
 */
export function rests({ from, held, original }: Terms): string {
  const gone = `select id, step, item from ${from(rows.restsOver)} where ${held}`
  const accompanied = `select id, step, item from ${from(rows.rests)} where ${held} and not alone`
  const alone = `select id from ${from(rows.rests)} where ${held} and alone and ${original('r.id')}`
  return `, woken as materialized (
  select distinct w.transaction_id, w.lane_id from millrace_data.rest w
  join (${gone} union all ${accompanied}) r on ${samePlace('w')}
  where w.is_alone and w.transaction_id <> all(array(${alone}))
    and w.transaction_id <> all(array(select id from ${from(endings)}))
), woken_parked as (
  insert into millrace_data.parked (transaction_id, lane_id) select transaction_id, lane_id from woken
  on conflict do nothing
), alone_unparked as (
  delete from millrace_data.parked where transaction_id = any(array(${alone}))
), rests as (
  insert into millrace_data.rest
    (transaction_id, step, item, lane_id, due_at, since_at, is_alone, is_strict, workflow_id, topic, key, key_hash, not_before)
  select id, step, item, lane, due, since, alone, strict, workflow, topic, key, millrace_data.key_hash(topic, key), not_before
  from ${from(rows.rests)}
  where ${held} and ${original('r.id')}
  on conflict (transaction_id, step, item) do update set is_alone = excluded.is_alone
), looks as (
  insert into millrace_data.look as k (transaction_id, step, item, lane_id)
  select id, step, item, lane from ${from(rows.rests)}
  where ${held} and ${original('r.id')} and topic is not null
  order by id, step, item
  on conflict (transaction_id, step, item) do update set times = k.times + 1
), rests_over as (
  delete from millrace_data.rest w using ${from(rows.restsOver)}
  where ${held} and ${samePlace('w')}
  returning w.transaction_id, w.step, w.item, w.topic
), looks_over as (
  delete from millrace_data.look k using ${from(rows.restsOver)}
  where ${held} and ${samePlace('k')}
), taken as (
  insert into millrace_data.taken (signal_id, transaction_id, step, item, is_only, commit_id)
  select signal, id, step, item, coalesce(millrace_data.takes_first(signal), false), $1::int8 from ${from(rows.taken)}
  where ${held} and ${original('r.id')}
  on conflict (signal_id, transaction_id, step, item) do update set commit_id = excluded.commit_id
), freed as (
  insert into millrace_data.untold (signal_id, lane_id)
  select f.signal_id, f.lane_id
  from (select array_agg(o.transaction_id) as ids, array_agg(o.step) as steps, array_agg(o.item) as items,
               array_agg((select r.signal from ${from(rows.taken)} where ${samePlace('o')})) as took
        from rests_over o where o.topic is not null having count(*) > 0) o
  cross join lateral millrace_data.free_claims(o.ids, o.steps, o.items, o.took) f
  on conflict do nothing
)`
}

/** Those who wait are told once it is durable; until then it is marked, for whoever holds the lane by then. */
export function signals({ from, held }: Terms): string {
  return `, signals as (
  insert into millrace_data.signal
    (id, lane_id, workflow_id, kafka_offset, key, key_hash, at, keep_until, received_at, take_first, event, commit_id)
  select r.id, lane, workflow, position, key, millrace_data.key_hash(t.name, key), at, until, received, first, event, $1::int8
  from ${from(rows.signals)}
  join millrace_data.lane l on l.id = lane
  join millrace_data.topic t on t.id = l.topic_id
  where ${held}
), untold as (
  insert into millrace_data.untold (signal_id, lane_id) select id, lane from ${from(rows.signals)} where ${held}
)`
}

/** A charge goes with the reversal of its posting: it may be made again then. Keys in order, so that two cannot wait for each other. */
export function money({ from, held, original }: Terms): string {
  return `, postings as (
  insert into millrace_data.posting
    (transaction_id, step, attempt, item, n, engine_id, debit, credit, amount, currency, party, charge_key, reverses_step,
     reverses_attempt, reverses_n, at, commit_id)
  select r.id, step, attempt, item, n, l.engine_id, debit, credit, amount, currency, party, charge, reverses_step,
         reverses_attempt, reverses_n, at, $1::int8
  from ${from(rows.postings)}
  join millrace_data.lane l on l.id = lane
  where ${held} and ${original('r.id')}
), charges_gone as (
  delete from millrace_data.charge c using ${from(rows.postings)}
  where ${held} and c.transaction_id = r.id and c.step = r.reverses_step and c.attempt = r.reverses_attempt
    and c.item = r.item and c.n = r.reverses_n
  returning 1
), charges as (
  insert into millrace_data.charge (engine_id, charge_key, transaction_id, step, attempt, item, n, commit_id)
  select l.engine_id, charge, r.id, step, attempt, item, n, $1::int8
  from ${from(rows.postings)}
  join millrace_data.lane l on l.id = lane
  where ${held} and ${original('r.id')} and charge is not null and (select count(*) from charges_gone) is not null
  order by charge
)`
}
