/** Events that are kept for those who wait, and who took which of them. */
import type { Check } from '../check.ts'
import { nameOf } from '../rich.ts'
import { shape, shapeOf } from '../shape.ts'
import { prunedTransaction } from '../words.ts'
import type { World } from '../world.ts'

export const signals: Check = {
  name: 'signals',
  holds:
    'a kept event is as its workflow says; a waiting step that was given one has taken it, none older than it may, and of those for the first alone nobody else has it; who waits is still to be told only of events that are there',
  kinds: {
    signal_differs:
      'millrace_data.signal: key, key_hash, at, keep_until, take_first, workflow_id or lane_id was changed',
    signal_twice: 'millrace_data.signal: one of the two is too much',
    taken_of_none: 'millrace_data.taken: the row is too much; or that of millrace_data.signal or of the wait is gone',
    taken_differs:
      'millrace_data.taken: signal_id, is_only or commit_id was changed; or output in millrace_data.attempt was',
    taken_too_old: 'millrace_data.signal: at was changed; or signal_id in millrace_data.taken was',
    taken_by_two: 'millrace_data.taken: one of the rows is too much: only the first who takes it gets it',
    taken_missing: 'millrace_data.taken: the row is gone; or output in millrace_data.attempt was changed',
    untold_wrongly: 'millrace_data.untold: the row is too much, or its lane_id was changed',
  },
  sql: `
with ${shapeOf('$2')}, kept (workflow, topic, keep_ms, take_first) as (
  select * from unnest($3::int4[], $4::text[], $5::int8[], $6::bool[])
), events as (
  select s.*, k.name as topic from millrace_data.signal s
  join millrace_data.lane l on l.id = s.lane_id join millrace_data.topic k on k.id = l.topic_id
), waits as materialized (
  select t.id, t.lane_id, t.version_id, t.kafka_offset, v.workflow_id, a.step, a.item, a.commit_id, a.output, s.topic,
         date_trunc('milliseconds', (t.envelope::json ->> 'time')::timestamptz) - s.keep_ms * interval '1 ms' as not_before,
         t.admitted_at - s.keep_ms * interval '1 ms' - interval '1 day' as surely_kept
  from shape s
  join millrace_data.transaction t on t.version_id = s.version
  join millrace_data.version v on v.id = t.version_id
  join millrace_data.attempt a on a.transaction_id = t.id and a.step = s.step
  where s.kind = 'wait' and a.outcome = 1 and a.resolved_by is null
), had as (
  select k.*, s.id as known, s.workflow_id, s.take_first, s.at, s.event, s.topic, s.lane_id as s_lane, s.kafka_offset as s_offset,
         w.id as w_id, w.workflow_id as w_workflow, w.topic as w_topic, w.commit_id as w_commit, w.output, w.not_before
  from millrace_data.taken k
  left join events s on s.id = k.signal_id
  left join waits w on w.id = k.transaction_id and w.step = k.step and w.item = k.item and (w.commit_id = k.commit_id or k.commit_id is null)
), wrong (wrong, lane_id, workflow_id, position, id, version_id, step, item, expected, found) as (
  select 'signal_differs', s.lane_id, s.workflow_id, s.kafka_offset, s.id, null::int, null::int, '', 'as its workflow says of ' || s.topic,
         'key ' || s.key || ', of ' || s.at || ', kept until ' || s.keep_until || case when s.take_first then ', for the first' else ', for all' end
  from events s
  where s.key_hash <> millrace_data.key_hash(s.topic, s.key) or (
    exists (select from kept y where y.workflow = s.workflow_id and y.topic = s.topic) and not exists (
    select from kept y where y.workflow = s.workflow_id and y.topic = s.topic and y.take_first = s.take_first
      and s.keep_until = s.at + y.keep_ms * interval '1 ms'))
     or ($7::bool and not exists (select from kept y where y.workflow = s.workflow_id and y.topic = s.topic))
  union all
  select 'signal_twice', lane_id, workflow_id, kafka_offset, max(id::text)::uuid, null, null, '', 'one of this record', count(*) || ' of them'
  from millrace_data.signal group by lane_id, workflow_id, kafka_offset having count(*) > 1
  union all
  select case when h.known is null or h.w_id is null then 'taken_of_none'
              when h.at < h.not_before then 'taken_too_old' else 'taken_differs' end,
         coalesce(h.s_lane, t.lane_id), h.workflow_id, h.s_offset, h.transaction_id, t.version_id, h.step, h.item,
         case when h.at < h.not_before then 'no event of before ' || h.not_before
              else 'an event of its topic, a wait that was given it in commit ' || coalesce(h.commit_id::text, 'to come') end,
         'event ' || h.signal_id || case when h.known is null then ', which is not there' when h.w_id is null then ', and no such wait'
           else ' of ' || h.topic || ', of ' || h.at end
  from had h left join millrace_data.transaction t on t.id = h.transaction_id
  where case
    when h.known is null then not ${prunedTransaction('h.signal_id')}
    when h.commit_id is null then not exists (
      select from millrace_data.rest r where r.transaction_id = h.transaction_id and r.step = h.step and r.item = h.item and r.key_hash is not null)
    when h.w_id is null then not ${prunedTransaction('h.transaction_id')}
    else h.at < h.not_before or h.workflow_id <> h.w_workflow or h.topic <> h.w_topic or h.is_only <> h.take_first
      or h.output is distinct from h.event end
  union all
  select 'taken_by_two', min(s_lane), min(workflow_id), min(s_offset), signal_id, null, null, '', 'one who took it: it is for the first',
         count(*) || ' of them'
  from had where take_first group by signal_id having count(*) > 1
  union all
  select 'taken_missing', w.lane_id, w.workflow_id, w.kafka_offset, w.id, w.version_id, w.step, w.item, 'the event that it took', 'none'
  from waits w
  where w.output is not null and millrace.first_id(w.surely_kept) >= (select below_id from millrace_data.horizon) and not exists (
    select from millrace_data.taken k
    where k.transaction_id = w.id and k.step = w.step and k.item = w.item and k.commit_id = w.commit_id)
  union all
  select 'untold_wrongly', coalesce(s.lane_id, u.lane_id), s.workflow_id, s.kafka_offset, u.signal_id, null, null, '',
         'an event of lane ' || u.lane_id, case when s.id is null then 'no such event' else 'one of lane ' || s.lane_id end
  from millrace_data.untold u left join millrace_data.signal s on s.id = u.signal_id
  where s.lane_id <> u.lane_id or (s.id is null and not ${prunedTransaction('u.signal_id')})
)
select x.wrong, x.lane_id, w.name, x.position, x.id::text, coalesce('step ' || ${nameOf('s', 'x.item')} || ': ', '') || x.expected, x.found
from wrong x
left join millrace_data.workflow w on w.id = x.workflow_id
left join shape s on s.version = x.version_id and s.step = x.step`,
  values: (world) => [shape(world), ...kept(world)],
}

/** Four columns: workflow, topic, how long, for whom; and whether every version could be read. */
function kept({ versions }: World): unknown[] {
  const all = versions.flatMap(({ workflowId, plan }) =>
    (plan?.signals ?? []).map(({ topic, keepMs, take }) => ({ workflowId, topic, keepMs, isFirst: take === 'first' })),
  )
  return [
    all.map((each) => each.workflowId),
    all.map((each) => each.topic),
    all.map((each) => each.keepMs),
    all.map((each) => each.isFirst),
    versions.every(({ plan }) => plan !== null),
  ]
}
