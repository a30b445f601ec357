/** Steps that sleep or wait: rows that wake their transaction, and without which it would never go on. */
import type { Check } from '../check.ts'
import { depthOf, nameOf, richStand, richValues } from '../rich.ts'

export const rests: Check = {
  name: 'rests',
  holds:
    'a rest is of a sleeping or waiting step of an open transaction that has not ended, as its workflow says; those of one transaction agree on whether it rests alone',
  kinds: {
    rest_of_none: 'millrace_data.rest: the row is too much, or transaction_id, lane_id or step was changed',
    rest_over: 'millrace_data.rest: the row is too much: the step has ended',
    rest_differs: 'millrace_data.rest: topic, key, key_hash, workflow_id, not_before or is_strict was changed',
    due_differs: 'millrace_data.rest: due_at or since_at was changed',
    alone_differs: 'millrace_data.rest: is_alone was changed',
    look_of_none: 'millrace_data.look: the row is too much; or the one of millrace_data.rest is gone',
  },
  sql: `
with ${richStand}, placed as (
  select w.*, t.id as known, t.kafka_offset, t.version_id, t.envelope, t.lane_id as own_lane, e.transaction_id as ended, v.workflow_id as own_workflow,
         s.kind, s.topic as s_topic, s.keep_ms, s.ordering, s.depth, b.state, b.step as b_step
  from millrace_data.rest w
  left join millrace_data.transaction t on t.id = w.transaction_id
  left join millrace_data.version v on v.id = t.version_id
  left join millrace_data.ending e on e.transaction_id = t.id
  left join shape s on s.version = t.version_id and s.step = w.step
  left join stand b on b.id = w.transaction_id and b.step = w.step and b.item = w.item
  where t.version_id is null or exists (select from shape x where x.version = t.version_id)
), judged as (
  select *, case
    when known is null or ended is not null or own_lane <> lane_id or kind is null or kind not in ('sleep', 'wait')
      or ${depthOf('item')} <> depth then 'rest_of_none'
    when b_step is not null then 'rest_over'
    when (kind = 'wait') <> (topic is not null) or topic <> s_topic or workflow_id <> own_workflow then 'rest_differs'
    when key_hash <> millrace_data.key_hash(topic, key) then 'rest_differs'
    when is_strict <> (ordering = 'strict') then 'rest_differs'
    when not_before is distinct from case when topic is not null
      then date_trunc('milliseconds', (envelope::json ->> 'time')::timestamptz) - keep_ms * interval '1 ms' end then 'rest_differs'
    when due_at is null and kind = 'sleep' then 'due_differs'
    when due_at < since_at and kind = 'wait' then 'due_differs'
  end as wrong
  from placed
), alone as (
  select transaction_id, count(distinct is_alone) as said, bool_or(is_alone) as is_alone from millrace_data.rest group by 1
), wrong (wrong, lane_id, version_id, position, id, step, item, expected, found) as (
  select wrong, coalesce(own_lane, lane_id), version_id, kafka_offset, transaction_id, step, item,
         case wrong when 'rest_of_none' then 'an open transaction of lane ' || lane_id || ', and a step of it that rests'
           when 'rest_over' then 'no row: the step has ended' when 'due_differs' then 'a time at which it wakes, not before it began'
           else 'what its workflow says: ' || coalesce('events of ' || s_topic || ', none older than its own event by more than ' || keep_ms || ' ms', 'a sleep')
             || case ordering when 'strict' then ', strict' else '' end end,
         coalesce('a wait for ' || topic || ' with key ' || key || ', not before ' || not_before, 'a sleep')
           || coalesce(' until ' || due_at, '') || case when is_strict then ', strict' else '' end
           || case when known is null then ' of no transaction' when ended is not null then ' of one that has ended' else '' end
  from judged where wrong is not null
  union all
  select 'alone_differs', t.lane_id, t.version_id, t.kafka_offset, a.transaction_id, null, '', 'all of its rests alone, or none',
         'some that are and some that are not'
  from alone a join millrace_data.transaction t on t.id = a.transaction_id where a.said > 1
  union all
  select 'alone_differs', b.lane_id, b.version_id, b.kafka_offset, b.id, b.step, b.item, 'nothing of it under way: it rests alone',
         'an attempt, of which another is due'
  from stand b join alone a on a.transaction_id = b.id where a.said = 1 and a.is_alone and b.state is null
  union all
  select 'look_of_none', k.lane_id, t.version_id, t.kafka_offset, k.transaction_id, k.step, k.item, 'a wait', 'none'
  from millrace_data.look k left join millrace_data.transaction t on t.id = k.transaction_id
  where not exists (
    select from millrace_data.rest w where w.transaction_id = k.transaction_id and w.step = k.step and w.item = k.item
      and w.topic is not null and w.lane_id = k.lane_id)
)
select x.wrong, x.lane_id, w.name, x.position, x.id::text, coalesce('step ' || ${nameOf('s', 'x.item')} || ': ', '') || x.expected, x.found
from wrong x
left join millrace_data.version v on v.id = x.version_id
left join millrace_data.workflow w on w.id = v.workflow_id
left join shape s on s.version = x.version_id and s.step = x.step`,
  values: richValues,
}
