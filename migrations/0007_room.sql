-- Third of three: history becomes partitions by time. A transaction's id begins with its time, and so does a commit's
-- number; partitions are ranges of these, so every key stays as it was, and whoever knows an id looks into one of them.
--   transaction, attempt, ending, begun   a day each, by the transaction's id
--   commit, passed                        a week each, by the commit's number
-- Those to come are made ahead (`migrate`, each coordinator, `millrace prune`); there is none for what fits nowhere. Old ones are
-- dropped by `millrace prune`, and what is still open of them moves to the attic: the partition of all that is older than
-- the horizon. An older version goes on writing beside this one: its statements name the same tables.

set local lock_timeout = '5s';
-- In the order in which a commit locks them, so that neither waits for the other in a ring.
lock table millrace_data.commit, millrace_data.transaction, millrace_data.attempt, millrace_data.ending,
  millrace_data.passed, millrace_data.begun in access exclusive mode;

do $$
declare
  upto timestamptz := (select first_to from millrace_data.horizon);
  part record;
  each record;
begin
  for part in
    select * from (values
      ('transaction', 'id', '00000000-0000-0000-0000-000000000000', millrace.first_id(upto)::text),
      ('attempt', 'transaction_id', '00000000-0000-0000-0000-000000000000', millrace.first_id(upto)::text),
      ('ending', 'transaction_id', '00000000-0000-0000-0000-000000000000', millrace.first_id(upto)::text),
      ('begun', 'transaction_id', '00000000-0000-0000-0000-000000000000', millrace.first_id(upto)::text),
      ('commit', 'id', '0', millrace_data.first_commit(upto)::text),
      ('passed', 'commit_id', '0', millrace_data.first_commit(upto)::text)
    ) as t (name, key, zero, bound)
  loop
    execute format('alter table millrace_data.%I rename to %I', part.name, part.name || '_first');
    for each in select indexrelid::regclass::text as index, relname from pg_index join pg_class c on c.oid = indexrelid
               where indrelid = format('millrace_data.%I', part.name || '_first')::regclass loop
      execute format('alter index %s rename to %I', each.index, replace(each.relname, part.name || '_', part.name || '_first_'));
    end loop;
    execute format('create table millrace_data.%I (like millrace_data.%I including all excluding storage) partition by range (%I)',
                   part.name, part.name || '_first', part.key);
    execute format('alter table millrace_data.%I drop constraint room', part.name);
    execute format('create table millrace_data.%I (like millrace_data.%I including all)', part.name || '_attic', part.name);
    execute format('alter table millrace_data.%I attach partition millrace_data.%I for values from (minvalue) to (%L)',
                   part.name, part.name || '_attic', part.zero);
    execute format('alter table millrace_data.%I attach partition millrace_data.%I for values from (%L) to (%L)',
                   part.name, part.name || '_first', part.zero, part.bound);
    execute format('alter table millrace_data.%I drop constraint room', part.name || '_first');
    -- Who could write to the table can write to what stands in its place.
    for each in select a.privilege_type, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as who
               from pg_class c, aclexplode(c.relacl) a
               where c.oid = format('millrace_data.%I', part.name || '_first')::regclass and a.grantee <> c.relowner loop
      execute format('grant %s on millrace_data.%I to %s', each.privilege_type, part.name, each.who);
    end loop;
  end loop;
end
$$;

-- Where a transaction stands. A function, and none that is merged into its caller, so that a commit which has nothing to ask
-- of it does not open and lock every partition all the same.
create function millrace_data.place_of(transaction uuid) returns table (workflow_id int, kafka_offset bigint)
  language plpgsql stable rows 1 as $$
begin
  return query
    select v.workflow_id, t.kafka_offset
    from millrace_data.transaction t join millrace_data.version v on v.id = t.version_id
    where t.id = place_of.transaction;
end
$$;

-- Views follow a table that is renamed: they are made again, as they were, on what stands in its place.

create or replace view millrace.transactions as
select t.id,
       w.name as workflow,
       v.hash as version,
       t.key,
       t.event_id,
       k.name as topic,
       l.kafka_partition,
       t.kafka_offset,
       case e.state when 1 then 'completed' when 2 then 'failed' else 'running' end as state,
       e.error_code,
       e.error_message,
       t.produced_at,
       t.fetched_at,
       t.admitted_at,
       e.ended_at,
       millrace_data.ms(e.ended_at, t.admitted_at) as duration_ms,
       n.name as engine,
       t.envelope::json as event,
       t.redriven_from,
       k.incarnation
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
       a.resolved_by
from millrace_data.attempt a
join millrace_data.transaction t on t.id = a.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
left join millrace_data.commit c on c.id = a.commit_id
where a.attempt > 0;

