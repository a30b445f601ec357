-- Third of four: what a forEach holds exists once for each item, so `item` becomes part of the key. Reads nothing: the indexes
-- of 0009 are taken; partitions that have none are empty, or were made since.

set local lock_timeout = '5s';
lock table millrace_data.attempt, millrace_data.begun in access exclusive mode;

do $$
declare
  parent text;
  part text;
begin
  foreach parent in array array['attempt', 'begun'] loop
    execute format('alter table millrace_data.%I drop constraint %I', parent, parent || '_pkey');
    for part in select c.relname from pg_inherits h join pg_class c on c.oid = h.inhrelid
                where h.inhparent = format('millrace_data.%I', parent)::regclass loop
      if to_regclass(format('millrace_data.%I', part || '_with_item')) is null then
        execute format('alter table millrace_data.%I add constraint %I primary key (transaction_id, step, attempt, item)',
                       part, part || '_pkey');
      else
        execute format('alter table millrace_data.%I add constraint %I primary key using index %I',
                       part, part || '_pkey', part || '_with_item');
      end if;
    end loop;
    execute format('alter table millrace_data.%I add constraint %I primary key (transaction_id, step, attempt, item)',
                   parent, parent || '_pkey');
  end loop;
end
$$;
