/**
 * What `endings` is for chains, for all else: a transaction's end, the reason for which it turned back, and the steps of its
 * workflow's own list say the same.
 */
import type { Check } from '../check.ts'
import { nameOf, richStand, richValues } from '../rich.ts'
import { outcomeText, sameSession, sentBetween } from '../words.ts'
import type { World } from '../world.ts'

const endText = `case ended when 1 then 'completed' when 2 then 'failed' when 3 then 'compensated' when 4 then 'cancelled' else 'open' end`

export const outcomes: Check = {
  name: 'outcomes',
  holds:
    'with blocks, rests, calls and compensations an ended transaction has nothing left open; a completed one has all of its own list; another one the reason for which it turned back, or the step that failed it',
  kinds: {
    completed_early:
      'millrace_data.ending: state was changed, or the row is too much; or rows of millrace_data.attempt are gone',
    ended_in_doubt: 'millrace_data.ending: the row is too much: nobody has settled the step',
    ended_unsettled: 'millrace_data.ending: the row is too much; or the last row of millrace_data.attempt is gone',
    completed_though_turned: 'millrace_data.turn: the row is too much; or state in millrace_data.ending was changed',
    failed_without_step:
      'millrace_data.ending: state was changed; or step_state in millrace_data.attempt was; or the row of millrace_data.turn is gone',
    failure_ignored:
      'millrace_data.attempt: step_state was changed; or the row of millrace_data.ending or millrace_data.turn is gone',
    error_differs:
      'millrace_data.ending: error_code or state was changed; or code or is_cancel in millrace_data.turn was',
    turn_missing: 'millrace_data.turn: the row is gone; or state in millrace_data.ending was changed',
    open_though_done: 'millrace_data.ending: the row is gone',
    after_end: 'millrace_data.ending or attempt: commit_id was changed; else something was done after the end',
    before_admission:
      'millrace_data.transaction or attempt: commit_id was changed; else something was done before admission',
  },
  sql: `
with ${richStand}, own as (
  select version, count(*) as steps from shape where block = -1 and kind <> 'undo' group by 1
), sums as (
  select r.id, max(r.commit_id) as last_commit, min(r.commit_id) as first_commit,
         min(r.commit_id) filter (where r.ran) as first_run, min(r.eligible_at) filter (where r.ran) as first_eligible,
         bool_or(r.resolved and r.commit_id = l.commit_id) as resolved_last
  from rows r join (select id, max(commit_id) as commit_id from rows group by 1) l on l.id = r.id
  group by 1
), stands as (
  select id, count(*) filter (where good and block = -1 and kind <> 'undo') as well,
         min(step) filter (where failed and block = -1 and kind <> 'undo') as failed_step,
         min(step) filter (where state = 4) as doubted_step, min(step) filter (where state is null) as unsettled_step,
         count(*) filter (where kind = 'undo' and state = 1) as undone
  from stand group by 1
), whole as (
  select r.*, t.commit_id, t.admitted_at, e.state as ended, e.error_code, e.commit_id as end_commit,
         o.steps, coalesce(s.well, 0) as well, s.failed_step, s.doubted_step, s.unsettled_step, coalesce(s.undone, 0) as undone,
         m.last_commit, m.first_commit, m.first_run, m.first_eligible, coalesce(m.resolved_last, false) as resolved_last,
         f.code as turn_code, f.is_cancel, coalesce(q.last, 1) as round, q.opened_commit,
         coalesce(r.version_id = any($4::int4[]) and e.error_message like 'publish to %', false) as unsaid
  from rich r
  join millrace_data.transaction t on t.id = r.id
  join own o on o.version = r.version_id
  left join sums m on m.id = r.id
  left join stands s on s.id = r.id
  left join millrace_data.ending e on e.transaction_id = r.id
  left join (select transaction_id, max(round) as last, max(commit_id) as opened_commit from millrace_data.round group by 1) q
    on q.transaction_id = r.id
  left join millrace_data.turn f on f.transaction_id = r.id and f.round = coalesce(q.last, 1)
), judged as (
  select w.*, case
    when ended is not null and doubted_step is not null then 'ended_in_doubt'
    when ended is not null and unsettled_step is not null then 'ended_unsettled'
    when ended = 1 and failed_step is not null then 'failure_ignored'
    when ended = 1 and well <> steps then 'completed_early'
    when ended = 1 and turn_code is not null then 'completed_though_turned'
    when ended in (3, 4) and undone > 0 and turn_code is null then 'turn_missing'
    when ended = 4 and (error_code <> 'cancelled' or is_cancel is false) then 'error_differs'
    when ended = 3 and is_cancel then 'error_differs'
    when ended in (2, 3) and turn_code is not null and error_code <> turn_code then 'error_differs'
    when ended in (2, 3) and turn_code is null and failed_step is null and not unsaid
      and error_code not in ('transaction_timeout', 'queue_timeout') then 'failed_without_step'
    when ended is null and failed_step is not null and turn_code is null and not resolved_last then 'failure_ignored'
    when ended is null and well = steps and turn_code is null and not resolved_last then 'open_though_done'
    when end_commit < last_commit and ${sameSession('end_commit', 'last_commit')} then 'after_end'
    when end_commit < opened_commit and ${sameSession('end_commit', 'opened_commit')} then 'after_end'
    when end_commit < commit_id and ${sameSession('end_commit', 'commit_id')} then 'before_admission'
    when first_commit < commit_id and ${sameSession('first_commit', 'commit_id')} then 'before_admission'
    when first_run = commit_id and ${sentBetween('commit_id', 'admitted_at', 'first_eligible')} then 'before_admission'
  end as kind
  from whole w
), wrong (kind, lane_id, version_id, position, id, expected, found) as (
  select j.kind, j.lane_id, j.version_id, j.kafka_offset, j.id,
         case j.kind
           when 'completed_early' then 'all ' || j.steps || ' steps of its own list settled'
           when 'completed_though_turned' then 'no turn in round ' || j.round || ', or another end'
           when 'failure_ignored' then 'a turn, or its end: step ' || f.id || ' is not optional'
           when 'failed_without_step' then 'a step that failed, or a turn'
           when 'turn_missing' then 'a turn in round ' || j.round || ': it has been undone'
           when 'error_differs' then 'the end of a transaction that turned for ' || coalesce(j.turn_code, 'cancelled')
             || case when j.is_cancel then ', cancelled' else '' end
           when 'open_though_done' then 'an ending'
           when 'after_end' then 'no row after the ending, in commit ' || j.end_commit
           when 'before_admission' then 'no row before the admission, in commit ' || j.commit_id
           else 'every step that was reached settled' end,
         ${endText.replaceAll('ended', 'j.ended')} || coalesce(' (' || j.error_code || ')', '') || ', with ' || j.well || ' of ' || j.steps
           || ' steps of its own list settled well' || coalesce(', step ' || coalesce(d.id, u.id, f.id)
           || case when d.id is not null then ' in doubt' when u.id is not null then ' open' else ' failed' end, '')
           || coalesce(', turned for ' || j.turn_code, '')
  from judged j
  left join shape f on f.version = j.version_id and f.step = j.failed_step
  left join shape d on d.version = j.version_id and d.step = j.doubted_step
  left join shape u on u.version = j.version_id and u.step = j.unsettled_step
  where j.kind is not null
  union all
  select 'failure_ignored', a.lane_id, a.version_id, a.kafka_offset, a.id, 'no row of step ' || s.id || ': the one before it has failed',
         'step ' || ${nameOf('s', 'a.item')} || ' after step ' || b.step_id || ' failed'
  from stand a
  join shape s on s.version = a.version_id and s.step = a.step
  join stand b on b.id = a.id and b.step = s.prev and b.failed
   and b.item = left(a.item, length(b.item)) and (b.item = a.item or b.item = '' or substr(a.item, length(b.item) + 1, 1) = '.')
  where a.kind <> 'undo'
  union all
  select 'error_differs', j.lane_id, j.version_id, j.kafka_offset, j.id, 'the error of step ' || a.step_id || ': ' || coalesce(a.error_code, ${outcomeText('a.outcome')}), j.error_code
  from judged j join stand a on a.id = j.id and a.step = j.failed_step and a.item = ''
  where j.kind is null and j.ended in (2, 3) and j.turn_code is null and not j.unsaid
    and j.error_code not in ('transaction_timeout', 'crash_loop') and coalesce(a.error_code, ${outcomeText('a.outcome')}) <> j.error_code
)
select x.kind, x.lane_id, w.name, x.position, x.id::text, x.expected, x.found
from wrong x
join millrace_data.version v on v.id = x.version_id
join millrace_data.workflow w on w.id = v.workflow_id`,
  values: (world) => [...richValues(world), publishing(world)],
}

/** Versions that publish when they have completed: what cannot be made then fails the transaction. */
function publishing({ versions }: World): number[] {
  return versions.filter(({ plan }) => plan !== null && plan.publish.completed.length > 0).map((version) => version.id)
}
