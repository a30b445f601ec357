-- What the workflow language needs, first of four: columns and tables. No history is read or written anew, so that it takes
-- no time on a big ledger. Expands only: a version that knows 0007 goes on writing beside this one.
-- 0009 makes the keys that hold `item` while others write, 0010 puts them in their place, 0011 has the views.

set local lock_timeout = '5s';
-- In the order in which a commit locks them, so that neither waits for the other in a ring.
lock table millrace_data.transaction, millrace_data.attempt, millrace_data.ending, millrace_data.passed, millrace_data.begun
  in access exclusive mode;

-- The step that called it. Its id begins with the same time as its parent's, so that the two lie side by side.
alter table millrace_data.transaction
  add parent_id uuid,
  add parent_step smallint,
  add parent_item text collate "C";

-- item: places in the lists of the forEach steps around it, from 0: '3', '3.0'; '' outside of them.
-- seq: place among the settled steps of its transaction, from 1; null where that is the order of the steps' numbers.
-- unknown: true when nobody knows what it did outside, and its step has a compensation.
-- round: null in the first. Steps that run no function have one row, of their end, with attempt 1.
alter table millrace_data.attempt
  add item text collate "C" not null default '',
  add seq int,
  add unknown boolean,
  add round smallint;

alter table millrace_data.begun add item text collate "C" not null default '';

-- state: 1 completed, 2 failed, 3 compensated, 4 cancelled. Checked in 0009.
alter table millrace_data.ending
  drop constraint ending_state_check,
  add constraint ending_state_check check (state between 1 and 4) not valid;

-- By step number. Null: of an older version, which knew functions one after the other.
-- step_kinds: invoke, undo, parallel, forEach, switch, sleep, wait, call; step_functions is null for those without one.
-- step_starts: the number of the step behind which it begins; -1 at once, -2 nobody can tell (a case of a switch),
-- -3 once for each item of a forEach. last_step: what that gives is what the
-- transaction gives.
alter table millrace_data.version
  add step_kinds text[],
  add step_starts smallint[],
  add last_step smallint;

alter table millrace_data.command
  drop constraint command_kind_check,
  add constraint command_kind_check
    check (kind in ('resolve', 'redrive', 'discard', 'cancel', 'compensate', 'retry'));

-- Reason 9 no_key: an event that somebody might wait for, without a business key.
alter table millrace_data.passed
  drop constraint passed_reason_check,
  add constraint passed_reason_check check (reason between 1 and 9) not valid;

-- A lane that has taken in nothing yet has nothing open: whoever opens it looks through no history for that.
alter table millrace_data.lane_progress alter column low_id set default 'ffffffff-ffff-ffff-ffff-ffffffffffff';
update millrace_data.lane_progress p set low_id = default
where low_id = '00000000-0000-0000-0000-000000000000'
  and next_offset <= (select min(s.from_offset) from millrace_data.subscription s where s.lane_id = p.lane_id);

-- A step that sleeps, or waits for an event. Goes in the commit that ends it.
create table millrace_data.rest (
  transaction_id uuid not null,
  step smallint not null check (step >= 0),
  item text collate "C" not null default '',
  lane_id int not null,
  -- Null: never.
  due_at timestamptz,
  since_at timestamptz not null,
  -- Nothing else of its transaction runs: its lane has given it up until it is woken. low_id moves on past it.
  is_alone boolean not null,
  -- Of a workflow whose next of a key waits all the same.
  is_strict boolean not null,
  -- What it waits for; null when it sleeps. No event older than not_before.
  workflow_id int,
  topic text,
  key text,
  key_hash bigint,
  not_before timestamptz,
  primary key (transaction_id, step, item),
  check (num_nulls(topic, key, key_hash, not_before) in (0, 4))
);
create index rest_due on millrace_data.rest (lane_id, due_at);
create index rest_key on millrace_data.rest (workflow_id, key_hash) where key_hash is not null;
create index rest_strict on millrace_data.rest (lane_id) where is_strict;

