-- The rows of a group commit as it is given them: an array of one of these for each kind, where an array for each column cost
-- the server three times as much to read. A type is never changed, for coordinators of two versions may write at once: make
-- another, under another name. src/ledger/sections.ts writes their columns in this order.

create type millrace_data.lane_row as (lane int4, epoch int8, "position" int8, low uuid);

create type millrace_data.transaction_row as (
  lane int4, id uuid, version int4, "position" int8, key text, event text, envelope text, auth bytea, produced timestamptz,
  fetched timestamptz, admitted timestamptz, redriven uuid
);

create type millrace_data.attempt_row as (
  lane int4, id uuid, step int2, attempt int2, outcome int2, state int2, code text, message text, output text, logs text,
  next timestamptz, eligible timestamptz, dispatched timestamptz, started timestamptz, finished timestamptz,
  received timestamptz, resolved text
);

create type millrace_data.nested_attempt_row as (
  lane int4, id uuid, step int2, attempt int2, outcome int2, state int2, code text, message text, output text, logs text,
  next timestamptz, eligible timestamptz, dispatched timestamptz, started timestamptz, finished timestamptz,
  received timestamptz, resolved text, item text, seq int4, unknown bool, round int2
);

create type millrace_data.ending_row as (
  lane int4, id uuid, state int2, code text, message text, ended timestamptz
);
