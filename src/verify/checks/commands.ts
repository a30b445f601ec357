/** What operators asked for was done where it is said to be done, and nothing was done that nobody asked for. */
import type { Check } from '../check.ts'
import { prunedCommit, prunedTransaction } from '../words.ts'

/** What was made then has an id of up to an hour before. */
const redrivenLongAgo = prunedTransaction(`millrace.first_id(c.asked_at - interval '1 hour')`)

export const commands: Check = {
  name: 'commands',
  holds:
    'each command that is done had its effect, in its own commit, and each such effect has its command; pauses of one workflow or key follow each other',
  kinds: {
    half_answered: 'millrace_data.command: state or commit_id was changed',
    resolve_without_effect:
      'millrace_data.attempt: the person’s row is gone; or state or target in millrace_data.command was changed',
    redrive_without_effect:
      'millrace_data.dead_letter: state was changed; or the transaction made of it is gone; or the command was changed',
    cancel_without_effect:
      'millrace_data.turn or ending: the row is gone or changed; or state or target in millrace_data.command was changed',
    reopen_without_effect:
      'millrace_data.round: the row is gone or changed; or state, kind or target in millrace_data.command was changed',
    cancelled_by_nobody:
      'millrace_data.command: the row is gone or changed; or is_cancel in millrace_data.turn was, or state in millrace_data.ending',
    reopened_by_nobody:
      'millrace_data.command: the row is gone or changed; or the row of millrace_data.round is too much',
    discard_without_effect: 'millrace_data.dead_letter: state was changed; or the command was',
    resolved_by_nobody:
      'millrace_data.command: the row is gone or changed; or resolved_by in millrace_data.attempt was',
    letter_state_by_nobody:
      'millrace_data.dead_letter: state was changed; or the row of millrace_data.command is gone or changed',
    redriven_from_nothing:
      'millrace_data.transaction: redriven_from was changed; or the dead letter is gone or its state was changed',
    pause_differs: 'millrace_data.pause: paused_at or resumed_at was changed, or another pause of the same is too much',
  },
  sql: `
with done as (
  select * from millrace_data.command where state = 2
)
select 'half_answered', lane_id, null, null::int8, id::text,
       case when state = 1 then 'no commit: it is pending' else 'the commit that answered it' end,
       coalesce('commit ' || commit_id, 'none')
from millrace_data.command where (state = 1) <> (commit_id is null)
union all
select 'resolve_without_effect', c.lane_id, null, null, c.id::text, 'a step of transaction ' || c.target || ' settled in commit ' || c.commit_id, 'none'
from done c where c.kind = 'resolve' and not exists (
  select from millrace_data.attempt a
  where a.transaction_id = c.target and a.resolved_by is not null and a.commit_id = c.commit_id)
  and not ${prunedTransaction('c.target')}
union all
select case c.kind when 'redrive' then 'redrive_without_effect' else 'discard_without_effect' end, c.lane_id, null, d.kafka_offset,
       c.id::text,
       case c.kind when 'redrive' then 'dead letter ' || c.target || ' redriven, and a transaction of it in commit ' || c.commit_id
                   else 'dead letter ' || c.target || ' discarded' end,
       case when d.id is null then 'no such dead letter' when d.state = 1 then 'it is open' when d.state = 3 then 'it is discarded'
            else case c.kind when 'redrive' then 'no such transaction' else 'it is redriven' end end
from done c left join millrace_data.dead_letter d on d.id = c.target
where (c.kind = 'discard' and d.state is distinct from 3)
   or (c.kind = 'redrive' and (d.state is distinct from 2 or not exists (
        select from millrace_data.transaction t where t.redriven_from = c.target and t.commit_id = c.commit_id)
        and not ${redrivenLongAgo}))
union all
select 'resolved_by_nobody', t.lane_id, w.name, t.kafka_offset, a.transaction_id::text, 'a command of commit ' || a.commit_id,
       'none; ' || v.step_ids[a.step + 1] || ' was settled by ' || a.resolved_by
from millrace_data.attempt a
join millrace_data.transaction t on t.id = a.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
where a.resolved_by is not null and not exists (
  select from done c where c.kind = 'resolve' and c.target = a.transaction_id and c.commit_id = a.commit_id)
  and not ${prunedCommit('a.commit_id')}
union all
select 'cancel_without_effect', c.lane_id, null, null, c.id::text, 'transaction ' || c.target || ' turned, cancelled, in commit ' || c.commit_id, 'none'
from done c where c.kind = 'cancel' and not ${prunedTransaction('c.target')}
  and not exists (select from millrace_data.turn f where f.transaction_id = c.target and f.commit_id = c.commit_id and f.is_cancel)
  and not exists (select from millrace_data.ending e where e.transaction_id = c.target and e.commit_id = c.commit_id and e.state = 4)
  and not exists (
    select from millrace_data.ending e
    where e.transaction_id = c.target and e.commit_id = c.commit_id and e.state = 2 and e.error_code = 'cancelled')
  and not exists (select from millrace_data.round q where q.transaction_id = c.target and q.error_code = 'cancelled')
union all
select 'reopen_without_effect', c.lane_id, null, null, c.id::text,
       'a round of transaction ' || c.target || ', opened in commit ' || c.commit_id || case c.kind when 'retry' then ' from a step on' else ' to undo' end, 'none'
from done c where c.kind in ('compensate', 'retry') and not ${prunedTransaction('c.target')} and not exists (
  select from millrace_data.round q
  where q.transaction_id = c.target and q.commit_id = c.commit_id and (q.from_step is null) = (c.kind = 'compensate'))
union all
select 'cancelled_by_nobody', t.lane_id, w.name, t.kafka_offset, t.id::text, 'a command to cancel it, of commit ' || f.commit_id, 'none'
from (
  select transaction_id, commit_id from millrace_data.turn where is_cancel and code = 'cancelled'
  union all
  select transaction_id, commit_id from millrace_data.ending e
  where state = 4 and not exists (select from millrace_data.turn f where f.transaction_id = e.transaction_id)) f
join millrace_data.transaction t on t.id = f.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
where t.parent_id is null and not ${prunedCommit('f.commit_id')} and not exists (
  select from done c where c.kind = 'cancel' and c.target = f.transaction_id and c.commit_id = f.commit_id)
union all
select 'reopened_by_nobody', t.lane_id, w.name, t.kafka_offset, t.id::text,
       'a command to ' || case when q.from_step is null then 'compensate' else 'retry' end || ' it, of commit ' || q.commit_id, 'none; ' || q.opened_by || ' opened it'
from millrace_data.round q
join millrace_data.transaction t on t.id = q.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
where not (t.parent_id is not null and q.from_step is null) and not ${prunedCommit('q.commit_id')} and not exists (
  select from done c
  where c.kind = case when q.from_step is null then 'compensate' else 'retry' end and c.target = q.transaction_id and c.commit_id = q.commit_id)
union all
select 'letter_state_by_nobody', d.lane_id, w.name, d.kafka_offset, d.id::text,
       'a command that was done', 'none; it is ' || case d.state when 2 then 'redriven' else 'discarded' end
from millrace_data.dead_letter d left join millrace_data.workflow w on w.id = d.workflow_id
where d.state <> 1 and not exists (
  select from done c where c.target = d.id and c.kind = case d.state when 2 then 'redrive' else 'discard' end)
  -- Its transaction was retried, and went.
  and not (d.state = 2 and d.transaction_id is not null and (${prunedTransaction('d.transaction_id')} or exists (
    select from millrace_data.round q where q.transaction_id = d.transaction_id and q.from_step is not null)))
union all
select 'redriven_from_nothing', t.lane_id, w.name, t.kafka_offset, t.id::text, 'a redriven dead letter ' || t.redriven_from,
       case when d.id is null then 'none' when d.state = 1 then 'it is open' else 'it is discarded' end
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
left join millrace_data.dead_letter d on d.id = t.redriven_from
where t.redriven_from is not null and d.state is distinct from 2 and (d.id is not null or not ${prunedCommit('t.commit_id')})
union all
select 'pause_differs', null, w.name, null, p.id::text, 'an end after its beginning, and the next one of the same after that',
       'from ' || p.paused_at || coalesce(' to ' || p.resumed_at, ' on') || coalesce('; the next from ' || p.next_at, '')
from (
  select *, lead(paused_at) over (partition by engine_id, workflow_id, key order by paused_at, id) as next_at
  from millrace_data.pause) p
join millrace_data.workflow w on w.id = p.workflow_id
where p.resumed_at < p.paused_at or p.next_at < p.resumed_at or (p.next_at is not null and p.resumed_at is null)`,
}
