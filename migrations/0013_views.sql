-- What the views say of steps and of what is owed, nearer to the truth. No history is read or written anew.

set local lock_timeout = '5s';

-- By step number, as in 0008; null: of an older version, or functions one after the other.
-- step_ends: the number of the last step of the list that it stands in. step_inside: of the last step inside of it; its own
-- where it holds none.
alter table millrace_data.version
  add step_ends smallint[],
  add step_inside smallint[],
  add step_optional boolean[];

-- What its holder takes for paused is what was so at this moment, or later; null: as it was opened.
alter table millrace_data.lane_progress add heard_at timestamptz;

-- Of a partition truncated by itself the trigger of the whole is not asked: each has its own. Those to come get theirs when made.
do $$
declare
  part regclass;
begin
  for part in select inhrelid::regclass from pg_inherits where inhparent = 'millrace_data.posting'::regclass loop
    execute format('create trigger posting_stays_whole before truncate on %s
                    for each statement execute function millrace_data.posting_stays()', part);
  end loop;
end
$$;

-- Whoever asks for an outcome by its word: without these Postgres takes each word for one row in two hundred, and joins row by
-- row what should be hashed. Partitions to come have them from the whole.
do $$
declare
  part regclass;
begin
  for part in select 'millrace_data.attempt'::regclass
              union all select inhrelid::regclass from pg_inherits where inhparent = 'millrace_data.attempt'::regclass loop
    execute format($sql$create statistics millrace_data.%I on
      (case outcome when 1 then 'ok' when 2 then 'retry' when 3 then 'fail' when 4 then 'timeout'
                    when 5 then 'crash' when 6 then 'lost' end) from %s$sql$,
      (select relname from pg_class where oid = part) || '_outcomes', part);
  end loop;
end
$$;

comment on table millrace_data.posting is
  'One row is both sides of a movement: debit and credit get the same amount, so that every transaction balances in every currency. Append-only.';

-- What will not come any more is not listed: what stands behind a step that failed, in a block that has ended, or in another
-- case than the one that was taken. One that is skipped again in a later round has no second row: what stands behind it tells.
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
         when exists (select from millrace_data.attempt b
                      where b.transaction_id = t.id and b.step between s.no and v.step_inside[s.no] and b.attempt > 0
                        and coalesce(b.round, 1) >= s.since) then 'running'
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
left join millrace_data.ending e on e.transaction_id = t.id
cross join lateral (
  select i.step, i.no, coalesce(v.step_kinds[i.no], 'invoke') as kind,
         coalesce(v.step_starts[i.no], i.no::smallint - 2) as starts,
         coalesce((select max(q.round) from millrace_data.round q
                   where q.transaction_id = t.id and q.from_step <= i.no - 1), 1) as since
  from unnest(v.step_ids) with ordinality as i (step, no)
) s
left join lateral (
  select distinct on (b.item) b.* from millrace_data.attempt b
  where b.transaction_id = t.id and b.step = s.no - 1
    and (coalesce(b.round, 1) >= s.since
      or (b.attempt = 0 and (e.state = 1 or (v.step_ends is null and v.step_kinds is not null) or exists (
        select from millrace_data.attempt behind
        where behind.transaction_id = t.id and behind.step between s.no and coalesce(v.step_ends[s.no], cardinality(v.step_ids) - 1)
          and coalesce(behind.round, 1) >= s.since
          and (b.item in ('', behind.item) or starts_with(behind.item, b.item || '.'))))))
  order by b.item, b.attempt desc) a on true
left join lateral (
  select true as done
  where (v.step_kinds[s.no + 1] = 'undo' and exists (
      select from millrace_data.attempt b
      where b.transaction_id = t.id and b.step = s.no and b.item = coalesce(a.item, '') and b.step_state = 1
        and coalesce(b.round, 1) >= coalesce((
      select max(q.round) from millrace_data.round q
      where q.transaction_id = t.id and q.from_step <= s.no), 1)))
    or (s.kind = 'call' and (a.step_state = 1 or (a.step_state = 3 and a.unknown)) and exists (
      select from millrace_data.transaction child join millrace_data.ending x on x.transaction_id = child.id
      where child.id between millrace_data.first_beside(t.id) and millrace_data.last_beside(t.id)
        and child.parent_id = t.id and child.parent_step = a.step and child.parent_item = a.item and x.state in (3, 4)))
) u on true
left join millrace_data.commit c on c.id = a.commit_id and a.step_state is not null
where s.kind <> 'undo' and (a.attempt is not null or (e.transaction_id is null and s.starts <> -3
  and not exists (
    select from millrace_data.attempt b
    where b.transaction_id = t.id and b.item = '' and b.step < s.no - 1
      and coalesce(b.round, 1) >= coalesce((
        select max(q.round) from millrace_data.round q where q.transaction_id = t.id and q.from_step <= b.step), 1)
      and (
        -- It has failed, or its block has ended.
        (b.step_state = 3 and not v.step_optional[b.step + 1] and v.step_inside[b.step + 1] < s.no - 1 and s.no - 1 <= v.step_ends[b.step + 1])
        or (b.step_state between 1 and 3 and s.no - 1 <= v.step_inside[b.step + 1])))
  -- Another case was taken: something in it has a row.
  and not exists (
    select from unnest(v.step_kinds) with ordinality as k (kind, no)
    join millrace_data.attempt b
      on b.transaction_id = t.id and b.step between k.no and v.step_inside[k.no]
    where k.kind = 'switch' and k.no < s.no and s.no - 1 <= v.step_inside[k.no] and b.item = ''
      and coalesce(b.round, 1) >= coalesce((
        select max(q.round) from millrace_data.round q where q.transaction_id = t.id and q.from_step <= b.step), 1)
      and not exists (
        select from unnest(v.step_starts) with ordinality as f (starts, no)
        where f.starts = -2 and f.no > k.no and f.no - 1 <= least(b.step, s.no - 1)
          and greatest(b.step, s.no - 1) <= v.step_ends[f.no]))))
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

-- What was called and has failed is owed when it owes something itself (its caller's row says "unknown"), until that is undone:
-- as compensated or, if it was to be cancelled, as cancelled.
create or replace view millrace.owed as
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
  and (v.step_kinds[a.step + 1] <> 'call' or coalesce((
    select x.state not in (3, 4) from millrace_data.transaction child
    left join millrace_data.ending x on x.transaction_id = child.id
    where child.id between millrace_data.first_beside(t.id) and millrace_data.last_beside(t.id)
      and child.parent_id = t.id and child.parent_step = a.step and child.parent_item = a.item
    order by child.admitted_at desc, child.id desc limit 1), true));

-- The letter of a transaction that was retried is redriven by that, unless it failed once more.
create or replace view millrace.dead_letters as
select d.id,
       k.name as topic,
       l.kafka_partition,
       d.kafka_offset,
       d.key,
       d.value,
       d.headers::json as headers,
       d.reason,
       d.code,
       d.received_at,
       case d.state
         when 1 then case when d.transaction_id is not null
             and exists (select from millrace_data.round q where q.transaction_id = d.transaction_id and q.from_step is not null)
             and not exists (select from millrace_data.ending e where e.transaction_id = d.transaction_id and e.state in (2, 3))
           then 'redriven' else 'open' end
         when 2 then 'redriven' when 3 then 'discarded' end as state,
       w.name as workflow,
       n.name as engine,
       d.transaction_id,
       k.incarnation
from millrace_data.dead_letter d
join millrace_data.lane l on l.id = d.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.workflow w on w.id = d.workflow_id;

do $$
begin
  if exists (select from pg_roles where rolname = 'millrace_reader') then
    grant select on all tables in schema millrace to millrace_reader;
  end if;
end
$$;
