/** Transactions that turned back or were opened again: each round follows the one before it, and each turn is of a round. */
import type { Check } from '../check.ts'
import { richRows, richValues } from '../rich.ts'
import { prunedTransaction, sameSession } from '../words.ts'

const stateText = (column: string) => `(array['completed', 'failed', 'compensated', 'cancelled'])[${column}]`

export const rounds: Check = {
  name: 'rounds',
  holds:
    'rounds are numbered from 2 without a gap, each begins after the end of the one before, and rows are of the round in which they were written',
  kinds: {
    round_of_none: 'millrace_data.round or turn: the row is too much; or the transaction’s is gone',
    round_missing: 'millrace_data.round: a row is gone, or round was changed',
    round_differs: 'millrace_data.round: from_step, opened_at, ended_at, state or error_code was changed',
    turn_of_no_round:
      'millrace_data.turn: round was changed, or the row is too much; or that of millrace_data.round is gone',
    turn_differs:
      'millrace_data.turn: code, is_cancel or commit_id was changed; or error_code in millrace_data.round was',
    row_of_other_round:
      'millrace_data.attempt: round or commit_id was changed; or a row of millrace_data.round is gone',
  },
  sql: `
with ${richRows}, numbered as (
  select q.*, t.id as known, t.lane_id, t.version_id, t.kafka_offset, t.commit_id as admitted, e.commit_id as end_commit,
         lag(q.round) over w as p_round, lag(q.commit_id) over w as p_commit, lead(q.commit_id) over w as n_commit,
         s.block, s.kind, f.code as turn_code, f.is_cancel
  from millrace_data.round q
  left join millrace_data.transaction t on t.id = q.transaction_id
  left join millrace_data.ending e on e.transaction_id = q.transaction_id
  left join shape s on s.version = t.version_id and s.step = q.from_step
  left join millrace_data.turn f on f.transaction_id = q.transaction_id and f.round = q.round - 1
  window w as (partition by q.transaction_id order by q.round)
), turned as (
  select f.*, t.id as known, t.lane_id, t.version_id, t.kafka_offset, t.commit_id as admitted, coalesce(o.last, 1) as last, q.commit_id as opened,
         e.commit_id as end_commit
  from millrace_data.turn f
  left join millrace_data.transaction t on t.id = f.transaction_id
  left join opened o on o.transaction_id = f.transaction_id
  left join millrace_data.round q on q.transaction_id = f.transaction_id and q.round = f.round
  left join millrace_data.ending e on e.transaction_id = f.transaction_id and f.round = coalesce(o.last, 1)
), wrong (wrong, lane_id, version_id, position, id, expected, found) as (
  select case when known is null then 'round_of_none' when round <> coalesce(p_round, 1) + 1 then 'round_missing' else 'round_differs' end,
         lane_id, version_id, kafka_offset, transaction_id,
         case when known is null then 'a transaction' when round <> coalesce(p_round, 1) + 1 then 'round ' || coalesce(p_round, 1) + 1
              else 'a round from a step of its own list on, or of undoing, after an end that fits' end,
         'round ' || round || ', opened ' || opened_at || ' after it was ' || ${stateText('state')} || coalesce(' (' || error_code || ')', '')
           || ' ' || ended_at || coalesce(', from step number ' || from_step, ', to undo')
  from numbered
  where (known is null and not ${prunedTransaction('transaction_id')}) or (known is not null and (
    round <> coalesce(p_round, 1) + 1
    or ended_at > opened_at
    or (from_step is not null and (block is null or block <> -1 or kind = 'undo') and exists (select from shape x where x.version = version_id))
    or (from_step is null and state not in (1, 2)) or (from_step is not null and state = 1)
    or (state = 1) <> (error_code is null)
    or (turn_code is not null and (state = 1 or turn_code is distinct from error_code or (state = 4 and not is_cancel) or (state = 3 and is_cancel)))
    or (${sameSession('commit_id', 'p_commit')} and commit_id < p_commit)
    or (${sameSession('commit_id', 'admitted')} and commit_id < admitted)))
  union all
  select case when known is null then 'round_of_none' when round > last then 'turn_of_no_round' else 'turn_differs' end,
         lane_id, version_id, kafka_offset, transaction_id,
         case when known is null then 'a transaction' when round > last then 'a round up to ' || last
              else 'a commit after the round was opened, and not after its end; the code cancelled when somebody cancelled it' end,
         'a turn of round ' || round || ' for ' || code || case when is_cancel then ', cancelled,' else '' end || ' in commit ' || commit_id
  from turned
  where (known is null and not ${prunedTransaction('transaction_id')}) or (known is not null and (
    round > last or (is_cancel and code <> 'cancelled')
    or (${sameSession('commit_id', 'coalesce(opened, admitted)')} and commit_id < coalesce(opened, admitted))
    or (${sameSession('commit_id', 'end_commit')} and commit_id > end_commit)))
  union all
  select 'row_of_other_round', r.lane_id, r.version_id, r.kafka_offset, r.id, 'a row of the round in which commit ' || r.commit_id || ' lies',
         'attempt ' || r.attempt || ' of step number ' || r.step || ' in round ' || r.round
  from rows r
  left join opened o on o.transaction_id = r.id
  left join millrace_data.round q on q.transaction_id = r.id and q.round = r.round
  left join millrace_data.round n on n.transaction_id = r.id and n.round = r.round + 1
  where r.round > coalesce(o.last, 1) or (o.transaction_id is not null and (
    (${sameSession('r.commit_id', 'q.commit_id')} and r.commit_id < q.commit_id)
    or (${sameSession('r.commit_id', 'n.commit_id')} and r.commit_id > n.commit_id)))
)
select x.wrong, x.lane_id, w.name, x.position, x.id::text, x.expected, x.found
from wrong x
left join millrace_data.version v on v.id = x.version_id
left join millrace_data.workflow w on w.id = v.workflow_id`,
  values: richValues,
}
