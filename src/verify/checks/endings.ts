/**
 * A chain's end and the last row of its attempts say the same. Only the last row is looked at: that those before it are in
 * order is the check `attempts`. What is more than a chain is the check `outcomes`.
 */
import type { Check } from '../check.ts'
import { isPlain, richOnes, richValues } from '../rich.ts'
import { outcomeText, sameSession, sentBetween, stateText } from '../words.ts'
import type { World } from '../world.ts'

/** Step, attempt, whether a person settled it, and the state it left, in one number that grows with step and attempt. */
const placeOf = `(step::int8 << 24) | (attempt::int8 << 8) | ((resolved_by is not null)::int << 4) | coalesce(step_state, 0)`

export const endings: Check = {
  name: 'endings',
  holds:
    'an ended chain has all its reached steps settled; a completed one every step, none failed but optional ones; a failed one ends with the step that failed; an open one has something left to do',
  kinds: {
    no_transaction: 'millrace_data.transaction: the row is gone; or this ending is too much',
    completed_early:
      'millrace_data.ending: state was changed, or the row is too much; or rows of millrace_data.attempt are gone',
    ended_in_doubt: 'millrace_data.ending: the row is too much: nobody has settled the step',
    ended_unsettled: 'millrace_data.ending: the row is too much; or the last row of millrace_data.attempt is gone',
    failed_without_step:
      'millrace_data.ending: state was changed; or step_state or outcome in millrace_data.attempt was',
    error_differs:
      'millrace_data.ending: error_code was changed; or outcome or error_code in millrace_data.attempt was',
    failure_ignored:
      'millrace_data.attempt: step_state was changed; or the row of millrace_data.ending is gone or changed',
    open_though_done: 'millrace_data.ending: the row is gone',
    nothing_undone: 'millrace_data.ending: state was changed',
    after_end: 'millrace_data.ending or attempt: commit_id was changed; else something was done after the end',
    before_admission:
      'millrace_data.transaction or attempt: commit_id was changed; else something was done before admission',
  },
  sql: `
with ${richOnes}, optional (version, step) as (
  select * from unnest($4::int4[], $5::int4[])
), reached as (
  select transaction_id, max(${placeOf}) as at, max(commit_id) as last_commit, min(commit_id) as first_commit,
         min(commit_id) filter (where dispatched_at is not null) as first_run,
         min(eligible_at) filter (where dispatched_at is not null) as first_eligible
  from millrace_data.attempt where ${isPlain('transaction_id')} group by 1
), stands as (
  select t.id, t.lane_id, t.version_id, t.kafka_offset, t.commit_id, e.state as ended, e.error_code, e.commit_id as end_commit,
         r.last_commit, r.first_commit, r.first_run, r.first_eligible, t.admitted_at,
         (r.at >> 24)::int as step, (r.at >> 8 & 65535)::int as attempt, (r.at >> 4 & 1)::int as resolved,
         nullif(r.at & 15, 0)::int as state, coalesce(t.version_id = any($6::int4[]) and e.error_message like 'publish to %', false) as unsaid
  from millrace_data.transaction t
  left join reached r on r.transaction_id = t.id
  left join millrace_data.ending e on e.transaction_id = t.id
  where ${isPlain('t.id')}
), judged as (
  select s.*, v.step_ids, v.workflow_id, o.step is not null as optional, case
    when s.ended = 3 then 'nothing_undone'
    when s.ended = 4 and s.error_code <> 'cancelled' then 'error_differs'
    when s.ended is not null and s.state = 4 then 'ended_in_doubt'
    when s.ended is not null and s.step is not null and s.state is null then 'ended_unsettled'
    when s.ended = 1 and s.step is distinct from cardinality(v.step_ids) - 1 then 'completed_early'
    when s.ended = 2 and s.unsaid and s.step = cardinality(v.step_ids) - 1 and (s.state <> 3 or o.step is not null)
      then null -- what it publishes at its end could not be made
    when s.ended = 2 and s.state is distinct from 3 and s.error_code <> 'transaction_timeout'
      and not (s.error_code = 'queue_timeout' and s.step is null) then 'failed_without_step'
    when s.ended = 2 and s.state = 3 and o.step is not null and s.error_code <> 'transaction_timeout'
      then 'failed_without_step'
    when (s.ended = 1 or (s.ended is null and s.resolved = 0)) and s.state = 3 and o.step is null then 'failure_ignored'
    when s.ended is null and s.state between 1 and 3 and s.step = cardinality(v.step_ids) - 1 and s.resolved = 0
      then 'open_though_done'
    when s.end_commit < s.last_commit and ${sameSession('s.end_commit', 's.last_commit')} then 'after_end'
    when s.end_commit < s.commit_id and ${sameSession('s.end_commit', 's.commit_id')} then 'before_admission'
    when s.first_commit < s.commit_id and ${sameSession('s.first_commit', 's.commit_id')} then 'before_admission'
    when s.first_run = s.commit_id and ${sentBetween('s.commit_id', 's.admitted_at', 's.first_eligible')}
      then 'before_admission'
  end as kind
  from stands s
  join millrace_data.version v on v.id = s.version_id
  left join optional o on o.version = s.version_id and o.step = s.step
), wrong as (
  select kind, lane_id, workflow_id, kafka_offset, id,
         case kind when 'completed_early' then 'all ' || cardinality(step_ids) || ' steps settled'
                   when 'failure_ignored' then 'failed: the step is not optional'
                   when 'open_though_done' then 'an ending'
                   when 'nothing_undone' then 'another end: there is nothing in it that could be undone'
                   when 'error_differs' then 'the code cancelled'
                   when 'failed_without_step' then 'a last step that failed and is not optional'
                   when 'after_end' then 'no row after the ending, in commit ' || end_commit
                   when 'before_admission' then 'no row before the admission, in commit ' || commit_id
                   else 'every step that was reached settled' end as expected,
         case ended when 1 then 'completed' when 2 then 'failed (' || error_code || ')' when 3 then 'compensated'
                     when 4 then 'cancelled (' || error_code || ')' else 'open' end
           || coalesce(', with step ' || step_ids[step + 1] || ' ' || coalesce(${stateText('state')}, 'open')
                       || ' after attempt ' || attempt, ', without an attempt') as found
  from judged where kind is not null
  union all
  select 'failure_ignored', t.lane_id, v.workflow_id, t.kafka_offset, t.id, 'the end of the transaction',
         'step ' || v.step_ids[a.step + 2] || ' after step ' || v.step_ids[a.step + 1] || ' failed'
  from millrace_data.attempt a
  join millrace_data.transaction t on t.id = a.transaction_id
  join millrace_data.version v on v.id = t.version_id
  where a.step_state = 3 and ${isPlain('a.transaction_id')} and not exists (select from optional o where o.version = t.version_id and o.step = a.step)
    and exists (select from millrace_data.attempt b where b.transaction_id = a.transaction_id and b.step = a.step + 1)
  union all
  select 'error_differs', j.lane_id, j.workflow_id, j.kafka_offset, j.id,
         'the error of step ' || j.step_ids[j.step + 1] || ': ' || coalesce(a.error_code, ${outcomeText('a.outcome')}),
         j.error_code
  from judged j
  join millrace_data.attempt a on a.transaction_id = j.id and a.step = j.step and a.attempt = j.attempt
  where j.ended = 2 and j.kind is null and j.state = 3 and not (j.unsaid and j.optional) and j.error_code <> 'transaction_timeout'
    and case j.error_code when 'crash_loop' then a.outcome <> 6
                          else j.error_code <> coalesce(a.error_code, ${outcomeText('a.outcome')}) end
  union all
  select 'no_transaction', null, null, null, e.transaction_id, 'a transaction', 'none; an ending is there'
  from millrace_data.ending e
  where not exists (select from millrace_data.transaction t where t.id = e.transaction_id)
)
select kind, lane_id, w.name, kafka_offset, x.id::text, expected, found
from wrong x left join millrace_data.workflow w on w.id = x.workflow_id`,
  values: (world) => [...richValues(world), ...optionalSteps(world), publishing(world)],
}

/** Two columns: version, number of the step. Of a version that cannot be read every step is taken for optional. */
function optionalSteps({ versions }: World): unknown[] {
  const steps = versions.flatMap(({ id, stepIds, plan }) =>
    stepIds.flatMap((_, step) => ((plan?.steps[step]?.optional ?? plan === null) ? [{ id, step }] : [])),
  )
  return [steps.map((each) => each.id), steps.map((each) => each.step)]
}

/** Versions that publish when they have completed: what cannot be made then fails the transaction. */
function publishing({ versions }: World): number[] {
  return versions.filter(({ plan }) => plan === null || plan.publish.completed.length > 0).map((version) => version.id)
}
