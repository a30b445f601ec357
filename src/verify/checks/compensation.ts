/**
 * What is undone when a transaction turns back: all that was done and has a compensation, the last first, each once; and
 * nothing of one that completes. What is left of a failed one has a compensation that failed.
 */
import type { Check } from '../check.ts'
import { nameOf, richStand, richValues } from '../rich.ts'
import { sameSession } from '../words.ts'

/** A step that was done, or of which nobody knows, and is to be undone if its transaction turns back. */
const due = `(f.state = 1 or (f.state = 3 and f.unknown))`

export const compensation: Check = {
  name: 'compensation',
  holds:
    'of a compensated or cancelled transaction every step that was done and has a compensation is undone, the last first, each once; of a completed one none; a failed one that owes something has a compensation that failed',
  kinds: {
    undone_nothing:
      'millrace_data.attempt: the compensation’s row is too much; or step_state or unknown of its step was changed',
    undone_without_turn:
      'millrace_data.turn: the row is gone; or the compensation’s row in millrace_data.attempt is too much',
    undone_though_completed: 'millrace_data.ending: state was changed; or the compensation’s row is too much',
    not_undone:
      'millrace_data.attempt: the compensation’s row is gone or changed; or state in millrace_data.ending was changed',
    owed_without_reason:
      'millrace_data.attempt: the row of the compensation that failed is gone or changed; or state in millrace_data.ending was changed',
    failed_though_undone: 'millrace_data.ending: state was changed; or the row of a compensation that failed is gone',
    nothing_undone: 'millrace_data.ending: state was changed; or the rows of compensations are gone',
    undone_in_disorder: 'millrace_data.attempt: seq or commit_id was changed; else steps were undone in another order',
    begun_after_undoing:
      'millrace_data.attempt: seq, commit_id or round was changed; else a step ran on while others were undone',
  },
  sql: `
with ${richStand}, current as (
  select r.*, e.state as ended, f.code as turn_code
  from rich r
  left join millrace_data.ending e on e.transaction_id = r.id
  left join opened o on o.transaction_id = r.id
  left join millrace_data.turn f on f.transaction_id = r.id and f.round = coalesce(o.last, 1)
), children as (
  select distinct on (c.parent_id, c.parent_step, c.parent_item)
         c.parent_id as id, c.parent_step::int as step, c.parent_item as item, e.state
  from millrace_data.transaction c left join millrace_data.ending e on e.transaction_id = c.id
  where c.parent_id is not null and exists (select from shape where kind = 'call')
  order by c.parent_id, c.parent_step, c.parent_item, c.admitted_at desc
), owing as (
  select f.id, f.step, f.item, f.seq, u.state is not distinct from 1 as done, u.state is not distinct from 3 as has_failed
  from stand f left join stand u on u.id = f.id and u.step = f.undone_by and u.item = f.item
  where f.undone_by is not null and f.kind = 'invoke' and ${due}
  union all
  select f.id, f.step, f.item, f.seq, coalesce(c.state in (3, 4), false), c.state is not distinct from 2
  from stand f join children c on c.id = f.id and c.step = f.step and c.item = f.item
  where f.kind = 'call' and ${due}
), sums as (
  select id, count(*) filter (where done) as undone, count(*) filter (where not done) as owed,
         (array_agg(step order by coalesce(seq, step) desc) filter (where not done))[1] as next_step,
         (array_agg(item order by coalesce(seq, step) desc) filter (where not done))[1] as next_item,
         (array_agg(has_failed order by coalesce(seq, step) desc) filter (where not done))[1] as next_failed
  from owing group by id
), undoing as (
  select u.*, f.step as f_step, f.state as f_state, f.unknown as f_unknown, coalesce(f.seq, f.step) as f_place
  from stand u left join stand f on f.id = u.id and f.step = u.undoes and f.item = u.item
  where u.kind = 'undo'
), ordered as (
  select *, lag(f_place) over w as p_place, lag(step) over w as p_step, lag(item) over w as p_item
  from undoing where state = 1 and seq is not null window w as (partition by id order by seq)
  union all
  select *, case when lag(commit_id) over w > commit_id and ${sameSession('lag(commit_id) over w', 'commit_id')} then f_place else null end,
         lag(step) over w, lag(item) over w
  from undoing where state = 1 and seq is null window w as (partition by id order by f_place desc)
), begun as (
  select r.id, r.round, min(r.seq) as seq, min(r.commit_id) as commit_id
  from rows r join shape s on s.version = r.version_id and s.step = r.step
  where s.kind = 'undo' and not r.gone group by 1, 2
), wrong (kind, id, step, item, expected, found) as (
  select 'undone_nothing', u.id, u.step, u.item, 'its step done before, or of unknown effect',
         case when u.f_state is null then 'no row of it, or an open one' else 'it ' || (array['is done', 'was skipped', 'failed, and what it did is known', 'stands in doubt'])[u.f_state] end
  from undoing u where not coalesce(u.f_state = 1 or (u.f_state = 3 and u.f_unknown), false)
  union all
  select 'undone_without_turn', u.id, u.step, u.item, 'a turn of the transaction in round ' || u.round, 'none'
  from undoing u
  where not exists (select from millrace_data.turn f where f.transaction_id = u.id and f.round = u.round)
  union all
  select 'undone_though_completed', u.id, u.step, u.item, 'nothing undone: it is completed', 'a row of its compensation'
  from undoing u join current c on c.id = u.id where c.ended = 1
  union all
  select 'not_undone', o.id, o.step, o.item, 'undone: the transaction is ' || case c.ended when 3 then 'compensated' else 'cancelled' end,
         case when o.has_failed then 'a compensation that failed' else 'no compensation that ended well' end
  from owing o join current c on c.id = o.id where c.ended in (3, 4) and not o.done
  union all
  select 'owed_without_reason', s.id, s.next_step, s.next_item, 'undone, or a compensation that failed: it was the next to be undone', 'neither'
  from sums s join current c on c.id = s.id where c.ended = 2 and s.owed > 0 and not s.next_failed
  union all
  select 'failed_though_undone', s.id, null, null, 'compensated or cancelled: nothing is owed', 'failed'
  from sums s join current c on c.id = s.id where c.ended = 2 and s.owed = 0 and s.undone > 0
  union all
  select 'nothing_undone', c.id, null, null, 'something that was undone', 'nothing'
  from current c left join sums s on s.id = c.id
  where c.ended = 3 and coalesce(s.undone, 0) = 0 and c.turn_code is distinct from 'undone'
  union all
  select 'undone_in_disorder', o.id, o.step, o.item, 'undone after what was done after it', 'undone after step ' || p.id || case when o.p_item = '' then '' else '[' || o.p_item || ']' end
  from ordered o join shape p on p.version = o.version_id and p.step = o.p_step
  where o.p_place <= o.f_place
  union all
  select 'begun_after_undoing', r.id, r.step, r.item, 'no row of it: its transaction was being undone', 'attempt ' || r.attempt || ', after a compensation'
  from rows r join shape s on s.version = r.version_id and s.step = r.step
  join begun b on b.id = r.id and b.round = r.round
  where s.kind <> 'undo' and not r.gone and case when r.seq is not null then r.seq > b.seq
    else r.commit_id > b.commit_id and ${sameSession('r.commit_id', 'b.commit_id')} end
)
select x.kind, r.lane_id, w.name, r.kafka_offset, x.id::text,
       coalesce('step ' || ${nameOf('s', 'x.item')} || ' ', '') || x.expected, x.found
from wrong x
join rich r on r.id = x.id
left join shape s on s.version = r.version_id and s.step = x.step
join millrace_data.version v on v.id = r.version_id
join millrace_data.workflow w on w.id = v.workflow_id`,
  values: richValues,
}
