/** What a commit wrote for a lane that it did not hold would have come from a coordinator that had lost it. */
import type { Check } from '../check.ts'
import { prunedCommit, prunedTransaction } from '../words.ts'

/** `old`: of before the horizon; the commit that wrote it may be pruned. */
const of = (what: string, table: string, place: string, old = 'true', joins = '') => `
  select '${what}'::text as what, x.commit_id, ${place}, ${old} as old
  from millrace_data.${table} x ${joins}`

const ofTransaction = (what: string, table: string) =>
  of(
    what,
    table,
    't.lane_id as lane, t.kafka_offset as position, x.transaction_id::text as id',
    prunedTransaction('x.transaction_id'),
    'join millrace_data.transaction t on t.id = x.transaction_id',
  )

export const fence: Check = {
  name: 'fence',
  holds: 'each row was written by a commit that is there and held the fence of the row’s lane',
  kinds: {
    commit_missing: 'millrace_data.commit: its row is gone, or commit_id of this row was changed',
    not_its_lane:
      'millrace_data.commit: lanes was changed, or commit_id of this row was; else a lost lane was written to',
  },
  sql: `
with written as (
  ${of('transaction', 'transaction', 'x.lane_id as lane, x.kafka_offset as position, x.id::text as id', prunedTransaction('x.id'))}
  union all ${ofTransaction('attempt', 'attempt')}
  union all ${ofTransaction('ending', 'ending')}
  union all ${ofTransaction('begun', 'begun')}
  union all ${of('dead letter', 'dead_letter', 'x.lane_id, x.kafka_offset, x.id::text', prunedTransaction('x.id'))}
  union all ${of('duplicate', 'duplicate', 'x.lane_id, x.kafka_offset, null::text')}
  union all ${of('passed offset', 'passed', 'x.lane_id, x.from_offset, null::text')}
  union all ${of('message', 'outbox', 'x.lane_id, null::int8, x.id::text')}
  union all ${ofTransaction('turn', 'turn')}
  union all ${ofTransaction('round', 'round')}
  union all ${ofTransaction('posting', 'posting')}
  union all ${ofTransaction('charge', 'charge')}
  union all ${of('kept event', 'signal', 'x.lane_id, x.kafka_offset, x.id::text', prunedTransaction('x.id'))}
  union all ${ofTransaction('taken event', 'taken')} where x.commit_id is not null
  union all ${of('command', 'command', 'x.lane_id, null::int8, x.id::text')} where x.commit_id is not null
)
select case when c.id is null then 'commit_missing' else 'not_its_lane' end, w.lane, null, w.position, w.id,
       case when c.id is null then 'commit ' || w.commit_id else 'a commit of lane ' || w.lane end,
       case when c.id is null then 'none; a row of the kind ' || w.what || ' names it'
            else 'commit ' || w.commit_id || ' of lanes ' || c.lanes::text || ' wrote a row of the kind ' || w.what end
from written w left join millrace_data.commit c on c.id = w.commit_id
where (c.id is null and not (${prunedCommit('w.commit_id')} and w.old)) or not (w.lane = any(c.lanes))`,
}
