/**
 * The first promise, as far as the ledger alone can tell: from where a workflow starts in a lane up to the lane's next
 * offset, each offset is recorded exactly once; below the lane's horizon, at most once. What is recorded of no workflow counts for each of them.
 */

import { startTopics } from '../../workflow/uses.ts'
import type { Check } from '../check.ts'
import type { World } from '../world.ts'

/** Letters that a redrive wrote beside its transactions stand for no record of their own. */
const ofRedrive = `exists (
  select from millrace_data.command c
  join millrace_data.dead_letter f on f.id = c.target and f.lane_id = d.lane_id and f.kafka_offset = d.kafka_offset
  where c.kind = 'redrive' and c.state = 2 and c.commit_id = d.commit_id and f.id <> d.id)`

/** The record has started a transaction of the workflow, and could not be kept for those of it that wait. */
const ofKeptAlone = `(
  (d.workflow_id, (select k.name from millrace_data.lane l join millrace_data.topic k on k.id = l.topic_id where l.id = d.lane_id))
    in (select workflow, topic from starting where waits_too)
  and exists (
    select from millrace_data.transaction t join millrace_data.version v on v.id = t.version_id
    where t.lane_id = d.lane_id and t.kafka_offset = d.kafka_offset and v.workflow_id = d.workflow_id))`

const reason = `case reason when 1 then 'passed as other_type' when 2 then 'passed as before_start'
  when 3 then 'passed as absent' when 4 then 'passed as no_workflow' when 5 then 'passed as compacted'
  when 6 then 'passed as aborted' when 7 then 'passed as control' when 8 then 'passed as retention'
  when 9 then 'passed as no_key' end`

