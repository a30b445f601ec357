/**
 * The floor's ledger: one row per transaction, one per attempt, one per group commit, a position per partition. Ids are
 * int8 in order of time; the ending of a transaction is its last attempt.
 */
export const tables = `
create schema floor;
create table floor.progress (kafka_partition int primary key, next_offset bigint not null) with (fillfactor = 50);
create table floor.commit (
  id bigint primary key, sent_at timestamptz not null, returned_at timestamptz) with (fillfactor = 80);
create table floor.transaction (
  id bigint primary key, kafka_offset bigint not null, produced_at timestamptz not null, fetched_at timestamptz not null,
  admitted_at timestamptz not null, commit_id bigint not null, kafka_partition smallint not null,
  key text not null, event text not null);
create table floor.attempt (
  transaction_id bigint not null, eligible_at timestamptz not null, dispatched_at timestamptz not null,
  started_at timestamptz not null, finished_at timestamptz not null, commit_id bigint not null,
  step smallint not null, attempt smallint not null, outcome smallint not null, output text not null,
  primary key (transaction_id, step, attempt));
`

const commit = `
last_commit as (update floor.commit set returned_at = $3::timestamptz where id = $2::int8)
insert into floor.commit (id, sent_at) values ($1::int8, $4::timestamptz)`

const transactions = (at: number) => `
progress as (
  update floor.progress p set next_offset = r.position
  from unnest(${arrays(at, ['int2', 'int8'])}) as r (partition, position) where p.kafka_partition = r.partition),
transactions as (
  insert into floor.transaction
    (id, kafka_offset, produced_at, fetched_at, kafka_partition, key, event, admitted_at, commit_id)
  select *, $4::timestamptz, $1::int8
  from unnest(${arrays(at + 2, ['int8', 'int8', 'timestamptz', 'timestamptz', 'int2', 'text', 'text'])})),`

const attempts = (at: number) => `
attempts as (
  insert into floor.attempt
    (transaction_id, eligible_at, dispatched_at, started_at, finished_at, step, output, attempt, outcome, commit_id)
  select *, 1, 1, $1::int8
  from unnest(${arrays(at, ['int8', 'timestamptz', 'timestamptz', 'timestamptz', 'timestamptz', 'int2', 'text'])})),`

function arrays(at: number, types: readonly string[]): string {
  return types.map((type, index) => `$${at + index}::${type}[]`).join(', ')
}

/** What does not wait is not asked for: five of six commits of a lone transaction have no records. */
export const statements = {
  records: { name: 'floor_records', text: `with ${transactions(5)}${commit}` },
  results: { name: 'floor_results', text: `with ${attempts(5)}${commit}` },
  both: { name: 'floor_both', text: `with ${transactions(5)}${attempts(14)}${commit}` },
}
