-- Last of four: the contract grows with 0008. Columns are only ever added, at the end.

-- Rounds: of a step count the rows of the last round that began at it or before it; what was tried before is as if it had
-- not run. Written out each time: a function would ask for its caller's rights, and readers have none behind these views.

-- Of a step and item; text for people: 'bill[3]'.
create function millrace_data.step_name(ids text[], step int, item text) returns text
  language sql immutable parallel safe
  return ids[step + 1] || case when item = '' then '' else '[' || item || ']' end;

-- What is only asked of those that are open is asked of no other.
create or replace view millrace.transactions as
select t.id,
       w.name as workflow,
       v.hash as version,
       t.key,
       t.event_id,
       k.name as topic,
       l.kafka_partition,
       t.kafka_offset,
       case e.state
         when 1 then 'completed' when 2 then 'failed' when 3 then 'compensated' when 4 then 'cancelled'
         else case
           when exists (
             select from millrace_data.begun b
             join millrace_data.attempt a
               on a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt and a.item = b.item
             where b.transaction_id = t.id and a.step_state = 4 and not exists (
               select from millrace_data.attempt later
               where later.transaction_id = a.transaction_id and later.step = a.step and later.item = a.item
                 and later.attempt > a.attempt)) then 'in_doubt'
           when exists (select from millrace_data.turn f
                        where f.transaction_id = t.id and not exists (
                    select from millrace_data.round q where q.transaction_id = t.id and q.round > f.round)) then 'compensating'
           when exists (select from millrace_data.rest r where r.transaction_id = t.id and r.is_alone) then 'waiting'
           else 'running' end
       end as state,
       case when e.transaction_id is not null then e.error_code
            else (select f.code from millrace_data.turn f
                  where f.transaction_id = t.id and not exists (
                    select from millrace_data.round q where q.transaction_id = t.id and q.round > f.round)) end as error_code,
       case when e.transaction_id is not null then e.error_message
            else (select f.message from millrace_data.turn f
                  where f.transaction_id = t.id and not exists (
                    select from millrace_data.round q where q.transaction_id = t.id and q.round > f.round)) end as error_message,
       t.produced_at,
       t.fetched_at,
       t.admitted_at,
       e.ended_at,
       millrace_data.ms(e.ended_at, t.admitted_at) as duration_ms,
       n.name as engine,
       t.envelope::json as event,
       t.redriven_from,
       k.incarnation,
       t.parent_id,
       case when t.parent_id is not null then (
         select millrace_data.step_name(pv.step_ids, t.parent_step, t.parent_item)
         from millrace_data.transaction p join millrace_data.version pv on pv.id = p.version_id
         where p.id = t.parent_id) end as parent_step,
       coalesce((select max(q.round) from millrace_data.round q where q.transaction_id = t.id), 1)::int as round
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.lane l on l.id = t.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.ending e on e.transaction_id = t.id;

create or replace view millrace.attempts as
select a.transaction_id,
       v.step_ids[a.step + 1] as step,
       a.attempt::int as attempt,
       v.step_functions[a.step + 1] as function,
       case a.outcome when 1 then 'ok' when 2 then 'retry' when 3 then 'fail' when 4 then 'timeout'
                      when 5 then 'crash' when 6 then 'lost' end as outcome,
       a.error_code,
       a.error_message,
       a.eligible_at,
       a.dispatched_at,
       least(greatest(a.started_at, a.dispatched_at), a.received_at) as started_at,
       least(greatest(a.finished_at, a.started_at, a.dispatched_at), a.received_at) as finished_at,
       c.returned_at as committed_at,
       a.output::jsonb as output,
       a.logs,
       w.name as workflow,
       a.next_at,
       a.received_at,
       greatest(millrace_data.ms(a.dispatched_at, a.started_at), millrace_data.ms(a.finished_at, a.received_at), 0)
         as skew_ms,
       a.resolved_by,
       a.item,
       coalesce(v.step_kinds[a.step + 1], 'invoke') as kind,
       case v.step_kinds[a.step + 1] when 'undo' then 'undo' else 'forward' end as direction,
       coalesce(a.round, 1)::int as round
