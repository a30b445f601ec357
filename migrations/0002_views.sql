-- The contract for SQL users. Columns are only ever added.

create function millrace_data.ms(later timestamptz, earlier timestamptz) returns double precision
  language sql immutable parallel safe
  return extract(epoch from later - earlier)::double precision * 1000;

create view millrace.transactions as
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
       t.envelope::json as event
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
join millrace_data.lane l on l.id = t.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.ending e on e.transaction_id = t.id;

create view millrace.attempts as
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
         as skew_ms
from millrace_data.attempt a
join millrace_data.transaction t on t.id = a.transaction_id
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
left join millrace_data.commit c on c.id = a.commit_id
where a.attempt > 0;

-- Steps of an ended transaction that were never reached are not listed. Of an open one the first unsettled step is
-- "running" ("waiting" while a retry delay holds it), the ones behind it are "pending".
create view millrace.steps as
select t.id as transaction_id,
       s.step,
       case
         when a.step_state = 1 then 'ok'
         when a.step_state = 2 then 'skipped'
         when a.step_state = 3 then 'failed'
         when s.no > 1 and not exists (
           select from millrace_data.attempt p
           where p.transaction_id = t.id and p.step = s.no - 2 and p.step_state is not null) then 'pending'
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

create view millrace.dead_letters as
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
       case d.state when 1 then 'open' when 2 then 'redriven' when 3 then 'discarded' end as state,
       w.name as workflow,
       n.name as engine
from millrace_data.dead_letter d
join millrace_data.lane l on l.id = d.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.workflow w on w.id = d.workflow_id;

create view millrace.passed_offsets as
select k.name as topic,
       l.kafka_partition,
       w.name as workflow,
       p.from_offset,
       p.to_offset,
       case p.reason when 1 then 'other_type' when 2 then 'before_start' when 3 then 'absent'
                     when 4 then 'no_workflow' end as reason,
       n.name as engine
from millrace_data.passed p
join millrace_data.lane l on l.id = p.lane_id
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.workflow w on w.id = p.workflow_id;

create view millrace.lanes as
select k.name as topic,
       l.kafka_partition,
       l.epoch,
       p.next_offset,
       l.owner,
       p.seen_at,
       l.opened_at,
       n.name as engine
from millrace_data.lane l
join millrace_data.topic k on k.id = l.topic_id
join millrace_data.engine n on n.id = l.engine_id
left join millrace_data.lane_progress p on p.lane_id = l.id;

create view millrace.versions as
select w.name as workflow, v.hash as version, v.source, v.step_ids as steps, v.step_functions as functions
from millrace_data.version v
join millrace_data.workflow w on w.id = v.workflow_id;

-- One row for each workflow (step null: from the producer's stamp to the end) and one for each of its steps.
-- wait: eligible to dispatched; dispatch: to the start in the worker; run: to its end; commit: to the durable result.
create view millrace.latency as
with parts as (
  select workflow, step,
         millrace_data.ms(dispatched_at, eligible_at) as wait,
         millrace_data.ms(started_at, dispatched_at) as dispatch,
         millrace_data.ms(finished_at, started_at) as run,
         millrace_data.ms(committed_at, finished_at) as commit,
         millrace_data.ms(committed_at, eligible_at) as whole
  from millrace.attempts
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

-- Readers: grant millrace_reader to somebody. Where this role may not be made, a DBA makes it and runs the grants.
do $$
begin
  begin
    create role millrace_reader nologin;
  exception
    when duplicate_object or unique_violation then null; -- made before, or by another database of this server just now
    when insufficient_privilege then
      raise notice 'role millrace_reader was not made: this user may not create roles';
  end;
  if exists (select from pg_roles where rolname = 'millrace_reader') then
    grant usage on schema millrace to millrace_reader;
    grant select on all tables in schema millrace to millrace_reader;
    alter default privileges in schema millrace grant select on tables to millrace_reader;
  end if;
end
$$;
