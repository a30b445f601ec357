/**
 * Order by key. What sleeps or waits gives its turn away, unless its workflow is strict, and waits for another one when it wakes. What one coordinator did is told by the numbers of its commits; between two coordinators only their clocks
 * can tell, so that much of a difference is allowed.
 */
import type { Check } from '../check.ts'
import { clearlyBefore, sameSession, sentBetween } from '../words.ts'

export const order: Check = {
  name: 'order',
  holds:
    'of one lane, workflow and key, a transaction begins only after the one before it has ended, slept, waited or stood in doubt',
  kinds: {
    overlaps:
      'millrace_data.attempt and ending of both transactions: stamps or commit_id were changed; else order was broken',
    overtakes: 'millrace_data.ending of the other transaction: the row is gone; else order was broken',
  },
  sql: `
with yielding (version) as (
  select * from unnest($3::int4[])
), rested as materialized (
  select a.transaction_id, min(a.eligible_at) as at
  from unnest($4::int4[], $5::int4[]) as s (version, step)
  join millrace_data.transaction t on t.version_id = s.version and t.key is not null
  join millrace_data.attempt a on a.transaction_id = t.id and a.step = s.step and a.eligible_at is not null
  group by 1
), resting as materialized (
  select transaction_id, min(since_at) as at from millrace_data.rest group by 1
), began as (
  select transaction_id, min(dispatched_at) as at, min(commit_id) filter (where dispatched_at is not null) as commit,
         min(eligible_at) filter (where dispatched_at is not null) as eligible,
         bool_or(step_state = 4) as doubted
  from millrace_data.attempt group by 1
), keyed as (
  select t.id, t.lane_id, v.workflow_id, t.key collate "C" as key, t.kafka_offset, b.at, b.commit, b.eligible,
         e.ended_at, e.commit_id as end_commit, least(r.at, g.at) as gave_at
  from millrace_data.transaction t
  join millrace_data.version v on v.id = t.version_id
  left join began b on b.transaction_id = t.id
  left join millrace_data.ending e on e.transaction_id = t.id
  left join rested r on r.transaction_id = t.id and t.version_id in (select version from yielding)
  left join resting g on g.transaction_id = t.id and t.version_id in (select version from yielding)
  where t.key is not null and t.redriven_from is null and b.doubted is not true
    and not (b.at is null and coalesce(e.error_code in ('cancelled', 'queue_timeout'), false))
    and not exists (select from millrace_data.round q where q.transaction_id = t.id)
), lines as (
  select *, lag(id) over w as other, lag(ended_at) over w as other_ended, lag(end_commit) over w as other_commit,
         lag(kafka_offset) over w as other_offset, lag(gave_at) over w as other_gave
  from keyed window w as (partition by lane_id, workflow_id, key order by kafka_offset, id)
), taken_back as (
  -- It woke, and went on while another one had its turn.
  select x.id, min(a.dispatched_at) as at
  from lines x join millrace_data.attempt a on a.transaction_id = x.other
  where x.other_gave is not null and x.gave_at is null and x.at is not null and a.dispatched_at > x.other_gave
    and ${clearlyBefore('x.at', 'a.dispatched_at', '$2')} and ${clearlyBefore('a.dispatched_at', 'x.ended_at', '$2')}
  group by 1
)
select case when other_commit is null and other_gave is null then 'overtakes' else 'overlaps' end, lane_id, w.name, kafka_offset, x.id::text,
       'nothing of it before ' || other || ' at offset ' || other_offset || ' has ended' || case when other_gave is null then '' else ', or rests' end,
       case when other_gave is not null then 'it began ' || at || '; the other gave its turn away ' || other_gave
            when other_commit is null then 'it began, and the other is open'
            else 'it began ' || at || ', in or before commit ' || commit || '; the other ended ' || other_ended
                 || ', in commit ' || other_commit end
from lines x join millrace_data.workflow w on w.id = x.workflow_id
where other is not null and at is not null and case
  when other_gave is not null then ${clearlyBefore('at', 'other_gave', '$2')}
  when other_commit is null then true
  when commit = other_commit then ${sentBetween('commit', 'other_ended', 'eligible')}
  when ${sameSession('commit', 'other_commit')} then commit < other_commit
  else ${clearlyBefore('at', 'other_ended', '$2')} end
union all
select 'overlaps', x.lane_id, w.name, x.kafka_offset, x.id::text, 'its turn to itself, from ' || x.at || ' to ' || x.ended_at,
       'transaction ' || x.other || ' went on at ' || b.at || ', having given its turn away'
from taken_back b join lines x on x.id = b.id join millrace_data.workflow w on w.id = x.workflow_id`,
  values: (world) => {
    const yielding = world.versions.filter(({ plan }) => plan?.order !== 'strict')
    const resting = yielding.flatMap(({ id, plan }) =>
      (plan?.steps ?? []).flatMap(({ kind, no }) => (kind === 'sleep' || kind === 'wait' ? [{ id, no }] : [])),
    )
    return [world.skewMs, yielding.map(({ id }) => id), resting.map(({ id }) => id), resting.map(({ no }) => no)]
  },
}