from millrace_data.attempt a
join millrace_data.transaction t on t.id = a.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
left join millrace_data.commit c on c.id = a.commit_id
where a.attempt > 0;

-- Steps of an ended transaction that were never reached are not listed, nor are those of an item that has not come to them.
create or replace view millrace.steps as
select t.id as transaction_id,
       s.step,
       case
         when u.done then 'compensated'
         when a.step_state = 1 then 'ok'
         when a.step_state = 2 then 'skipped'
         when a.step_state = 3 then 'failed'
         when a.step_state = 4 then 'in_doubt'
         when exists (select from millrace_data.rest r
                      where r.transaction_id = t.id and r.step = s.no - 1 and r.item = coalesce(a.item, '')) then 'waiting'
         when a.next_at > clock_timestamp() then 'waiting'
         when a.attempt is not null or s.starts = -1 then 'running'
         when s.starts = -2 then 'pending'
         when exists (select from millrace_data.attempt p
                      where p.transaction_id = t.id and p.step = s.starts and p.item = '' and p.step_state between 1 and 3
                        and coalesce(p.round, 1) >= coalesce((
      select max(q.round) from millrace_data.round q
      where q.transaction_id = t.id and q.from_step <= s.starts), 1)) then 'running'
         else 'pending'
       end as state,
       coalesce(a.attempt, 0)::int as attempts,
       a.output::jsonb as output,
       c.returned_at as committed_at,
       s.no::int as position,
       coalesce(a.item, '') collate "default" as item,
       s.kind
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
cross join lateral (
  select i.step, i.no, coalesce(v.step_kinds[i.no], 'invoke') as kind,
         coalesce(v.step_starts[i.no], i.no::smallint - 2) as starts
  from unnest(v.step_ids) with ordinality as i (step, no)
) s
left join lateral (
  select distinct on (b.item) b.* from millrace_data.attempt b
  where b.transaction_id = t.id and b.step = s.no - 1
    -- One that is skipped again in a later round has no second row.
    and (b.attempt = 0 or coalesce(b.round, 1) >= coalesce((
      select max(q.round) from millrace_data.round q
      where q.transaction_id = t.id and q.from_step <= s.no - 1), 1))
  order by b.item, b.attempt desc) a on true
left join lateral (
  select true as done
  where (v.step_kinds[s.no + 1] = 'undo' and exists (
      select from millrace_data.attempt b
      where b.transaction_id = t.id and b.step = s.no and b.item = coalesce(a.item, '') and b.step_state = 1
        and coalesce(b.round, 1) >= coalesce((
      select max(q.round) from millrace_data.round q
      where q.transaction_id = t.id and q.from_step <= s.no), 1)))
    or (s.kind = 'call' and a.step_state = 1 and exists (
      select from millrace_data.transaction child join millrace_data.ending x on x.transaction_id = child.id
      where child.id between millrace_data.first_beside(t.id) and millrace_data.last_beside(t.id)
        and child.parent_id = t.id and child.parent_step = a.step and child.parent_item = a.item and x.state = 3))
) u on true
left join millrace_data.ending e on e.transaction_id = t.id
left join millrace_data.commit c on c.id = a.commit_id and a.step_state is not null
where s.kind <> 'undo' and (a.attempt is not null or (e.transaction_id is null and s.starts <> -3))
union all
-- Of items: what rests and has no attempt yet.
select r.transaction_id, v.step_ids[r.step + 1], 'waiting', 0, null, null, r.step + 1, r.item collate "default",
       v.step_kinds[r.step + 1]
