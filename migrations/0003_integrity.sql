-- What the promise needs under faults: leases and handover, "may have run", duplicates by content, the outbox, commands of
-- operators, and gaps told by what they are. Expands only: a version that knows 0002 goes on writing beside this one.

-- Versions of the engine below this number may not write here any more. Raised by the migration that contracts.
create table millrace_data.writers (
  only_row boolean primary key default true check (only_row),
  schema_from int not null
);
insert into millrace_data.writers (schema_from) values (2);

-- Who holds the lane ("session": the number its coordinator got at its start), for how long without a sign of life, and
-- who wants it. Null session: released. All of it is politeness; what protects is the epoch.
alter table millrace_data.lane
  add session int,
  add lease interval,
  add asked_by text,
  add asked_at timestamptz;

-- Why the partition is not read for now; null while it is.
alter table millrace_data.lane_progress
  add paused text,
  add queued int not null default 0,
  add running int not null default 0;

-- The dead letter that it was made of again.
alter table millrace_data.transaction add redriven_from uuid;

-- step_state 4: in doubt, its effect unknown. resolved_by: no attempt but a person's word on the one before it.
alter table millrace_data.attempt
  add resolved_by text,
  drop constraint attempt_step_state_check,
  add constraint attempt_step_state_check check (step_state between 1 and 4);

-- "May have run": written before a function that is not idempotent is called, and settled by the attempt's row.
create table millrace_data.begun (
  transaction_id uuid not null,
  step smallint not null check (step >= 0),
  attempt smallint not null check (attempt > 0),
  commit_id bigint not null,
  primary key (transaction_id, step, attempt)
);

-- The record as it came, of transactions whose workflow wants a dead letter of those that fail. Goes with the ending.
create table millrace_data.raw_record (
  transaction_id uuid primary key,
  key bytea,
  value bytea,
  headers text not null,
  sealed bytea
);

-- Null: the record never became a transaction.
alter table millrace_data.dead_letter add transaction_id uuid;

-- Duplicates by content: who was the first with this key (a hash of engine, workflow and key), and until when it counts.
create table millrace_data.dedup (
  key uuid primary key,
  transaction_id uuid not null,
  record_at timestamptz not null,
  keep_until timestamptz not null,
  -- Of a backlog the keys are old when they come: they stay as long as fresh ones would.
  seen_at timestamptz not null default now()
);
create index dedup_keep_until on millrace_data.dedup (keep_until);

create table millrace_data.duplicate (
  lane_id int not null,
  workflow_id int not null,
  kafka_offset bigint not null check (kafka_offset >= 0),
  first_id uuid not null,
  event_id text not null,
  commit_id bigint not null,
  primary key (lane_id, workflow_id, kafka_offset)
);

-- Messages to Kafka, in the commit that caused them. "seq" is the lane's own count; published up to published_seq.
create table millrace_data.outbox (
  lane_id int not null,
  seq bigint not null check (seq > 0),
  id uuid not null,
  transaction_id uuid,
  -- Null: of the transaction's end, or of a dead letter.
  step smallint,
  n smallint not null default 0,
  topic text not null,
  key bytea,
  value bytea,
  -- JSON as in dead_letter.
  headers text not null,
  -- A copy of this dead letter: key, value and headers are there.
  dead_letter_id uuid,
  -- Kafka will never take it; it was passed over.
  error text,
  commit_id bigint not null,
  primary key (lane_id, seq)
);

create table millrace_data.outbox_progress (
  lane_id int primary key,
  published_seq bigint not null check (published_seq >= 0),
  published_at timestamptz not null
);

-- What operators ask for; whoever holds the lane carries it out. state: 1 pending, 2 done, 3 refused.
create table millrace_data.command (
  id bigint generated always as identity primary key,
  lane_id int not null,
  kind text not null check (kind in ('resolve', 'redrive', 'discard')),
  -- A transaction or a dead letter.
  target uuid not null,
  -- JSON.
  args text not null default '{}',
  asked_by text not null check (asked_by <> ''),
  why text,
  asked_at timestamptz not null default now(),
  state smallint not null default 1 check (state between 1 and 3),
  answer text,
  commit_id bigint
);
-- The same twice is the same; a lane without commands costs nothing to look at.
create unique index command_pending on millrace_data.command (lane_id, kind, target) where state = 1;

-- Reasons 5 compacted, 6 aborted, 7 control (a marker of Kafka's own), 8 retention (gone before it was read).
alter table millrace_data.passed
  drop constraint passed_reason_check,
  add constraint passed_reason_check check (reason between 1 and 8);
