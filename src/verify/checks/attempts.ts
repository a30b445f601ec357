/**
 * The rows of a chain's attempts in their order: steps one after the other, attempts of a step from 1 without a gap,
 * settled once. Commits of one coordinator are numbered in their order; those of two are not compared. What has no effects
 * may be of one commit with what it follows from. What is more than a chain is the check `steps`.
 */
import type { Check } from '../check.ts'
import { isPlain, richOnes, richValues } from '../rich.ts'
import { outcomeText, sameSession, sentBetween, stateText } from '../words.ts'

export const attempts: Check = {
  name: 'attempts',
  holds:
    'in chains steps follow each other, attempts of a step are numbered from 1 without a gap, a step is settled once and by its last row, and no step begins before the one before it is settled',
  kinds: {
    no_transaction: 'millrace_data.transaction: the row is gone; or this attempt is too much',
    not_of_chain:
      'millrace_data.attempt: item, seq, unknown or round was changed; or the row of millrace_data.round is gone',
    step_missing: 'millrace_data.attempt: the rows of a step are gone',
    attempt_missing: 'millrace_data.attempt: a row is gone, or attempt was changed',
    after_settled:
      'millrace_data.attempt: a row after the one that settled the step; or step_state of that one was changed',
    before_settled: 'millrace_data.attempt: step_state of the step before was changed, or its last row is gone',
    not_in_doubt: 'millrace_data.attempt: a person’s word on a step that was not in doubt',
    outcome_differs: 'millrace_data.attempt: outcome, step_state, next_at or error_code was changed',
    too_early: 'millrace_data.attempt: commit_id was changed; else an act was done before its commit',
  },
  sql: `
with ${richOnes}, ordered as (
  select transaction_id, step, attempt, outcome, step_state, next_at is null as last, resolved_by is not null as resolved,
         error_code is null as well, dispatched_at is not null as ran, commit_id, eligible_at,
         item <> '' or num_nonnulls(seq, round) > 0 or (unknown and outcome in (0, 1)) as marked,
         lag(received_at) over w as p_received,
         lag((step::int8 << 24) | (attempt::int8 << 8) | coalesce(step_state, 0)) over w as p,
         lag(commit_id) over w as p_commit
  from millrace_data.attempt
  where ${isPlain('transaction_id')}
  window w as (partition by transaction_id order by step, attempt)
), neighbours as (
  select *, (p >> 24)::int as p_step, (p >> 8 & 65535)::int as p_attempt, nullif(p & 15, 0)::int as p_state
  from ordered
), judged as (
  select *, case
    when marked then 'not_of_chain'
    when step <> coalesce(p_step, -1) and step <> coalesce(p_step + 1, 0) then 'step_missing'
    when p_step = step and p_state between 1 and 3 then 'after_settled'
    when p_step = step and (p_attempt = 0 or attempt = 0 or attempt <> p_attempt + 1) then 'attempt_missing'
    when p_step = step and p_state = 4 and not resolved then 'after_settled'
    when resolved and (p_step is distinct from step or p_state is distinct from 4) then 'not_in_doubt'
    when p_step < step and (p_state is null or p_state = 4) then 'before_settled'
    when p_step is distinct from step and attempt > 1 then 'attempt_missing'
    when (outcome = 0) <> (step_state is not distinct from 2) then 'outcome_differs'
    when outcome = 3 and step_state is null then 'outcome_differs'
    when (step_state is null) = last then 'outcome_differs'
    when outcome in (0, 1) and not well then 'outcome_differs'
    when resolved and (outcome not in (1, 3) or step_state not in (1, 3)) then 'outcome_differs'
    when ${sameSession('commit_id', 'p_commit')} and commit_id < p_commit then 'too_early'
    when ran and commit_id = p_commit and ${sentBetween('commit_id', "coalesce(p_received, '-infinity')", 'eligible_at')}
      then 'too_early'
  end as kind
  from neighbours
)
select j.kind, t.lane_id, w.name, t.kafka_offset, j.transaction_id::text,
       case j.kind
         when 'not_of_chain' then 'a row without item, seq and round, and unknown only where it did not end well'
         when 'step_missing' then 'step ' || coalesce(v.step_ids[coalesce(p_step + 2, 1)], '?') || ' first'
         when 'attempt_missing' then 'attempt ' || case when p_step = step then p_attempt + 1 else 1 end
                                     || ' of step ' || ${named('step')}
         when 'after_settled' then 'no row after attempt ' || p_attempt || ' of step ' || ${named('step')}
                                   || ', which left it ' || ${stateText('p_state')}
         when 'before_settled' then 'step ' || ${named('p_step')} || ' settled first'
         when 'not_in_doubt' then 'step ' || ${named('step')} || ' in doubt before'
         when 'outcome_differs' then 'an outcome, a state of the step and a time for the next attempt that agree'
         else 'a commit after ' || p_commit end,
       'attempt ' || attempt || ' of step ' || ${named('step')} || ': ' || ${outcomeText('outcome')}
         || coalesce(', ' || ${stateText('step_state')}, '')
         || case when last then '' else ', another is due' end
         || case when j.kind = 'too_early' then ', in commit ' || j.commit_id else '' end
         || case j.kind when 'before_settled' then ', and that one ' || coalesce(${stateText('p_state')}, 'open') else '' end
from judged j
join millrace_data.transaction t on t.id = j.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
where j.kind is not null
union all
select 'no_transaction', null, null, null, a.transaction_id::text, 'a transaction',
       'none; attempt ' || attempt || ' of its step number ' || step || ' is there'
from millrace_data.attempt a
where not exists (select from millrace_data.transaction t where t.id = a.transaction_id)`,
  values: richValues,
}

function named(step: string): string {
  return `coalesce(v.step_ids[${step} + 1], 'number ' || ${step})`
}