from millrace_data.rest r
join millrace_data.transaction t on t.id = r.transaction_id
join millrace_data.version v on v.id = t.version_id
where r.item <> '' and not exists (
  select from millrace_data.attempt a
  where a.transaction_id = r.transaction_id and a.step = r.step and a.item = r.item
    and coalesce(a.round, 1) >= coalesce((
      select max(q.round) from millrace_data.round q
      where q.transaction_id = r.transaction_id and q.from_step <= r.step), 1));

create or replace view millrace.in_doubt as
select a.transaction_id,
       v.step_ids[a.step + 1] as step,
       w.name as workflow,
       t.key,
       a.attempt::int as attempt,
       case a.outcome when 2 then 'retry' when 3 then 'fail' when 4 then 'timeout' when 5 then 'crash'
                      when 6 then 'lost' end as outcome,
       a.error_code,
       a.error_message,
       a.started_at,
       a.received_at,
       n.name as engine,
       a.item
from millrace_data.begun b
join millrace_data.attempt a
  on a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt and a.item = b.item
join millrace_data.transaction t on t.id = a.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.lane l on l.id = t.lane_id
join millrace_data.engine n on n.id = l.engine_id
where a.step_state = 4 and not exists (
  select from millrace_data.attempt later
  where later.transaction_id = a.transaction_id and later.step = a.step and later.item = a.item
    and later.attempt > a.attempt);

create or replace view millrace.versions as
select w.name as workflow, v.hash as version, v.source, v.step_ids as steps, v.step_functions as functions,
       coalesce(v.step_kinds, array_fill('invoke'::text, array[cardinality(v.step_ids)])) as kinds
from millrace_data.version v
join millrace_data.workflow w on w.id = v.workflow_id;

-- Functions alone, and forward: what undoes a step has its step's name.
create or replace view millrace.latency as
with parts as (
  select workflow, step,
         millrace_data.ms(dispatched_at, eligible_at) as wait,
         millrace_data.ms(started_at, dispatched_at) as dispatch,
         millrace_data.ms(finished_at, started_at) as run,
         millrace_data.ms(committed_at, finished_at) as commit,
         millrace_data.ms(committed_at, eligible_at) as whole
  from millrace.attempts
  where function is not null and direction = 'forward'
  union all
  select workflow, null, null, null, null, null,
         millrace_data.ms(ended_at, least(produced_at, fetched_at))
  from millrace.transactions
  where ended_at is not null
), measured as (
  select workflow, step, count(*) as count,
         percentile_cont(array[0.5, 0.95, 0.99]) within group (order by wait) as wait,
         percentile_cont(array[0.5, 0.95, 0.99]) within group (order by dispatch) as dispatch,
         percentile_cont(array[0.5, 0.95, 0.99]) within group (order by run) as run,
         percentile_cont(array[0.5, 0.95, 0.99]) within group (order by commit) as commit,
         percentile_cont(array[0.5, 0.95, 0.99]) within group (order by whole) as whole
  from parts group by workflow, step
)
select workflow, step, count,
       wait[1] as wait_p50_ms, wait[2] as wait_p95_ms, wait[3] as wait_p99_ms,
       dispatch[1] as dispatch_p50_ms, dispatch[2] as dispatch_p95_ms, dispatch[3] as dispatch_p99_ms,
       run[1] as run_p50_ms, run[2] as run_p95_ms, run[3] as run_p99_ms,
       commit[1] as commit_p50_ms, commit[2] as commit_p95_ms, commit[3] as commit_p99_ms,
       whole[1] as whole_p50_ms, whole[2] as whole_p95_ms, whole[3] as whole_p99_ms
from measured;

create or replace view millrace.passed_offsets as
select k.name as topic,
       l.kafka_partition,
       w.name as workflow,
       p.from_offset,
       p.to_offset,
       case p.reason when 1 then 'other_type' when 2 then 'before_start' when 3 then 'absent'
                     when 4 then 'no_workflow' when 5 then 'compacted' when 6 then 'aborted'
                     when 7 then 'control' when 8 then 'retention' when 9 then 'no_key' end as reason,
       n.name as engine,
       k.incarnation