export const positions: Check = {
  name: 'positions',
  holds:
    'for each workflow of a lane, every offset from its start to next_offset is recorded exactly once: as a transaction, a duplicate, a kept event, a dead letter or a passed offset',
  kinds: {
    no_progress: 'millrace_data.lane_progress: the row of the lane is gone',
    not_subscribed: 'millrace_data.subscription: the row of the lane and workflow is gone, or this row is too much',
    beyond_next: 'millrace_data.lane_progress: next_offset went back, or this row is too much',
    before_start: 'millrace_data.subscription: from_offset was changed, or this row is too much',
    passed_wrongly: 'millrace_data.passed: the workflow starts before this offset; what became of the record?',
    doubled: 'one of the two rows is too much',
    missing: 'a row is gone, or a record was never recorded: look for it in Kafka at this offset',
  },
  sql: `
with starting (workflow, topic, waits_first, waits_too) as materialized (
  select * from unnest($2::int4[], $3::text[], $4::bool[], $5::bool[])
), takes as (
  select l.id as lane, s.workflow_id as workflow, s.from_offset as start, p.next_offset as next,
         coalesce(h.pruned_to, 0) as pruned
  from millrace_data.lane l
  join millrace_data.lane_progress p on p.lane_id = l.id
  join millrace_data.subscription s on s.lane_id = l.id
  left join millrace_data.lane_horizon h on h.lane_id = l.id
  where l.id = any($1)
  union all
  select l.id, 0, (select min(from_offset) from millrace_data.passed a where a.lane_id = l.id), p.next_offset,
         coalesce(h.pruned_to, 0)
  from millrace_data.lane l
  join millrace_data.lane_progress p on p.lane_id = l.id
  left join millrace_data.lane_horizon h on h.lane_id = l.id
  where l.id = any($1) and not exists (select from millrace_data.subscription s where s.lane_id = l.id)
), own (lane, workflow, first, last, what, id) as (
  select t.lane_id, v.workflow_id, t.kafka_offset, t.kafka_offset, 'transaction', t.id
  from millrace_data.transaction t
  join millrace_data.version v on v.id = t.version_id
  where t.redriven_from is null and t.parent_id is null
  union all
  select s.lane_id, s.workflow_id, s.kafka_offset, s.kafka_offset, 'kept event', s.id
  from millrace_data.signal s
  join millrace_data.lane l on l.id = s.lane_id
  join millrace_data.topic k on k.id = l.topic_id
  where (s.workflow_id, k.name) not in (select workflow, topic from starting)
     or ((s.workflow_id, k.name) in (select workflow, topic from starting where waits_first) and not exists (
       select from millrace_data.transaction t join millrace_data.version v on v.id = t.version_id
       where t.lane_id = s.lane_id and t.kafka_offset = s.kafka_offset and v.workflow_id = s.workflow_id)
       and not exists (select from millrace_data.duplicate d
         where d.lane_id = s.lane_id and d.kafka_offset = s.kafka_offset and d.workflow_id = s.workflow_id)
       and not exists (select from millrace_data.passed p
         where p.lane_id = s.lane_id and s.kafka_offset between p.from_offset and p.to_offset and p.workflow_id = s.workflow_id)
       and not exists (select from millrace_data.dead_letter d
         where d.lane_id = s.lane_id and d.kafka_offset = s.kafka_offset and d.workflow_id = s.workflow_id))
  union all
  select lane_id, workflow_id, kafka_offset, kafka_offset, 'duplicate', null from millrace_data.duplicate
  union all
  select lane_id, workflow_id, kafka_offset, kafka_offset, 'dead letter', id from millrace_data.dead_letter d
  where transaction_id is null and workflow_id is not null and not ${ofRedrive} and not ${ofKeptAlone}
  union all
  select lane_id, workflow_id, from_offset, to_offset, ${reason}, null from millrace_data.passed
  where workflow_id is not null
), everybodys (lane, first, last, what, id) as (
  select lane_id, kafka_offset, kafka_offset, 'dead letter of all workflows', id from millrace_data.dead_letter
  where transaction_id is null and workflow_id is null
  union all
  select lane_id, from_offset, to_offset, ${reason}, null from millrace_data.passed
  where workflow_id is null
), placed as (
  select s.lane, s.workflow, s.start, s.next, s.pruned, p.first, p.last, p.what, p.id
  from takes s join own p on p.lane = s.lane and p.workflow = s.workflow
  where p.last >= s.start
  union all
  select s.lane, s.workflow, s.start, s.next, s.pruned, greatest(p.first, s.start), p.last, p.what, p.id
  from takes s join everybodys p on p.lane = s.lane
  where p.last >= s.start
), ordered as (
  select *, greatest(max(last) over before, pruned - 1, start - 1) as whole, max(last) over before as until, lag(what) over before as other, lag(id) over before as other_id
  from placed
  window before as (partition by lane, workflow order by first, last, id
                    rows between unbounded preceding and 1 preceding)
), covered as (
  select s.lane, s.workflow, s.start, s.next, greatest(max(p.last), s.pruned - 1, s.start - 1) as whole
  from takes s left join placed p on p.lane = s.lane and p.workflow = s.workflow
  group by s.lane, s.workflow, s.start, s.next, s.pruned
), wrong (kind, lane, workflow, position, id, expected, found) as (
  select 'no_progress', l.id, 0, null::int8, null::uuid, 'a next offset', 'none'
  from millrace_data.lane l
  where not exists (select from millrace_data.lane_progress p where p.lane_id = l.id)
  union all
  select 'not_subscribed', lane, workflow, first, id, 'nothing: the workflow does not take records of this lane', what
  from own p
  where not exists (select from millrace_data.subscription s where s.lane_id = p.lane and s.workflow_id = p.workflow)
  union all
  select 'beyond_next', lane, workflow, first, id, 'nothing at or beyond next_offset ' || next, what
  from placed where last >= next
  union all
  select 'before_start', p.lane, p.workflow, first, id, 'nothing before from_offset ' || start, what
  from own p join takes s on s.lane = p.lane and s.workflow = p.workflow
  where first < start and what <> 'passed as before_start'
  union all
  select 'passed_wrongly', lane, workflow, first, id, 'what became of the record: the workflow starts at ' || start, what
  from placed where what = 'passed as before_start'
  union all
  select 'doubled', lane, workflow, first, coalesce(id, other_id), 'one row for the offset', what || ' and ' || other
  from ordered where first <= until
  union all
  select 'missing', lane, workflow, whole + 1, null, 'one row for each offset',
         'nothing for offsets ' || whole + 1 || ' to ' || first - 1
  from ordered where first > whole + 1
  union all
  select 'missing', lane, workflow, whole + 1, null, 'one row for each offset below next_offset ' || next,
         'nothing for offsets ' || whole + 1 || ' to ' || next - 1
  from covered where whole + 1 < next
)
select kind, lane, w.name, position, x.id::text, expected, found
from wrong x left join millrace_data.workflow w on w.id = x.workflow`,
  values: starting,
}

/**
 * Workflows and the topics that start them: a record of such a topic is counted as what it started, whoever waits for it. With a
 * version that only waited for it, a record counts as either.
 */
function starting({ versions }: World): unknown[] {
  const topics = new Map<string, { workflow: number; topic: string; waitsFirst: boolean; waitsToo: boolean }>()
  const plans = versions.flatMap(({ workflowId, plan }) => (plan === null ? [] : [{ workflowId, plan }]))
  const starts = plans.flatMap(({ workflowId, plan }) => startTopics(plan).map((topic) => ({ workflowId, topic })))
  for (const { workflowId: workflow, topic } of starts) {
    const waiting = plans.filter(
      (other) => other.workflowId === workflow && other.plan.signals.some((each) => each.topic === topic),
    )
    const waitsFirst = waiting.some((other) => !startTopics(other.plan).includes(topic))
    topics.set(`${workflow} ${topic}`, { workflow, topic, waitsFirst, waitsToo: waiting.length > 0 })
  }
  const all = [...topics.values()]
  return [
    all.map((each) => each.workflow),
    all.map((each) => each.topic),
    all.map((each) => each.waitsFirst),
    all.map((each) => each.waitsToo),
  ]
}
