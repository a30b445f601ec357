/**
 * The rows of attempts where a workflow is more than a chain: each step in its place and item, after what stands before it,
 * settled once; where steps do not end in the order of their numbers each has a place among those that are settled.
 */
import type { Check } from '../check.ts'
import { depthOf, itemAt, nameOf, richStand, richValues } from '../rich.ts'
import { outcomeText, sameSession, sentBetween, stateText } from '../words.ts'

export const steps: Check = {
  name: 'steps',
  holds:
    'with blocks, rests, calls and compensations each step is there once for each item, begins after what stands before it, is settled once and by its last row, and has its place among the settled ones',
  kinds: {
    no_such_step: 'millrace_data.attempt: step was changed, or the row is too much',
    item_wrongly: 'millrace_data.attempt: item was changed, or the row is too much',
    step_missing: 'millrace_data.attempt: the rows of a step are gone',
    attempt_missing: 'millrace_data.attempt: a row is gone, or attempt was changed',
    after_settled:
      'millrace_data.attempt: a row after the one that settled the step; or step_state of that one was changed',
    before_settled: 'millrace_data.attempt: step_state of the step before was changed, or its last row is gone',
    not_in_doubt: 'millrace_data.attempt: a person’s word on a step that was not in doubt',
    outcome_differs: 'millrace_data.attempt: outcome, step_state, next_at, error_code or unknown was changed',
    place_differs: 'millrace_data.attempt: seq was changed; or the row of a step that was settled is gone',
    too_early: 'millrace_data.attempt: commit_id or seq was changed; else an act was done before its commit',
  },
  sql: `
with ${richStand}, known as (
  select r.*, s.kind, s.undone_by, s.is_chain, s.prev, s.depth, s.step as known_step,
         ${itemAt('r.item', 's.prev_depth')} as prev_item
  from rows r left join shape s on s.version = r.version_id and s.step = r.step
), ordered as (
  select *, lag(attempt) over w as p_attempt, max(attempt) over (w rows between unbounded preceding and 1 preceding) as most,
         lag(state) over w as p_state, lag(commit_id) over w as p_commit, lag(life) over w as p_life, lag(round) over w as p_round
  from known window w as (partition by id, step, item order by life, attempt)
), followed as (
  select o.*, b.state as b_state, b.step as b_step, b.commit_id as b_commit, b.received_at as b_received
  from ordered o
  left join stand b on not o.gone and o.kind <> 'undo' and b.id = o.id and b.step = o.prev and b.item = o.prev_item
), judged as (
  select *, case
    when known_step is null then 'no_such_step'
    when ${depthOf('item')} <> depth or item !~ '^([0-9]+(\\.[0-9]+)*)?$' then 'item_wrongly'
    when p_life = life and p_state between 1 and 3
      and not (kind = 'undo' and p_state = 3 and round > p_round) then 'after_settled'
    when attempt = 0 and p_life = life then 'attempt_missing'
    when attempt > 0 and attempt <> coalesce(most, 0) + 1 then 'attempt_missing'
    when p_life = life and p_state = 4 and not resolved then 'after_settled'
    when resolved and (p_life is distinct from life or p_state is distinct from 4) then 'not_in_doubt'
    when not gone and kind <> 'undo' and prev >= 0 and b_step is null then 'step_missing'
    when not gone and kind <> 'undo' and prev >= 0 and (b_state is null or b_state = 4) then 'before_settled'
    when (outcome = 0) <> (state is not distinct from 2) then 'outcome_differs'
    when outcome = 3 and state is null then 'outcome_differs'
    when outcome = 1 and state is distinct from 1 then 'outcome_differs'
    when state = 1 and outcome <> 1 then 'outcome_differs'
    when (state is null) = last then 'outcome_differs'
    when outcome in (0, 1) and error_code is not null then 'outcome_differs'
    when resolved and (outcome not in (1, 3) or state not in (1, 3)) then 'outcome_differs'
    when kind not in ('invoke', 'undo') and (ran or outcome not in (0, 1, 3) or state = 4) then 'outcome_differs'
    when unknown and (outcome in (0, 1) or kind not in ('invoke', 'undo', 'call')) then 'outcome_differs'
    when seq is not null and (is_chain or state is null or state = 4) then 'place_differs'
    when seq is null and not is_chain and state between 1 and 3 then 'place_differs'
    when ${sameSession('commit_id', 'p_commit')} and commit_id < p_commit then 'too_early'
    when ${sameSession('commit_id', 'b_commit')} and commit_id < b_commit then 'too_early'
    when ran and commit_id = b_commit and ${sentBetween('commit_id', "coalesce(b_received, '-infinity')", 'eligible_at')}
      then 'too_early'
  end as kind_of
  from followed
), placed as (
  select *, lag(seq) over w as p_seq, lag(commit_id) over w as p_commit
  from rows where seq is not null window w as (partition by id order by seq, step, item)
), wrong (kind, lane_id, version_id, position, id, expected, found) as (
  select j.kind_of, j.lane_id, j.version_id, j.kafka_offset, j.id,
         case j.kind_of
           when 'no_such_step' then 'a step of its workflow'
           when 'item_wrongly' then 'an item of ' || j.depth || ' places'
           when 'step_missing' then 'step ' || ${nameOf('b', 'j.prev_item')} || ' first'
           when 'before_settled' then 'step ' || ${nameOf('b', 'j.prev_item')} || ' settled first'
           when 'attempt_missing' then 'attempt ' || coalesce(j.most, 0) + 1 || ' of step ' || ${nameOf('s', 'j.item')}
           when 'after_settled' then 'no row after attempt ' || j.p_attempt || ' of step ' || ${nameOf('s', 'j.item')}
             || ', which left it ' || ${stateText('j.p_state')}
           when 'not_in_doubt' then 'step ' || ${nameOf('s', 'j.item')} || ' in doubt before'
           when 'place_differs' then case when j.seq is null then 'a place among the settled steps' else 'no place: it is not settled, or of a chain' end
           when 'too_early' then 'a commit after ' || greatest(j.p_commit, j.b_commit)
           else 'an outcome, a state of the step and a time for the next attempt that agree' end,
         'attempt ' || j.attempt || ' of step ' || coalesce(${nameOf('s', 'j.item')}, 'number ' || j.step) || ': ' || ${outcomeText('j.outcome')}
           || coalesce(', ' || ${stateText('j.state')}, '') || case when j.last then '' else ', another is due' end
           || case j.kind_of when 'too_early' then ', in commit ' || j.commit_id
                when 'before_settled' then ', and that one ' || coalesce(${stateText('j.b_state')}, 'open') else '' end
  from judged j
  left join shape s on s.version = j.version_id and s.step = j.step
  left join shape b on b.version = j.version_id and b.step = j.prev
  where j.kind_of is not null
  union all
  select case when p.seq = coalesce(p.p_seq, 0) + 1 then 'too_early' else 'place_differs' end,
         p.lane_id, p.version_id, p.kafka_offset, p.id,
         case when p.seq = coalesce(p.p_seq, 0) + 1 then 'a commit not before ' || p.p_commit || ', that of place ' || p.p_seq
              else 'place ' || coalesce(p.p_seq, 0) + 1 || ' among its settled steps' end,
         'step ' || ${nameOf('s', 'p.item')} || ' with place ' || p.seq || ', in commit ' || p.commit_id
  from placed p join shape s on s.version = p.version_id and s.step = p.step
  where p.seq <> coalesce(p.p_seq, 0) + 1 or (p.commit_id < p.p_commit and ${sameSession('p.commit_id', 'p.p_commit')})
)
select x.kind, x.lane_id, w.name, x.position, x.id::text, x.expected, x.found
from wrong x
left join millrace_data.version v on v.id = x.version_id
left join millrace_data.workflow w on w.id = v.workflow_id`,
  values: richValues,
}
