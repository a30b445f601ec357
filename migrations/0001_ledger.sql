-- The ledger's tables. SQL users read the views of schema "millrace" (0002); what is in "millrace_data" may change.
-- Shapes follow measurement: insert-only history, time-ordered ids, small integers, text instead of jsonb, one index
-- a table. Hot rows that are updated (lane_progress) hold nothing that is indexed.

create schema if not exists millrace_data; -- the list of migrations is in it already
create schema millrace;

create table millrace_data.engine (
  id smallint generated always as identity primary key,
  name text not null unique check (name <> '')
);

create table millrace_data.topic (
  id int generated always as identity primary key,
  name text not null check (name <> ''),
  -- Tells a topic from one of the same name that was deleted before it.
  incarnation text not null default '',
  unique (name, incarnation)
);

create table millrace_data.workflow (
  id int generated always as identity primary key,
  name text not null unique check (name <> '')
);

-- A workflow's checked source by its content hash. A transaction stays on the version it was admitted with.
create table millrace_data.version (
  id int generated always as identity primary key,
  workflow_id int not null references millrace_data.workflow,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  source text not null,
  -- By step number, from 1 here and from 0 in "attempt".
  step_ids text[] not null,
  step_functions text[] not null,
  unique (workflow_id, hash)
);

-- The fence. "epoch" changes only when a lane is opened; every commit locks its lanes' rows FOR SHARE and checks them.
create table millrace_data.lane (
  id int generated always as identity primary key,
  engine_id smallint not null references millrace_data.engine,
  topic_id int not null references millrace_data.topic,
  kafka_partition int not null check (kafka_partition >= 0),
  epoch bigint not null default 0 check (epoch >= 0),
  owner text,
  opened_at timestamptz,
  unique (engine_id, topic_id, kafka_partition)
);

-- How far a lane has come. Apart from the fence, because it changes with every commit.
create table millrace_data.lane_progress (
  lane_id int primary key references millrace_data.lane,
  next_offset bigint not null check (next_offset >= 0),
  -- No transaction of the lane that is open and not parked has an id below this one.
  low_id uuid not null default '00000000-0000-0000-0000-000000000000',
  seen_at timestamptz not null default now()
) with (fillfactor = 50);

-- From which offset on a workflow takes the records of a lane.
create table millrace_data.subscription (
  lane_id int not null references millrace_data.lane,
  workflow_id int not null references millrace_data.workflow,
  from_offset bigint not null check (from_offset >= 0),
  primary key (lane_id, workflow_id)
);

-- Numbers handed to coordinators at their start: the high half of the ids of their commits.
create sequence millrace_data.coordinator_session as int;

-- One row for each group commit. A commit cannot contain the time it returned: the next one writes it.
create table millrace_data.commit (
  id bigint primary key,
  lanes int[] not null,
  sent_at timestamptz not null,
  returned_at timestamptz
) with (fillfactor = 80);

create table millrace_data.transaction (
  id uuid primary key,
  lane_id int not null,
  version_id int not null,
  kafka_offset bigint not null check (kafka_offset >= 0),
  key text,
  event_id text not null,
  -- JSON: type, source, time, meta, data.
  envelope text not null,
  -- The envelope's credentials, sealed; null when it had none or its workflow never asks for them.
  auth bytea,
  produced_at timestamptz,
  fetched_at timestamptz not null,
  admitted_at timestamptz not null,
  commit_id bigint not null
);

-- One row for each attempt, written when it has ended; attempt 0 says that the step was skipped.
-- outcome: 0 skipped, 1 ok, 2 retry, 3 fail, 4 timeout, 5 crash, 6 lost.
-- step_state: what it left the step in, 1 ok, 2 skipped, 3 failed; null when another attempt follows.
create table millrace_data.attempt (
  transaction_id uuid not null,
  step smallint not null check (step >= 0),
  attempt smallint not null check (attempt >= 0),
  outcome smallint not null check (outcome between 0 and 6),
  step_state smallint check (step_state between 1 and 3),
  error_code text,
  error_message text,
  output text,
  logs text,
  -- When the next attempt is due, if one follows.
  next_at timestamptz,
  eligible_at timestamptz,
  dispatched_at timestamptz,
  -- started_at and finished_at are the worker's clock as it was; the views clamp them.
  started_at timestamptz,
  finished_at timestamptz,
  received_at timestamptz,
  commit_id bigint not null,
  primary key (transaction_id, step, attempt),
  check ((outcome = 0) = (attempt = 0)),
  check ((outcome = 1) = (step_state is not distinct from 1))
);

-- A transaction without a row here is open. state: 1 completed, 2 failed.
create table millrace_data.ending (
  transaction_id uuid primary key,
  state smallint not null check (state between 1 and 2),
  error_code text,
  error_message text,
  ended_at timestamptz not null,
  commit_id bigint not null,
  check ((state = 1) = (error_code is null))
);

-- Open transactions that have been so for minutes, so that low_id can move on past them.
create table millrace_data.parked (
  transaction_id uuid primary key,
  lane_id int not null
);
create index parked_lane on millrace_data.parked (lane_id);

-- state: 1 open, 2 redriven, 3 discarded.
create table millrace_data.dead_letter (
  id uuid primary key,
  lane_id int not null,
  -- Null when the record failed before any workflow was asked.
  workflow_id int,
  kafka_offset bigint not null check (kafka_offset >= 0),
  key bytea,
  value bytea,
  -- JSON: name -> text, or {"base64": …} where the bytes are no UTF-8; credentials are in "sealed".
  headers text not null,
  sealed bytea,
  code text not null,
  reason text not null,
  received_at timestamptz not null,
  state smallint not null default 1 check (state between 1 and 3),
  commit_id bigint not null
);

-- Offsets that became neither a transaction nor a dead letter of a workflow, and why. workflow_id null: of all.
-- reason: 1 another type, 2 before the workflow's start, 3 not there to be read (compacted, aborted, control, retention),
-- 4 no workflow on the topic.
create table millrace_data.passed (
  lane_id int not null,
  workflow_id int,
  from_offset bigint not null,
  to_offset bigint not null check (to_offset >= from_offset),
  reason smallint not null check (reason between 1 and 4),
  commit_id bigint not null
);
create index passed_position on millrace_data.passed (lane_id, from_offset);
