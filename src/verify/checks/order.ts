/**
 * Order by key. What one coordinator did is told by the numbers of its commits; between two coordinators only their clocks
 * can tell, so that much of a difference is allowed.
 */
import type { Check } from '../check.ts'
import { clearlyBefore, sameSession, sentBetween } from '../words.ts'

export const order: Check = {
  name: 'order',
  holds: 'of one lane, workflow and key, a transaction begins only after the one before it has ended or stood in doubt',
  kinds: {
    overlaps:
      'millrace_data.attempt and ending of both transactions: stamps or commit_id were changed; else order was broken',
    overtakes: 'millrace_data.ending of the other transaction: the row is gone; else order was broken',
  },
  sql: `
with began as (
  select transaction_id, min(dispatched_at) as at, min(commit_id) filter (where dispatched_at is not null) as commit,
         min(eligible_at) filter (where dispatched_at is not null) as eligible,
         bool_or(step_state = 4) as doubted
  from millrace_data.attempt group by 1
), keyed as (
  select t.id, t.lane_id, v.workflow_id, t.key collate "C" as key, t.kafka_offset, b.at, b.commit, b.eligible, e.ended_at, e.commit_id as end_commit
  from millrace_data.transaction t
  join millrace_data.version v on v.id = t.version_id
  left join began b on b.transaction_id = t.id
  left join millrace_data.ending e on e.transaction_id = t.id
  where t.key is not null and t.redriven_from is null and b.doubted is not true
), lines as (
  select *, lag(id) over w as other, lag(ended_at) over w as other_ended, lag(end_commit) over w as other_commit,
         lag(kafka_offset) over w as other_offset
  from keyed window w as (partition by lane_id, workflow_id, key order by kafka_offset, id)
)
select case when other_commit is null then 'overtakes' else 'overlaps' end, lane_id, w.name, kafka_offset, x.id::text,
       'nothing of it before ' || other || ' at offset ' || other_offset || ' has ended',
       case when other_commit is null then 'it began, and the other is open'
            else 'it began ' || at || ', in or before commit ' || commit || '; the other ended ' || other_ended
                 || ', in commit ' || other_commit end
from lines x join millrace_data.workflow w on w.id = x.workflow_id
where other is not null and at is not null and case
  when other_commit is null then true
  when commit = other_commit then ${sentBetween('commit', 'other_ended', 'eligible')}
  when ${sameSession('commit', 'other_commit')} then commit < other_commit
  else ${clearlyBefore('at', 'other_ended', '$2')} end`,
  values: ({ skewMs }) => [skewMs],
}
