-- Second of four: gives the statements that make, while others write, what 0010 puts in its place under a short lock. Each is
-- run by itself, outside of a transaction; run again after a failure, it goes on where it stopped. On a big ledger this is
-- what takes its time. Partitions without a row need none of it.

select statement from (
  -- Left half made by a run that was killed.
  select 1 as turn, p.relname, format('drop index concurrently millrace_data.%I', i.relname) as statement
  from pg_class p
  join pg_class i on i.relname = p.relname || '_with_item' and i.relnamespace = p.relnamespace
  join pg_index x on x.indexrelid = i.oid and not x.indisvalid
  where p.relnamespace = 'millrace_data'::regnamespace and p.relname ~ '^(attempt|begun)_'
  union all
  select 2, p.relname,
         format('create unique index concurrently if not exists %I on millrace_data.%I (transaction_id, step, attempt, item)',
                p.relname || '_with_item', p.relname)
  from pg_class p join pg_inherits h on h.inhrelid = p.oid
  where h.inhparent in ('millrace_data.attempt'::regclass, 'millrace_data.begun'::regclass) and pg_relation_size(p.oid) > 0
  union all
  select 3, 'ending', 'alter table millrace_data.ending validate constraint ending_state_check'
  union all
  select 3, 'passed', 'alter table millrace_data.passed validate constraint passed_reason_check'
) s order by turn, relname
\gexec
