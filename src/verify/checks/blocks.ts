/** Steps that hold others: their row comes when all that they hold has ended, and says what that has come to. */
import type { Check } from '../check.ts'
import { depthOf, itemAt, nameOf, richStand, richValues } from '../rich.ts'
import { stateText } from '../words.ts'

/** What a block may fail of though all that it holds has ended well. */
const ownCodes = `('cancelled', 'expression_failed', 'not_a_list', 'too_many_items', 'output_too_large', 'output_unstorable')`

/** A place that could not be held is told as lost later on, by whoever takes the lane over. */
const afterwards = `(outcome = 6 and unknown)`

export const blocks: Check = {
  name: 'blocks',
  holds:
    'the row of a parallel, forEach or switch comes after the rows of all that it holds, and its state is what their join makes of it: each item from the first to the last, one case of a switch',
  kinds: {
    open_inside: 'millrace_data.attempt: the block’s row is too much; or the last row of a step inside of it is gone',
    after_block: 'millrace_data.attempt: seq was changed; else a step ran after its block had ended',
    inside_skipped: 'millrace_data.attempt: the block’s row was changed; or the rows inside are too much',
    item_missing: 'millrace_data.attempt: rows of an item are gone; or output of the forEach was changed',
    item_beyond: 'millrace_data.attempt: item was changed, or the row is too much; or output of the forEach was',
    join_differs: 'millrace_data.attempt: step_state of the block, or of what it holds, was changed; or rows are gone',
    case_differs: 'millrace_data.attempt: rows of more than one case of a switch, or of none',
  },
  sql: `
with ${richStand}, inside as (
  select s.id, s.block, s.list, ${itemAt('s.item', 'b.depth')} as item,
         case when b.kind = 'forEach' then split_part(s.item, '.', b.depth + 1)::int else s.list end as at,
         bool_or(s.is_last and s.good) as good, bool_or(s.failed) as failed,
         bool_or(s.state is null or s.state = 4) as open,
         max(s.seq) filter (where not ${afterwards.replaceAll('outcome', 's.outcome').replaceAll('unknown', 's.unknown')}) as seq
  from stand s join shape b on b.version = s.version_id and b.step = s.block
  where s.kind <> 'undo' and s.block >= 0
    and ${depthOf('s.item')} = s.depth and s.item ~ '^([0-9]{1,9}(\\.[0-9]{1,9})*)?$'
  group by 1, 2, 3, 4, 5
), held as (
  select id, block, item, count(*) as lists, count(*) filter (where good) as good, count(*) filter (where good or failed) as ended,
         bool_or(open) as open, max(at) as most, max(seq) as seq
  from inside group by 1, 2, 3
), judged as (
  select b.*, p.lists, p.needs, p.has_else, coalesce(h.lists, 0) as begun, coalesce(h.good, 0) as good_lists,
         coalesce(h.ended, 0) as ended_lists, h.open, h.most, h.seq as inside_seq,
         case when b.kind = 'forEach' then c.items else p.lists end as count
  from stand b
  join shape p on p.version = b.version_id and p.step = b.step
  left join held h on h.id = b.id and h.block = b.step and h.item = b.item
  left join lateral (
    select json_array_length(a.output::json) as items from millrace_data.attempt a
    where b.kind = 'forEach' and b.state = 1 and a.transaction_id = b.id and a.step = b.step and a.item = b.item and a.attempt = b.attempt
      and left(a.output, 1) = '[') c on true
  where b.kind in ('parallel', 'forEach', 'switch')
), wrong as (
  select *, case
    when state = 2 and begun > 0 then 'inside_skipped'
    when state between 1 and 3 and open then 'open_inside'
    when seq < inside_seq then 'after_block'
    when kind = 'forEach' and state = 1 and most >= count then 'item_beyond'
    when kind = 'forEach' and state = 1 and count is null then 'item_missing'
    when kind = 'forEach' and state = 1 and needs = -2 and good_lists < count then 'item_missing'
    when kind = 'forEach' and state = 1 and needs = -1 and ended_lists < count then 'item_missing'
    when kind = 'parallel' and state = 1 and needs = -1 and ended_lists < count then 'join_differs'
    when kind in ('parallel', 'forEach') and state = 1
      and good_lists < case needs when -2 then count when -1 then 0 else needs end then 'join_differs'
    when kind = 'parallel' and state = 3 and good_lists >= case needs when -2 then count when -1 then 0 else needs end
      and error_code not in ${ownCodes} then 'join_differs'
    when kind = 'switch' and begun > 1 then 'case_differs'
    when kind = 'switch' and state = 1 and good_lists < case when has_else then 1 else begun end then 'case_differs'
  end as wrong
  from judged
)
select x.wrong, x.lane_id, w.name, x.kafka_offset, x.id::text,
       'step ' || ${nameOf('x', 'x.item').replace('x.id', 'x.step_id')} || case x.wrong
         when 'inside_skipped' then ' skipped with all that it holds'
         when 'open_inside' then ' with all that it holds ended'
         when 'after_block' then ' settled after all that it holds, behind place ' || x.inside_seq
         when 'item_beyond' then ' with items below ' || x.count
         when 'item_missing' then ' with ' || coalesce(x.count || ' items', 'a list') || ' that have ended'
         when 'case_differs' then ' with one case' || case when x.has_else then '' else ', or none' end
         else ' with ' || case when x.needs > 0 then 'at least ' || x.needs else 'all' end || ' of ' || x.count || ' ended well' end,
       coalesce(${stateText('x.state')}, 'open') || ', place ' || coalesce(x.seq::text, 'none') || ', with ' || x.begun || ' begun, '
         || x.good_lists || ' of them ended well, ' || x.ended_lists || ' ended' || coalesce(', up to number ' || x.most, '')
from wrong x
join millrace_data.version v on v.id = x.version_id
join millrace_data.workflow w on w.id = v.workflow_id
where x.wrong is not null`,
  values: richValues,
}
