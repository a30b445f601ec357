-- Idempotency keys of HTTP requests: claimed before the request is written to Kafka, so that two with one key are one. Expands only: a
-- version that does not know it goes on writing beside this one.

set local lock_timeout = '5s';

create table millrace_data.http_key (
  -- A hash over engine, workflow, sender and the key itself.
  key uuid primary key,
  -- SHA-256 of what must be the same in a repetition.
  digest bytea not null,
  -- Who wrote it, or is about to.
  owner uuid not null,
  -- '-infinity': given up, and nobody knows whether it was written; whoever comes next takes it over.
  claimed_at timestamptz not null,
  -- Null until the request is in Kafka for good.
  transaction_id uuid,
  kafka_partition int check (kafka_partition >= 0),
  kafka_offset bigint check (kafka_offset >= 0),
  keep_until timestamptz not null,
  check ((transaction_id is null) = (kafka_partition is null) and (transaction_id is null) = (kafka_offset is null))
) with (fillfactor = 70);
create index http_key_keep_until on millrace_data.http_key (keep_until);
