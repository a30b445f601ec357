/** Transactions that a step of another one has called: both sides say the same. */
import type { Check } from '../check.ts'
import { richRows, richValues } from '../rich.ts'
import { prunedTransaction, sameSession } from '../words.ts'

export const children: Check = {
  name: 'children',
  holds:
    'a called transaction has its caller in its lane, at its place, and the workflow that the step names; the caller’s row says what became of it; of an ended caller none is open',
  kinds: {
    parent_missing: 'millrace_data.transaction: the row of the caller is gone; or parent_id was changed',
    parent_differs:
      'millrace_data.transaction: lane_id, kafka_offset, key, version_id, parent_step or parent_item was changed, of it or of its caller',
    child_missing:
      'millrace_data.transaction: the row of the called one is gone; or the caller’s attempt is too much or changed',
    end_differs:
      'millrace_data.ending of the called transaction, or millrace_data.attempt of its caller: state was changed, or the row is gone',
    output_differs:
      'millrace_data.attempt: output of the caller’s step, or of the last step of the called one, was changed',
    child_open: 'millrace_data.ending: the row of the called one is gone; or that of its caller is too much',
    before_call:
      'millrace_data.ending or attempt: commit_id was changed; else the caller went on before the called one had ended',
  },
  sql: `
with ${richRows}, called as materialized (
  select c.id, c.lane_id, c.version_id, c.kafka_offset, c.key, c.parent_id, c.parent_step::int as parent_step, c.parent_item, c.admitted_at,
         p.id as p_id, p.lane_id as p_lane, p.kafka_offset as p_offset, p.version_id as p_version, s.kind, s.calls, w.name,
         e.state, e.commit_id as end_commit, pe.transaction_id is not null as p_ended, pe.ended_at as p_ended_at,
         coalesce(q.last, 1) as round, q.opened_at, q.first_state, q.first_end
  from millrace_data.transaction c
  join millrace_data.version v on v.id = c.version_id
  join millrace_data.workflow w on w.id = v.workflow_id
  left join millrace_data.transaction p on p.id = c.parent_id
  left join shape s on s.version = p.version_id and s.step = c.parent_step
  left join millrace_data.ending e on e.transaction_id = c.id
  left join millrace_data.ending pe on pe.transaction_id = c.parent_id
  left join (
    select transaction_id, max(round) as last, min(opened_at) as opened_at, min(state) filter (where round = 2) as first_state,
           min(commit_id) filter (where round = 2) as first_end
    from millrace_data.round group by 1) q on q.transaction_id = c.id
  where c.parent_id is not null
), numbered as (
  select *, row_number() over w as nth
  from called window w as (partition by parent_id, parent_step, parent_item order by admitted_at, id)
), calls as (
  select r.*, s.id as step_id, row_number() over w as nth
  from rows r join shape s on s.version = r.version_id and s.step = r.step
  where s.kind = 'call' and r.state in (1, 3)
    and (r.state = 1 or exists (select from called c where c.parent_id = r.id and c.parent_step = r.step and c.parent_item = r.item))
  window w as (partition by r.id, r.step, r.item order by r.life, r.attempt)
), wrong (wrong, lane_id, version_id, position, id, expected, found) as (
  select case when p_id is null then 'parent_missing' else 'parent_differs' end, lane_id, version_id, kafka_offset, id,
         case when p_id is null then 'its caller ' || parent_id
              else 'lane and offset of its caller, no key, and workflow ' || coalesce(calls, 'none: that step calls nothing') end,
         case when p_id is null then 'no such transaction' else 'lane ' || lane_id || ', offset ' || kafka_offset || coalesce(', key ' || key, '') || ', workflow ' || name end
  from called
  where (p_id is null and not ${prunedTransaction('parent_id')})
     or (p_id is not null and (lane_id <> p_lane or kafka_offset <> p_offset or key is not null
         or exists (select from shape x where x.version = p_version) and (kind is distinct from 'call' or calls <> name)))
  union all
  select 'child_missing', r.lane_id, r.version_id, r.kafka_offset, r.id, 'the transaction that step ' || r.step_id || ' called', 'none'
  from calls r
  where r.state = 1 and not r.resolved and not exists (
    select from called c where c.parent_id = r.id and c.parent_step = r.step and c.parent_item = r.item)
  union all
  select 'end_differs', c.lane_id, c.version_id, c.kafka_offset, c.id,
         case r.state when 1 then 'completed, as its caller says of it' else 'not completed: its caller has failed for that' end,
         coalesce((array['completed', 'failed', 'compensated', 'cancelled'])[coalesce(c.first_state, c.state)], 'open')
  from calls r join numbered c on c.parent_id = r.id and c.parent_step = r.step and c.parent_item = r.item and c.nth = r.nth
  where case r.state when 1 then coalesce(c.first_state, c.state) is distinct from 1
    else coalesce(c.first_state, c.state) is null or (coalesce(c.first_state, c.state) = 1 and r.error_code not in ('cancelled', 'transaction_timeout')) end
  union all
  select 'before_call', r.lane_id, r.version_id, r.kafka_offset, r.id, 'step ' || r.step_id || ' not before commit ' || c.end_commit || ', of the end of ' || c.id,
         'commit ' || r.commit_id
  from calls r join numbered c on c.parent_id = r.id and c.parent_step = r.step and c.parent_item = r.item and c.nth = r.nth
  where c.round = 1 and r.commit_id < c.end_commit and ${sameSession('r.commit_id', 'c.end_commit')}
  union all
  select 'child_open', c.lane_id, c.version_id, c.kafka_offset, c.id, 'an end: its caller has ended', 'none'
  from called c where c.state is null and c.p_ended and (c.round = 1 or c.opened_at < c.p_ended_at)
  union all
  select 'output_differs', r.lane_id, r.version_id, r.kafka_offset, r.id, 'what ' || c.id || ' gave at its end', 'another output of step ' || r.step_id
  from calls r join numbered c on c.parent_id = r.id and c.parent_step = r.step and c.parent_item = r.item and c.nth = r.nth
  join millrace_data.attempt a on a.transaction_id = r.id and a.step = r.step and a.item = r.item and a.attempt = r.attempt
  join millrace_data.version v on v.id = c.version_id
  left join lateral (
    select z.output, z.step_state from millrace_data.attempt z
    where z.transaction_id = c.id and z.step = v.last_step and z.item = '' order by z.attempt desc limit 1) z on true
  where r.state = 1 and c.round = 1 and c.state = 1 and v.last_step is not null
    and coalesce(a.output::jsonb, 'null') <> coalesce(case when z.step_state = 1 then z.output::jsonb end, 'null')
)
select x.wrong, x.lane_id, w.name, x.position, x.id::text, x.expected, x.found
from wrong x
left join millrace_data.version v on v.id = x.version_id
left join millrace_data.workflow w on w.id = v.workflow_id`,
  values: richValues,
}
