-- Room for years, first of three: history is to be cut into partitions by time, so that old ones can be dropped at once.
-- What is there becomes the first partition, up to a day not long from now. So that making it one need not read it all
-- under a lock, its bound is said here (at once), checked in 0006 (while others write), and used in 0007 (at once).
-- The three belong together: `millrace migrate` runs them one after the other.

set local lock_timeout = '5s';
-- In the order in which a commit locks them, so that neither waits for the other in a ring.
lock table millrace_data.commit, millrace_data.transaction, millrace_data.attempt, millrace_data.ending,
  millrace_data.passed, millrace_data.begun in access exclusive mode;

-- What was pruned. Of transactions with ids below "below_id" those that had ended are gone, with their attempts; of
-- commits below "below_commit" (a week later than the transactions) their times, and what else goes by them.
create table millrace_data.horizon (
  only_row boolean primary key default true check (only_row),
  below_id uuid not null default '00000000-0000-0000-0000-000000000000',
  below_commit bigint not null default 0,
  -- Where the first partition ends: of what was there before partitions, and of older versions that write beside us.
  first_to timestamptz not null
);

-- Of a lane: below this offset rows may be pruned.
create table millrace_data.lane_horizon (
  lane_id int primary key,
  pruned_to bigint not null
);

-- Ids begin with milliseconds since 1970, in 48 bits. For readers, too: id >= millrace.first_id(now() - interval '1 day').
create function millrace.first_id(at timestamptz) returns uuid
  language sql immutable parallel safe
  return (lpad(to_hex((extract(epoch from at) * 1000)::int8), 12, '0') || repeat('0', 20))::uuid;

-- Numbers of commits begin with seconds since 2020. Those of older versions begin with small numbers and lie below.
create function millrace_data.first_commit(at timestamptz) returns bigint
  language sql immutable parallel safe
  return (extract(epoch from at)::int8 - 1577836800) << 32;

do $$
declare
  last uuid := (select id from millrace_data.transaction order by id desc limit 1);
  last_at timestamptz;
  upto timestamptz;
begin
  if last is null then
    upto := now() + interval '1 day';
  else
    -- Far enough that nobody meets the bound while 0006 reads a big ledger, or is run again after a failure.
    last_at := to_timestamp(('x' || left(replace(last::text, '-', ''), 12))::bit(48)::int8 / 1000.0);
    upto := greatest(now(), last_at) + interval '8 days';
  end if;
  upto := date_trunc('day', upto, 'UTC');
  insert into millrace_data.horizon (first_to) values (upto);
  execute format('alter table millrace_data.transaction add constraint room check (id < %L) not valid',
                 millrace.first_id(upto));
  execute format('alter table millrace_data.attempt add constraint room check (transaction_id < %L) not valid',
                 millrace.first_id(upto));
  execute format('alter table millrace_data.ending add constraint room check (transaction_id < %L) not valid',
                 millrace.first_id(upto));
  execute format('alter table millrace_data.begun add constraint room check (transaction_id < %L) not valid',
                 millrace.first_id(upto));
  execute format('alter table millrace_data.commit add constraint room check (id < %s) not valid',
                 millrace_data.first_commit(upto));
  execute format('alter table millrace_data.passed add constraint room check (commit_id < %s) not valid',
                 millrace_data.first_commit(upto));
end
$$;