-- Waits that are to be looked at: those that begin, and those for whom an event came. "times" tells who looked from who came
-- after that. Apart from "rest", whose rows then never change: few are looked at, many rest.
create table millrace_data.look (
  transaction_id uuid not null,
  step smallint not null,
  item text collate "C" not null default '',
  lane_id int not null,
  times int not null default 1,
  primary key (transaction_id, step, item)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index look_lane on millrace_data.look (lane_id);

-- The same text is the same number, on every server.
create function millrace_data.key_hash(topic text, key text) returns bigint
  language sql immutable parallel safe
  return hashtextextended(key collate "C", hashtextextended(topic collate "C", 0));

-- Events kept for those that wait for them, or will: a partition for each day, by the id, which begins with a time.
create table millrace_data.signal (
  id uuid primary key,
  lane_id int not null,
  workflow_id int not null,
  kafka_offset bigint not null check (kafka_offset >= 0),
  key text not null,
  -- Of topic and key.
  key_hash bigint not null,
  -- The record's time, and up to when one that begins to wait finds it.
  at timestamptz not null,
  keep_until timestamptz not null,
  received_at timestamptz not null,
  -- Only the first who takes it gets it.
  take_first boolean not null,
  -- JSON: id, type, source, time, key, data.
  event text not null,
  commit_id bigint not null
) partition by range (id);
create index signal_key on millrace_data.signal (workflow_id, key_hash, at);

-- Which waiting step an event is for. commit_id null: claimed; the commit that takes it follows, or frees it.
create table millrace_data.taken (
  signal_id uuid not null,
  transaction_id uuid not null,
  step smallint not null,
  item text collate "C" not null default '',
  -- Nobody else may take it.
  is_only boolean not null,
  commit_id bigint,
  primary key (signal_id, transaction_id, step, item)
) partition by range (signal_id);
create unique index taken_once on millrace_data.taken (signal_id) where is_only;
create index taken_claimed on millrace_data.taken (transaction_id, step, item) where commit_id is null;

-- Events of which those who wait may not have been told: their lane's holder does, and takes them out.
create table millrace_data.untold (
  signal_id uuid primary key,
  lane_id int not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index untold_lane on millrace_data.untold (lane_id);

-- Money: one row moves an amount from one account to another, so that what does not balance cannot be said. Append-only. A
-- reversal names the posting that it reverses, which can be done once.
create table millrace_data.posting (
  transaction_id uuid not null,
  step smallint not null check (step >= 0),
  attempt smallint not null check (attempt > 0),
  item text collate "C" not null default '',
  -- Among those of its attempt, from 0.
  n smallint not null check (n >= 0),
  engine_id smallint not null,
  debit text not null check (debit <> ''),
  credit text not null check (credit <> ''),
  -- Minor units.
  amount bigint not null check (amount > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  party text,
  charge_key text,
  reverses_step smallint,
  reverses_attempt smallint,
  reverses_n smallint,
  at timestamptz not null,
  commit_id bigint not null,
  primary key (transaction_id, step, attempt, item, n),
  constraint posting_moves check (debit <> credit),
  constraint posting_reverses check (num_nulls(reverses_step, reverses_attempt, reverses_n) in (0, 3))
) partition by range (transaction_id);
create unique index posting_reversed_once
  on millrace_data.posting (transaction_id, reverses_step, reverses_attempt, reverses_n, item)
  where reverses_step is not null;

create function millrace_data.posting_stays() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('millrace.pruning', true) = 'on' then
    return old;
  end if;
  raise exception 'postings are never changed or removed: write a reversal' using errcode = '23001';
end
$$;
create trigger posting_stays before update or delete on millrace_data.posting
  for each row execute function millrace_data.posting_stays();
create trigger posting_stays_whole before truncate on millrace_data.posting
  for each statement execute function millrace_data.posting_stays();

-- What must not be charged twice. Goes with the reversal of its posting.
create table millrace_data.charge (
  engine_id smallint not null,
  charge_key text collate "C" not null check (charge_key <> ''),
  transaction_id uuid not null,
  step smallint not null,
  attempt smallint not null,
  item text collate "C" not null,
  n smallint not null,
  commit_id bigint not null,
  constraint charge_made_once primary key (engine_id, charge_key)
);
create index charge_posting on millrace_data.charge (transaction_id);

-- What the postings that were pruned come to, so that balances stay as they are.
create table millrace_data.carried (
  engine_id smallint not null,
  account text not null,
  currency text not null,
  debits numeric not null,
  credits numeric not null,
  primary key (engine_id, account, currency)
);
-- Postings of transactions below carried_id that are gone are in "carried", up to carried_at.
alter table millrace_data.horizon
  add carried_id uuid not null default '00000000-0000-0000-0000-000000000000',
  add carried_at timestamptz;

-- Why a transaction will not complete, from the moment on at which that was decided. One for each round.
create table millrace_data.turn (
  transaction_id uuid not null,
  round smallint not null check (round > 0),
  code text not null,
  message text not null,
  -- A person's wish, or its parent's.
  is_cancel boolean not null,
  at timestamptz not null,
  commit_id bigint not null,
  primary key (transaction_id, round)
);

-- Transactions that were opened again: the round that began, who wanted it, and how the one before had ended.
create table millrace_data.round (
  transaction_id uuid not null,
  round smallint not null check (round > 1),
  -- From which step on it runs again; null: what it owed is undone.
  from_step smallint,
  -- JSON: what that step is given.
  input text,
  opened_at timestamptz not null,
  opened_by text not null,
  state smallint not null check (state between 1 and 4),
  error_code text,
  error_message text,
  ended_at timestamptz not null,
  commit_id bigint not null,
  primary key (transaction_id, round)
);

-- Nothing of the workflow starts or wakes; with a key, nothing of that key.
create table millrace_data.pause (
  id int generated always as identity primary key,
  engine_id smallint not null references millrace_data.engine,
  workflow_id int not null references millrace_data.workflow,
  key text,
  paused_by text not null check (paused_by <> ''),
  why text,
  paused_at timestamptz not null default now(),
  resumed_by text check (resumed_by <> ''),
  resumed_why text,
  resumed_at timestamptz,
  check ((resumed_at is null) = (resumed_by is null))
);
create unique index pause_once on millrace_data.pause (engine_id, workflow_id, (key is null), coalesce(key, ''))
  where resumed_at is null;

-- The attic of what is old, and before it what comes: made by `migrate`, each coordinator and `millrace prune`.
do $$
declare
  since text := millrace.first_id(date_trunc('day', now(), 'UTC') - interval '1 day');
  name text;
begin
  foreach name in array array['posting', 'signal', 'taken'] loop
    execute format('create table millrace_data.%I (like millrace_data.%I including all)', name || '_attic', name);
    execute format('alter table millrace_data.%I attach partition millrace_data.%I for values from (minvalue) to (%L)',
                   name, name || '_attic', since);
  end loop;
end
$$;

-- Ids of the same millisecond: those of the transactions that one has called are among them.
create function millrace_data.first_beside(id uuid) returns uuid
  language sql immutable parallel safe
  return (left(id::text, 13) || '-0000-0000-000000000000')::uuid;
create function millrace_data.last_beside(id uuid) returns uuid
  language sql immutable parallel safe
  return (left(id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid;

-- Functions, where a commit that has nothing to ask would otherwise open every partition all the same.

create function millrace_data.takes_first(signal uuid) returns boolean language plpgsql stable as $$
begin
  return (select s.take_first from millrace_data.signal s where s.id = takes_first.signal);
end
$$;

-- Those who waited, and wait no more, claimed events and did not take them: others may. All of a commit at once. A function,
-- because it must see what was claimed while the commit that calls it had begun already.
create function millrace_data.free_claims(waiters uuid[], of_steps smallint[], of_items text[], took uuid[])
  returns table (signal_id uuid, lane_id int) language plpgsql rows 10 as $$
begin
  return query
    with freed as (
      delete from millrace_data.taken k
      using unnest(waiters, of_steps, of_items, took) as w (id, step, item, took)
      where k.transaction_id = w.id and k.step = w.step and k.item = w.item and k.commit_id is null
        and k.signal_id is distinct from w.took
      returning k.signal_id
    )
    select s.id, s.lane_id from freed f join millrace_data.signal s on s.id = f.signal_id;
end
$$;

-- An ending becomes history. Answers with false when it had not ended.
create function millrace_data.reopen(
  transaction uuid, next_round smallint, next_step smallint, given text, at timestamptz, by text, this_commit bigint
) returns boolean language plpgsql as $$
begin
  with former as (
    delete from millrace_data.ending e where e.transaction_id = transaction returning e.*
  )
  insert into millrace_data.round
    (transaction_id, round, from_step, input, opened_at, opened_by, state, error_code, error_message, ended_at, commit_id)
  select transaction, next_round, next_step, given, at, by, f.state, f.error_code, f.error_message, f.ended_at, this_commit
  from former f;
  return found;
end
$$;