create or replace view millrace.steps as
select t.id as transaction_id,
       s.step,
       case
         when a.step_state = 1 then 'ok'
         when a.step_state = 2 then 'skipped'
         when a.step_state = 3 then 'failed'
         when a.step_state = 4 then 'in_doubt'
         when s.no > 1 and not exists (
           select from millrace_data.attempt p
           where p.transaction_id = t.id and p.step = s.no - 2 and p.step_state between 1 and 3) then 'pending'
         when a.next_at > clock_timestamp() then 'waiting'
         else 'running'
       end as state,
       coalesce(a.attempt, 0)::int as attempts,
       a.output::jsonb as output,
       c.returned_at as committed_at,
       s.no::int as position
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
cross join lateral unnest(v.step_ids) with ordinality as s (step, no)
left join lateral (
  select * from millrace_data.attempt a
  where a.transaction_id = t.id and a.step = s.no - 1
  order by a.attempt desc limit 1) a on true
left join millrace_data.ending e on e.transaction_id = t.id
left join millrace_data.commit c on c.id = a.commit_id and a.step_state is not null
where a.attempt is not null or e.transaction_id is null;

create or replace view millrace.passed_offsets as
select k.name as topic,
       l.kafka_partition,
       w.name as workflow,
       p.from_offset,
       p.to_offset,
       case p.reason when 1 then 'other_type' when 2 then 'before_start' when 3 then 'absent'
                     when 4 then 'no_workflow' when 5 then 'compacted' when 6 then 'aborted'
                     when 7 then 'control' when 8 then 'retention' end as reason,
       n.name as engine,
       k.incarnation
from millrace_data.passed p
join millrace_data.lane l on l.id = p.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.workflow w on w.id = p.workflow_id;

create or replace view millrace.duplicates as
select k.name as topic,
       l.kafka_partition,
       d.kafka_offset,
       w.name as workflow,
       d.first_id as first_transaction_id,
       d.event_id,
       n.name as engine,
       k.incarnation,
       c.returned_at as committed_at
from millrace_data.duplicate d
join millrace_data.lane l on l.id = d.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
join millrace_data.workflow w on w.id = d.workflow_id
left join millrace_data.commit c on c.id = d.commit_id;

create or replace view millrace.outbox as
select o.id,
       o.transaction_id,
       v.step_ids[o.step + 1] as step,
       o.n::int as n,
       o.topic,
       coalesce(o.key, d.key) as key,
       coalesce(o.value, d.value) as value,
       coalesce(d.headers, o.headers)::json as headers,
       case when o.error is not null then 'refused'
            when o.seq <= p.published_seq then 'published'
            else 'pending' end as state,
       o.error,
       o.dead_letter_id,
       k.name as lane_topic,
       l.kafka_partition,
       o.seq,
       c.returned_at as committed_at,
       e.name as engine
from millrace_data.outbox o
join millrace_data.lane l on l.id = o.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine e on e.id = l.engine_id
left join millrace_data.outbox_progress p on p.lane_id = o.lane_id
left join millrace_data.dead_letter d on d.id = o.dead_letter_id
left join millrace_data.transaction t on t.id = o.transaction_id
left join millrace_data.version v on v.id = t.version_id
left join millrace_data.commit c on c.id = o.commit_id;

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
       n.name as engine
from millrace_data.begun b
join millrace_data.attempt a on a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt
join millrace_data.transaction t on t.id = a.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.lane l on l.id = t.lane_id
join millrace_data.engine n on n.id = l.engine_id
where a.step_state = 4 and not exists (
  select from millrace_data.attempt later
  where later.transaction_id = a.transaction_id and later.step = a.step and later.attempt > a.attempt);

create or replace view millrace.commands as
select x.id,
       x.kind,
       x.target,
       x.args::json as args,
       x.asked_by,
       x.why,
       x.asked_at,
       case x.state when 1 then 'pending' when 2 then 'done' when 3 then 'refused' end as state,
       x.answer,
       c.returned_at as committed_at,
       n.name as engine
from millrace_data.command x
join millrace_data.lane l on l.id = x.lane_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.commit c on c.id = x.commit_id;

-- pruned_to: below this offset rows may be pruned.
create or replace view millrace.lanes as
select k.name as topic,
       l.kafka_partition,
       l.epoch,
       p.next_offset,
       l.owner,
       p.seen_at,
       l.opened_at,
       n.name as engine,
       case when l.session is null then 'released'
            when p.seen_at + l.lease < clock_timestamp() then 'expired'
            when l.asked_at is not null then 'asked'
            else 'held' end as state,
       l.asked_by,
       p.paused,
       p.queued,
       p.running,
       k.incarnation,
       h.pruned_to
from millrace_data.lane l
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.lane_progress p on p.lane_id = l.id
left join millrace_data.lane_horizon h on h.lane_id = l.id;
