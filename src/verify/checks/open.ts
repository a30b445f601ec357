/** What is open will be found by whoever opens the lane, and what was kept for it is there; of the ended nothing is kept. */
import type { Check } from '../check.ts'
import { richVersions } from '../shape.ts'

export const open: Check = {
  name: 'open',
  holds:
    'every open transaction is found when its lane is opened, with what was kept for it; of an ended one nothing is kept',
  kinds: {
    unreachable:
      'millrace_data.parked or rest: the row is gone; or low_id in millrace_data.lane_progress: the transaction would never go on',
    parked_wrongly: 'millrace_data.parked: the row is too much, or its lane_id was changed',
    record_missing: 'millrace_data.raw_record: the row is gone: if the transaction fails it leaves no dead letter',
    record_kept: 'millrace_data.raw_record: the row is too much',
    begun_wrongly: 'millrace_data.begun: the row is too much; or rows of millrace_data.attempt are gone',
    begun_missing: 'millrace_data.begun: the row is gone; or step_state in millrace_data.attempt was changed',
  },
  sql: `
with keeps (version) as (
  select * from unnest($2::int4[])
), unended as (
  select t.* from millrace_data.transaction t
  where not exists (select from millrace_data.ending e where e.transaction_id = t.id)
), wrong (kind, lane, version, position, id, expected, found) as (
  select 'unreachable', t.lane_id, t.version_id, t.kafka_offset, t.id, 'an id from low_id ' || p.low_id || ' on, a parked row, or a rest alone',
         'an open transaction below it'
  from unended t join millrace_data.lane_progress p on p.lane_id = t.lane_id
  where t.id < p.low_id and not exists (
    select from millrace_data.parked k where k.transaction_id = t.id and k.lane_id = t.lane_id)
    and not exists (
      select from millrace_data.rest r
      where r.transaction_id = t.id and r.lane_id = t.lane_id and (r.is_alone or r.is_strict))
  union all
  select 'parked_wrongly', t.lane_id, t.version_id, t.kafka_offset, k.transaction_id, 'an open transaction of lane ' || k.lane_id,
         case when t.id is null then 'no transaction' when t.lane_id <> k.lane_id then 'one of lane ' || t.lane_id
              else 'one that has ended' end
  from millrace_data.parked k left join millrace_data.transaction t on t.id = k.transaction_id
  where t.lane_id is distinct from k.lane_id
     or exists (select from millrace_data.ending e where e.transaction_id = t.id)
  union all
  select 'record_missing', t.lane_id, t.version_id, t.kafka_offset, t.id, 'its record, kept for a dead letter', 'none'
  from unended t
  where t.version_id = any(array(select version from keeps)) and t.parent_id is null
    and not exists (select from millrace_data.round q where q.transaction_id = t.id)
    and not exists (select from millrace_data.raw_record r where r.transaction_id = t.id)
  union all
  select 'record_kept', t.lane_id, t.version_id, t.kafka_offset, r.transaction_id, 'an open transaction',
         case when t.id is null then 'none' else 'one that has ended' end
  from millrace_data.raw_record r left join millrace_data.transaction t on t.id = r.transaction_id
  where t.id is null or exists (select from millrace_data.ending e where e.transaction_id = t.id)
  union all
  select 'begun_wrongly', t.lane_id, t.version_id, t.kafka_offset, b.transaction_id,
         'attempt ' || b.attempt || ' of step number ' || b.step || ', or an open transaction that awaits it',
         case when t.id is null then 'no transaction' else 'neither' end
  from millrace_data.begun b left join millrace_data.transaction t on t.id = b.transaction_id
  where not exists (
    select from millrace_data.attempt a
    where a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt and a.item = b.item)
    and (t.id is null or exists (select from millrace_data.ending e where e.transaction_id = t.id) or exists (
      select from millrace_data.attempt a where a.transaction_id = b.transaction_id
      and ((a.step > b.step and t.version_id <> all($3::int4[]))
        or (a.step = b.step and a.item = b.item and (a.attempt > b.attempt
          or (a.step_state is not null and not exists (
            select from millrace_data.round q where q.transaction_id = a.transaction_id and q.from_step <= a.step)))))))
  union all
  select 'begun_missing', t.lane_id, t.version_id, t.kafka_offset, a.transaction_id,
         'a row that says it may have run', 'attempt ' || a.attempt || ' of step number ' || a.step || ' left it in doubt'
  from millrace_data.attempt a join millrace_data.transaction t on t.id = a.transaction_id
  where a.step_state = 4 and not exists (
    select from millrace_data.begun b
    where b.transaction_id = a.transaction_id and b.step = a.step and b.attempt = a.attempt and b.item = a.item)
)
select kind, lane, w.name, position, x.id::text, expected, found
from wrong x
left join millrace_data.version v on v.id = x.version
left join millrace_data.workflow w on w.id = v.workflow_id`,
  values: (world) => [
    world.versions.filter(({ plan }) => plan?.deadLetter.failed).map((version) => version.id),
    richVersions(world),
  ],
}
