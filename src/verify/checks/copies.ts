/**
 * Duplicates by content: a duplicate points to the first of its workflow, and of two CloudEvents with one id and source
 * within the window only one was admitted. What `deduplicate.by` says is looked at with the records (`content`).
 */
import type { Check } from '../check.ts'
import { prunedTransaction } from '../words.ts'

const recordAt = 'coalesce(t.produced_at, t.fetched_at)'

/** As `transaction/ids.ts` writes it. */
const claimText = `'copy:[' || to_json(t.engine) || ',' || to_json(t.workflow) || ',' ||
  to_json('[' || to_json(t.source) || ',' || to_json(t.event_id) || ']') || ']'`

export const copies: Check = {
  name: 'copies',
  holds:
    'a duplicate points to an earlier transaction of its workflow, and no two transactions of one workflow are copies within its window',
  kinds: {
    first_missing:
      'millrace_data.duplicate: first_id was changed, or the row is too much; or the row of millrace_data.transaction is gone',
    first_differs: 'millrace_data.duplicate: first_id, event_id or workflow_id was changed, or the row is too much',
    copy_admitted: 'a copy was admitted: look at millrace_data.dedup for both transactions',
    claim_of_none: 'millrace_data.dedup: transaction_id was changed, or the row is too much',
    claim_missing: 'millrace_data.dedup: the row is gone or changed: a copy of this event would be admitted',
  },
  sql: `
with window_of (version, within) as (
  select * from unnest($2::int4[], $3::int8[])
), events as materialized (
  select t.id, t.lane_id, v.workflow_id, t.kafka_offset, t.event_id, ${recordAt} as at, o.within * interval '1 ms' as within,
         t.envelope::json ->> 'source' as source, n.id as engine_id, n.name as engine, w.name as workflow
  from millrace_data.transaction t
  join window_of o on o.version = t.version_id
  join millrace_data.version v on v.id = t.version_id
  join millrace_data.workflow w on w.id = v.workflow_id
  join millrace_data.lane l on l.id = t.lane_id
  join millrace_data.engine n on n.id = l.engine_id
  where t.redriven_from is null and position('"source":null' in left(t.envelope, 4096)) = 0
), told as (
  select t.*, uuid_of.key
  from events t
  cross join lateral (select encode(sha256(convert_to(${claimText}, 'UTF8')), 'hex') as hex) h
  cross join lateral (
    select (substr(hex, 1, 12) || '8' || substr(hex, 14, 3) || to_hex(8 | (('x' || substr(hex, 17, 1))::bit(4)::int & 3))
            || substr(hex, 18, 15))::uuid as key) uuid_of
  where t.source is not null
), neighbours as (
  select *, lag(id) over w as other, lag(at) over w as other_at
  from told window w as (partition by engine_id, workflow_id, source, event_id order by at, id)
)
select 'copy_admitted', lane_id, workflow, kafka_offset, id::text, 'a duplicate of transaction ' || other,
       'a transaction of its own for event ' || event_id || ' of ' || source
from neighbours where at - other_at <= within
union all
select 'claim_missing', t.lane_id, t.workflow, t.kafka_offset, t.id::text, 'a claim on event ' || event_id || ' of ' || source,
       case when d.key is null then 'none' else 'that of transaction ' || d.transaction_id end
from told t left join millrace_data.dedup d on d.key = t.key
where t.at + t.within > now() + interval '1 minute'
  and (d.key is null or (d.transaction_id <> t.id and abs(extract(epoch from d.record_at - t.at)) <= extract(epoch from t.within)))
union all
select case when t.id is null then 'first_missing' else 'first_differs' end, d.lane_id, w.name, d.kafka_offset, d.first_id::text,
       'a transaction of workflow ' || w.name || ' for the same event ' || d.event_id,
       case when t.id is null then 'none'
            when v.workflow_id <> d.workflow_id then 'one of another workflow'
            when t.lane_id = d.lane_id and t.kafka_offset = d.kafka_offset then 'one of the same record'
            else 'one for event ' || t.event_id end
from millrace_data.duplicate d
join millrace_data.workflow w on w.id = d.workflow_id
left join millrace_data.transaction t on t.id = d.first_id
left join millrace_data.version v on v.id = t.version_id
where (t.id is null and not ${prunedTransaction('d.first_id')}) or v.workflow_id <> d.workflow_id or (t.lane_id = d.lane_id and t.kafka_offset = d.kafka_offset)
   or (t.event_id <> d.event_id and exists (select from window_of o where o.version = t.version_id))
union all
select 'claim_of_none', null, null, null, d.transaction_id::text, 'a transaction', 'none; the claim ' || d.key || ' names it'
from millrace_data.dedup d
where not exists (select from millrace_data.transaction t where t.id = d.transaction_id)
  and not ${prunedTransaction('d.transaction_id')}`,
  values: ({ versions }) => {
    const events = versions.flatMap(({ id, plan }) =>
      plan && plan.deduplicate.by === null && plan.deduplicate.withinMs > 0
        ? [{ id, withinMs: plan.deduplicate.withinMs }]
        : [],
    )
    return [events.map((each) => each.id), events.map((each) => each.withinMs)]
  },
}
