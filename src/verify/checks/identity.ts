/**
 * An id is a time and a hash of where its record stands, so that a row that was moved to another offset, lane or workflow
 * gives itself away (`transaction/ids.ts`). Ids of before the topic's own id was known have none in their hash.
 */
import type { Check } from '../check.ts'
import { beginsWith, isHashOf, originTemplates } from '../origin.ts'

const redriven = `coalesce(',"redrivenFrom":"' || t.redriven_from || '"', '')`
const transactionHash = (before: string) => isHashOf('t.id', `o.${before} || t.kafka_offset || ${redriven} || o.after`)
/** Of a record that starts nothing; of one that cannot be kept for those who wait, which may be another letter of it. */
const letterHash = (before: string, from = "''") =>
  `(${['dead', 'unkept'].map((kind) => isHashOf('d.id', `'${kind}:' || o.${before} || d.kafka_offset || ${from} || o.after`)).join(' or ')})`

const signalHash = (before: string) => isHashOf('s.id', `'signal:' || o.${before} || s.kafka_offset || o.after`)

/** Of a called transaction: where it was called, and in which round. */
const childText = `'child:["' || t.parent_id || '",' || t.parent_step || ',' || to_json(t.parent_item) || ',' || r.round || ']'`

/** The producer's claim: none when it is ahead by more than ten seconds, and no older than an hour. */
const claimed = `case when date_trunc('milliseconds', t.produced_at) > date_trunc('milliseconds', t.admitted_at) + interval '10 seconds' then t.admitted_at
  else greatest(coalesce(t.produced_at, t.admitted_at), t.admitted_at - interval '1 hour') end`

/** Of a transaction that failed: its id stands where else the engine's name does. */
const failedOrigin = `'dead:{"engine":"' || d.transaction_id || '","incarnation":"","workflow":' || to_json(w.name) ||
  ',"topic":' || to_json(k.name) || ',"partition":' || l.kafka_partition || ',"offset":' || d.kafka_offset || '}'`

/** Written in the same commit as the redrive of another letter of its record. */
const ofRedrive = `exists (
  select from millrace_data.command c
  join millrace_data.dead_letter f on f.id = c.target and f.lane_id = d.lane_id and f.kafka_offset = d.kafka_offset
  where c.kind = 'redrive' and c.commit_id = d.commit_id
    and (${letterHash('before', `',"redrivenFrom":"' || c.target || '"'`)}
      or ${letterHash('before_untold', `',"redrivenFrom":"' || c.target || '"'`)}))`

export const identity: Check = {
  name: 'identity',
  holds: 'each transaction, dead letter and kept event has the id that its engine, workflow, place and time make',
  kinds: {
    transaction_moved:
      'millrace_data.transaction: its lane, offset, version, redriven_from or parent was changed, or no engine wrote the row',
    transaction_time: 'millrace_data.transaction: admitted_at or produced_at was changed',
    letter_moved:
      'millrace_data.dead_letter: its lane, offset, workflow or transaction was changed, or no engine wrote the row',
    letter_time: 'millrace_data.dead_letter: received_at was changed',
    signal_moved: 'millrace_data.signal: its lane, offset or workflow was changed, or no engine wrote the row',
    signal_time: 'millrace_data.signal: received_at was changed',
  },
  sql: `
with origin (lane, workflow, before, before_untold, after) as (
  select * from unnest($2::int4[], $3::int4[], $4::text[], $5::text[], $6::text[])
), transactions as (
  select t.lane_id, w.name, t.kafka_offset, t.id,
         ${transactionHash('before')} or ${transactionHash('before_untold')} as here,
         ${beginsWith('t.id', claimed)} as "then"
  from millrace_data.transaction t
  join millrace_data.version v on v.id = t.version_id
  join millrace_data.workflow w on w.id = v.workflow_id
  join origin o on o.lane = t.lane_id and o.workflow = v.workflow_id
  where t.parent_id is null
  union all
  select t.lane_id, w.name, t.kafka_offset, t.id,
         exists (select from generate_series(1, coalesce((select max(q.round) from millrace_data.round q where q.transaction_id = t.parent_id), 1)) as r (round)
                 where ${isHashOf('t.id', childText)}),
         substring(uuid_send(t.id) for 6) = substring(uuid_send(t.parent_id) for 6)
  from millrace_data.transaction t
  join millrace_data.version v on v.id = t.version_id
  join millrace_data.workflow w on w.id = v.workflow_id
  where t.parent_id is not null
), signals as (
  select s.lane_id, w.name, s.kafka_offset, s.id,
         ${signalHash('before')} or ${signalHash('before_untold')} as here,
         ${beginsWith('s.id', 's.received_at')} as "then"
  from millrace_data.signal s
  left join millrace_data.workflow w on w.id = s.workflow_id
  left join origin o on o.lane = s.lane_id and o.workflow = s.workflow_id
), letters as (
  select d.lane_id, w.name, d.kafka_offset, d.id,
         ${letterHash('before')} or ${letterHash('before_untold')} or ${ofRedrive} as here,
         ${beginsWith('d.id', 'd.received_at')} as "then"
  from millrace_data.dead_letter d
  left join millrace_data.workflow w on w.id = d.workflow_id
  join origin o on o.lane = d.lane_id and o.workflow = coalesce(d.workflow_id, 0)
  where d.transaction_id is null
  union all
  select d.lane_id, w.name, d.kafka_offset, d.id,
         ${isHashOf('d.id', failedOrigin)}, ${beginsWith('d.id', 'd.received_at')}
  from millrace_data.dead_letter d
  join millrace_data.lane l on l.id = d.lane_id
  join millrace_data.topic k on k.id = l.topic_id
  left join millrace_data.workflow w on w.id = d.workflow_id
  where d.transaction_id is not null
)
select case when here then 'transaction_time' else 'transaction_moved' end, lane_id, name, kafka_offset, id::text,
       case when here then 'the time that its id begins with' else 'the place that its id was made of' end,
       case when here then 'another time' else 'another place' end
from transactions where (here and "then") is not true
union all
select case when here then 'letter_time' else 'letter_moved' end, lane_id, name, kafka_offset, id::text,
       case when here then 'the time that its id begins with' else 'the place that its id was made of' end,
       case when here then 'another time' else 'another place' end
from letters where (here and "then") is not true
union all
select case when here then 'signal_time' else 'signal_moved' end, lane_id, name, kafka_offset, id::text,
       case when here then 'the time that its id begins with' else 'the place that its id was made of' end,
       case when here then 'another time' else 'another place' end
from signals where (here and "then") is not true`,
  values: (world) => {
    const all = originTemplates(world)
    return [
      all.map((each) => each.lane),
      all.map((each) => each.workflowId),
      all.map((each) => each.before),
      all.map((each) => each.beforeUntold),
      all.map((each) => each.after),
    ]
  },
}