from millrace_data.passed p
join millrace_data.lane l on l.id = p.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.workflow w on w.id = p.workflow_id;

create view millrace.waits as
select r.transaction_id,
       v.step_ids[r.step + 1] as step,
       r.item collate "default" as item,
       w.name as workflow,
       t.key as transaction_key,
       r.due_at,
       r.since_at,
       r.topic,
       r.key,
       r.is_alone,
       n.name as engine
from millrace_data.rest r
join millrace_data.transaction t on t.id = r.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.lane l on l.id = r.lane_id
join millrace_data.engine n on n.id = l.engine_id;

create view millrace.signals as
select s.id,
       w.name as workflow,
       k.name as topic,
       l.kafka_partition,
       s.kafka_offset,
       s.key,
       s.at,
       s.keep_until,
       s.received_at,
       case when s.take_first then 'first' else 'all' end as take,
       (select array_agg(x.transaction_id order by x.commit_id) from millrace_data.taken x
        where x.signal_id = s.id and x.commit_id is not null) as taken_by,
       s.event::json as event,
       c.returned_at as committed_at,
       n.name as engine,
       k.incarnation
from millrace_data.signal s
join millrace_data.workflow w on w.id = s.workflow_id
join millrace_data.lane l on l.id = s.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.commit c on c.id = s.commit_id;

create view millrace.postings as
select p.transaction_id,
       v.step_ids[p.step + 1] as step,
       p.item collate "default" as item,
       p.attempt::int as attempt,
       p.n::int as n,
       p.debit,
       p.credit,
       p.amount,
       p.currency,
       p.party,
       p.charge_key,
       case v.step_kinds[p.step + 1] when 'undo' then 'undo' else 'forward' end as direction,
       p.reverses_attempt::int as reverses_attempt,
       p.reverses_n::int as reverses_n,
       p.at as posted_at,
       w.name as workflow,
       c.returned_at as committed_at,
       n.name as engine
from millrace_data.posting p
join millrace_data.transaction t on t.id = p.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.engine n on n.id = p.engine_id
left join millrace_data.commit c on c.id = p.commit_id;

-- Postings that count one by one: those that are not in "carried".
create view millrace_data.counted as
select p.* from millrace_data.posting p
where p.transaction_id >= (select carried_id from millrace_data.horizon)
   or exists (select from millrace_data.transaction t where t.id = p.transaction_id);

create view millrace.accounts as
select n.name as engine, s.account, s.currency, sum(s.debits) as debits, sum(s.credits) as credits,
       sum(s.credits) - sum(s.debits) as balance
from (
  select engine_id, debit as account, currency, amount::numeric as debits, 0::numeric as credits from millrace_data.counted
  union all
  select engine_id, credit, currency, 0, amount from millrace_data.counted
  union all
  select engine_id, account, currency, debits, credits from millrace_data.carried
) s
join millrace_data.engine n on n.id = s.engine_id
group by n.name, s.account, s.currency;

-- Balances as they were at this moment. What was pruned counts as a whole: of before that nobody can tell.
create function millrace.accounts_at(at timestamptz)
  returns table (engine text, account text, currency text, debits numeric, credits numeric, balance numeric)
  language plpgsql stable security definer set search_path = pg_catalog, millrace_data as $$
declare
  since timestamptz := (select h.carried_at from millrace_data.horizon h);
begin
  if accounts_at.at < since then
    raise exception 'postings up to % were pruned: balances before that are not known any more', since using errcode = '22023';
  end if;
  return query
    select n.name, s.account, s.currency, sum(s.debits), sum(s.credits), sum(s.credits) - sum(s.debits)
    from (
      select c.engine_id, c.debit as account, c.currency, c.amount::numeric as debits, 0::numeric as credits
      from millrace_data.counted c where c.at <= accounts_at.at
      union all
      select c.engine_id, c.credit, c.currency, 0, c.amount from millrace_data.counted c where c.at <= accounts_at.at
      union all
      select c.engine_id, c.account, c.currency, c.debits, c.credits from millrace_data.carried c
    ) s
    join millrace_data.engine n on n.id = s.engine_id
    group by n.name, s.account, s.currency;
