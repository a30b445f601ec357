/**
 * Postings: one row moves an amount from one account to another, so that what does not balance cannot be said. Held is whose they
 * are, that what was undone is reversed to the unit, and that nothing is charged twice.
 */
import type { Check } from '../check.ts'
import { nameOf, richStand, richValues } from '../rich.ts'
import { prunedTransaction } from '../words.ts'

export const money: Check = {
  name: 'money',
  holds:
    'each posting is of an attempt that ended well, in its commit; those of an undone step are reversed, or come to nothing; each charge key stands for one posting that is not reversed',
  kinds: {
    posting_of_none:
      'millrace_data.posting: the row is too much, or was moved; or the row of millrace_data.attempt is gone or changed',
    posting_missing: 'millrace_data.posting: a row is gone, or n was changed',
    posting_elsewhere: 'millrace_data.posting: engine_id was changed',
    reversal_differs:
      'millrace_data.posting: the reversal, or what it reverses, was changed; or one of the two is gone',
    not_reversed: 'millrace_data.posting: the reversal is gone, or what it should reverse is too much',
    net_differs: 'millrace_data.posting: a row of the step, or of what undoes it, is gone, changed or too much',
    charge_missing: 'millrace_data.charge: the row is gone or changed: it could be charged again',
    charge_of_none: 'millrace_data.charge: the row is too much or was changed; or the posting is gone',
    carried_unbalanced: 'millrace_data.carried: debits or credits were changed, or a row is gone',
  },
  sql: `
with ${richStand}, moved as materialized (
  select p.*, t.id as known, t.lane_id, t.version_id, t.kafka_offset, l.engine_id as own_engine, a.outcome, a.commit_id as a_commit,
         lag(p.n) over w as p_n, s.kind, s.undoes
  from millrace_data.posting p
  left join millrace_data.transaction t on t.id = p.transaction_id
  left join millrace_data.lane l on l.id = t.lane_id
  left join millrace_data.attempt a
    on a.transaction_id = p.transaction_id and a.step = p.step and a.attempt = p.attempt and a.item = p.item
  left join shape s on s.version = t.version_id and s.step = p.step
  window w as (partition by p.transaction_id, p.step, p.attempt, p.item order by p.n)
), reversed as (
  select r.*, o.transaction_id as o_id, o.debit as o_debit, o.credit as o_credit, o.amount as o_amount, o.currency as o_currency
  from moved r left join millrace_data.posting o
    on o.transaction_id = r.transaction_id and o.step = r.reverses_step and o.attempt = r.reverses_attempt and o.item = r.item
   and o.n = r.reverses_n
  where r.reverses_step is not null
), undone as (
  select u.id, u.lane_id, u.version_id, u.kafka_offset, u.step, u.undoes, u.item, u.attempt, f.attempt as f_attempt, s.reverses
  from stand u join shape s on s.version = u.version_id and s.step = u.step
  join stand f on f.id = u.id and f.step = u.undoes and f.item = u.item
  where u.kind = 'undo' and u.state = 1
), wrong (wrong, lane_id, version_id, position, id, step, item, expected, found) as (
  select case when m.n <> coalesce(m.p_n + 1, 0) and m.outcome is not distinct from 1 then 'posting_missing' when m.engine_id <> m.own_engine and m.outcome = 1 then 'posting_elsewhere' else 'posting_of_none' end,
         m.lane_id, m.version_id, m.kafka_offset, m.transaction_id, m.step::int, m.item,
         case when m.n <> coalesce(m.p_n + 1, 0) and m.outcome is not distinct from 1 then 'posting ' || coalesce(m.p_n + 1, 0) || ' of attempt ' || m.attempt
              when m.engine_id <> m.own_engine and m.outcome = 1 then 'the engine of its lane'
              else 'an attempt ' || m.attempt || ' that ended well, in commit ' || m.commit_id end,
         'posting ' || m.n || ': ' || m.amount || ' ' || m.currency || ' from ' || m.debit || ' to ' || m.credit
           || case when m.known is null then ' of no transaction' when m.outcome is null then ' of no attempt'
                when m.outcome <> 1 then ' of one that did not' when m.a_commit <> m.commit_id then ' of commit ' || m.a_commit else '' end
  from moved m
  where (m.known is null and not ${prunedTransaction('m.transaction_id')})
     or (m.known is not null and (m.outcome is distinct from 1 or m.a_commit <> m.commit_id or m.engine_id <> m.own_engine
         or m.n <> coalesce(m.p_n + 1, 0)))
  union all
  select 'reversal_differs', r.lane_id, r.version_id, r.kafka_offset, r.transaction_id, r.step::int, r.item,
         'the reversal of posting ' || r.reverses_n || ' of attempt ' || r.reverses_attempt || coalesce(': ' || r.o_amount || ' ' || r.o_currency || ' from ' || r.o_credit || ' to ' || r.o_debit, ', which is not there'),
         r.amount || ' ' || r.currency || ' from ' || r.debit || ' to ' || r.credit
  from reversed r
  where r.known is not null and (r.o_id is null or r.undoes is distinct from r.reverses_step::int
    or (r.debit, r.credit, r.amount, r.currency) <> (r.o_credit, r.o_debit, r.o_amount, r.o_currency))
  union all
  select 'not_reversed', u.lane_id, u.version_id, u.kafka_offset, u.id, u.undoes, u.item, 'its reversal: the step was undone',
         'posting ' || p.n || ' of attempt ' || p.attempt || ': ' || p.amount || ' ' || p.currency || ' from ' || p.debit || ' to ' || p.credit
  from undone u join millrace_data.posting p on p.transaction_id = u.id and p.step = u.undoes and p.item = u.item and p.attempt = u.f_attempt
  where u.reverses and not exists (
    select from millrace_data.posting r
    where r.transaction_id = p.transaction_id and r.reverses_step = p.step and r.reverses_attempt = p.attempt and r.item = p.item
      and r.reverses_n = p.n)
  union all
  select 'net_differs', min(u.lane_id), min(u.version_id), min(u.kafka_offset), u.id, u.undoes, u.item, 'nothing left on ' || x.account || ' of what it moved: it was undone',
         sum(x.amount) || ' ' || p.currency
  from undone u
  join millrace_data.posting p on p.transaction_id = u.id and p.item = u.item
    and ((p.step = u.undoes and p.attempt = u.f_attempt) or (p.step = u.step and p.attempt = u.attempt))
  cross join lateral (values (p.debit, -p.amount), (p.credit, p.amount)) as x (account, amount)
  where u.reverses is false
  group by u.id, u.undoes, u.item, x.account, p.currency having sum(x.amount) <> 0
  union all
  select 'charge_missing', m.lane_id, m.version_id, m.kafka_offset, m.transaction_id, m.step::int, m.item,
         'a charge with key ' || m.charge_key, coalesce('that of transaction ' || c.transaction_id, 'none')
  from moved m left join millrace_data.charge c on c.engine_id = m.engine_id and c.charge_key = m.charge_key
  where m.charge_key is not null and m.known is not null
    and (c.transaction_id, c.step, c.attempt, c.item, c.n) is distinct from (m.transaction_id, m.step, m.attempt, m.item, m.n)
    and not exists (
      select from millrace_data.posting r
      where r.transaction_id = m.transaction_id and r.reverses_step = m.step and r.reverses_attempt = m.attempt and r.item = m.item
        and r.reverses_n = m.n)
  union all
  select 'charge_of_none', t.lane_id, t.version_id, t.kafka_offset, c.transaction_id, c.step::int, c.item,
         'a posting with this key that is not reversed', 'none; the charge with key ' || c.charge_key || ' names it'
  from millrace_data.charge c left join millrace_data.transaction t on t.id = c.transaction_id
  where not ${prunedTransaction('c.transaction_id')} and not exists (
    select from millrace_data.posting p
    where p.transaction_id = c.transaction_id and p.step = c.step and p.attempt = c.attempt and p.item = c.item and p.n = c.n
      and p.charge_key = c.charge_key and not exists (
        select from millrace_data.posting r
        where r.transaction_id = p.transaction_id and r.reverses_step = p.step and r.reverses_attempt = p.attempt and r.item = p.item
          and r.reverses_n = p.n))
  union all
  select 'carried_unbalanced', null, null, null, null, null, '', 'as much debited as credited in ' || currency, sum(debits) || ' and ' || sum(credits)
  from millrace_data.carried group by engine_id, currency having sum(debits) <> sum(credits)
)
select x.wrong, x.lane_id, w.name, x.position, x.id::text, coalesce('step ' || ${nameOf('s', 'x.item')} || ': ', '') || x.expected, x.found
from wrong x
left join millrace_data.version v on v.id = x.version_id
left join millrace_data.workflow w on w.id = v.workflow_id
left join shape s on s.version = x.version_id and s.step = x.step`,
  values: richValues,
}
