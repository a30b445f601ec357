/**
 * Dead letters of transactions that failed, undone or not: one for each where the workflow wants it, and none else. What was
 * cancelled leaves none, nor what another one called. The record is kept for the first end alone: one that is opened again leaves none when it fails once more.
 */
import type { Check } from '../check.ts'
import { prunedTransaction } from '../words.ts'

const stateText = `(array['completed', 'failed', 'compensated', 'cancelled'])[f.state]`

export const letters: Check = {
  name: 'letters',
  holds:
    'a failed transaction whose workflow wants it has one dead letter, at its own place, and no other transaction has one',
  kinds: {
    letter_of_none: 'millrace_data.transaction: the row is gone; or this dead letter is too much',
    letter_of_unfailed: 'millrace_data.ending: the row is gone or changed; or this dead letter is too much',
    letter_elsewhere: 'millrace_data.dead_letter: lane, offset or workflow is not that of its transaction',
    letter_twice: 'millrace_data.dead_letter: one of the letters of this transaction is too much',
    letter_missing: 'millrace_data.dead_letter: the row is gone',
  },
  sql: `
with wants (version) as (
  select * from unnest($2::int4[])
), own as (
  select d.*, w.name from millrace_data.dead_letter d
  left join millrace_data.workflow w on w.id = d.workflow_id
  where d.transaction_id is not null
), reopened as materialized (
  select transaction_id, state from millrace_data.round where round = 2
), first_end as (
  select e.transaction_id, e.state from millrace_data.ending e
  where not exists (select from reopened r where r.transaction_id = e.transaction_id)
  union all
  select transaction_id, state from reopened
)
select case when t.id is null then 'letter_of_none' when f.state is null or f.state not in (2, 3) then 'letter_of_unfailed'
            else 'letter_elsewhere' end,
       d.lane_id, d.name, d.kafka_offset, d.id::text,
       case when t.id is null or f.state is null or f.state not in (2, 3) then 'a failed transaction ' || d.transaction_id
            else 'the place of transaction ' || t.id || ', offset ' || t.kafka_offset end,
       case when t.id is null then 'none' when f.state is null then 'it is open' when f.state not in (2, 3) then 'it is ' || ${stateText}
            else 'another' end
from own d
left join millrace_data.transaction t on t.id = d.transaction_id
left join millrace_data.version v on v.id = t.version_id
left join first_end f on f.transaction_id = t.id
where (t.id is null and not ${prunedTransaction('d.transaction_id')}) or (t.id is not null and (f.state is null or f.state not in (2, 3)))
   or (t.id is not null and (t.lane_id, t.kafka_offset, v.workflow_id) is distinct from (d.lane_id, d.kafka_offset, d.workflow_id))
union all
select 'letter_twice', min(lane_id), min(name), min(kafka_offset), transaction_id::text, 'one dead letter', count(*) || ' of them'
from own group by transaction_id having count(*) > 1
union all
select 'letter_missing', t.lane_id, w.name, t.kafka_offset, t.id::text, 'a dead letter: the workflow wants one of what fails', 'none'
from millrace_data.transaction t
join first_end f on f.transaction_id = t.id and f.state in (2, 3)
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
where t.version_id = any(array(select version from wants)) and t.parent_id is null and not exists (
  select from millrace_data.dead_letter d where d.transaction_id = t.id)
  and not ${prunedTransaction('t.id')}`,
  values: ({ versions }) => [versions.filter(({ plan }) => plan?.deadLetter.failed).map((version) => version.id)],
}