end
$$;

-- What a transaction that was to be undone has left: few ever turn, so that history is not searched.
create view millrace.owed as
select f.transaction_id,
       v.step_ids[a.step + 1] as step,
       a.item collate "default" as item,
       w.name as workflow,
       t.key,
       v.step_kinds[a.step + 1] as kind,
       case v.step_kinds[a.step + 1] when 'call' then null else v.step_functions[a.step + 2] end as function,
       u.error_code,
       u.error_message,
       u.attempts,
       e.ended_at,
       n.name as engine
from (select distinct transaction_id from millrace_data.turn) f
join millrace_data.ending e on e.transaction_id = f.transaction_id and e.state = 2
join millrace_data.transaction t on t.id = f.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.lane l on l.id = t.lane_id
join millrace_data.engine n on n.id = l.engine_id
join lateral (
  select distinct on (b.step, b.item) b.step, b.item, b.step_state, b.unknown from millrace_data.attempt b
  where b.transaction_id = f.transaction_id and coalesce(b.round, 1) >= coalesce((
      select max(q.round) from millrace_data.round q
      where q.transaction_id = f.transaction_id and q.from_step <= b.step), 1)
    and (v.step_kinds[b.step + 2] = 'undo' or v.step_kinds[b.step + 1] = 'call')
  order by b.step, b.item, b.attempt desc) a on a.step_state = 1 or (a.step_state = 3 and a.unknown)
left join lateral (
  select b.error_code, b.error_message, b.attempt::int as attempts, b.step_state from millrace_data.attempt b
  where v.step_kinds[a.step + 2] = 'undo'
    and b.transaction_id = f.transaction_id and b.step = a.step + 1 and b.item = a.item
    and coalesce(b.round, 1) >= coalesce((
      select max(q.round) from millrace_data.round q
      where q.transaction_id = f.transaction_id and q.from_step <= b.step), 1)
  order by b.attempt desc limit 1) u on true
where u.step_state is distinct from 1
  and (v.step_kinds[a.step + 1] <> 'call' or exists (
    select from millrace_data.transaction child
    left join millrace_data.ending x on x.transaction_id = child.id
    where child.id between millrace_data.first_beside(t.id) and millrace_data.last_beside(t.id)
      and child.parent_id = t.id and child.parent_step = a.step and child.parent_item = a.item
      and x.state is distinct from 3));

create view millrace.rounds as
select r.transaction_id,
       r.round::int as round,
       r.opened_at,
       r.opened_by,
       v.step_ids[r.from_step + 1] as from_step,
       r.input::json as input,
       case r.state when 1 then 'completed' when 2 then 'failed' when 3 then 'compensated' when 4 then 'cancelled' end
         as former_state,
       r.error_code as former_error_code,
       r.error_message as former_error_message,
       r.ended_at as former_ended_at,
       w.name as workflow,
       n.name as engine
from millrace_data.round r
join millrace_data.transaction t on t.id = r.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.lane l on l.id = t.lane_id
join millrace_data.engine n on n.id = l.engine_id;

create view millrace.pauses as
select w.name as workflow,
       p.key,
       case when p.resumed_at is null then 'paused' else 'resumed' end as state,
       p.paused_at,
       p.paused_by,
       p.why,
       p.resumed_at,
       p.resumed_by,
       p.resumed_why,
       n.name as engine
from millrace_data.pause p
join millrace_data.workflow w on w.id = p.workflow_id
join millrace_data.engine n on n.id = p.engine_id;

do $$
begin
  if exists (select from pg_roles where rolname = 'millrace_reader') then
    grant select on all tables in schema millrace to millrace_reader;
  end if;
end
$$;
