/**
 * The first promise as an oracle: of each workflow on a topic, every offset that Kafka holds (or held when reading
 * began) is in the ledger exactly once, as a transaction, a duplicate, a dead letter or a passed offset.
 */
import assert from 'node:assert/strict'
import type { TestLedger } from './servers.ts'

/** Offsets of a partition that must be accounted for: from `from` up to, not including, `to`. */
export interface Span {
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** What is there not once, one line each; what is there though nobody expects it is among them. */
export async function unaccounted(
  ledger: Pick<TestLedger, 'query'>,
  topic: string,
  workflows: readonly string[],
  spans: readonly Span[],
): Promise<string[]> {
  const rows = await ledger.query<{ line: string }>(sql, [
    topic,
    workflows,
    spans.map((span) => span.partition),
    spans.map((span) => span.from),
    spans.map((span) => span.to),
  ])
  return rows.map((row) => row.line)
}

/** A dead letter or passed offset without a workflow counts for each of them. */
const sql = `
with expected as (
  select w.workflow, s.kafka_partition, o.kafka_offset
  from unnest($2::text[]) as w (workflow),
       unnest($3::int[], $4::bigint[], $5::bigint[]) as s (kafka_partition, first, behind),
       generate_series(s.first, s.behind - 1) as o (kafka_offset)
), found as (
  select workflow, kafka_partition, kafka_offset, 'transaction' as what from millrace.transactions where topic = $1
  union all
  select workflow, kafka_partition, kafka_offset, code from millrace.dead_letters where topic = $1
  union all
  select workflow, kafka_partition, kafka_offset, 'duplicate' from millrace.duplicates where topic = $1
  union all
  select workflow, kafka_partition, o.kafka_offset, reason
  from millrace.passed_offsets, generate_series(from_offset, to_offset) as o (kafka_offset) where topic = $1
), counted as (
  select e.workflow, e.kafka_partition, e.kafka_offset, string_agg(f.what, ', ') as what, count(f.what) as times
  from expected e
  left join found f on f.kafka_partition = e.kafka_partition and f.kafka_offset = e.kafka_offset
                   and (f.workflow is null or f.workflow = e.workflow)
  group by 1, 2, 3
)
select format('%s %s/%s: %s', workflow, kafka_partition, kafka_offset, coalesce(what, 'nothing')) as line
from counted where times <> 1
union all
select format('%s %s/%s: %s, unexpected', workflow, kafka_partition, kafka_offset, what)
from found f
where not exists (
  select from expected e where e.kafka_partition = f.kafka_partition and e.kafka_offset = f.kafka_offset
                           and (f.workflow is null or f.workflow = e.workflow))
order by 1`

/** Fails with the list of what is not there exactly once. */
export async function assertAccounted(
  ledger: Pick<TestLedger, 'query'>,
  topic: string,
  workflows: readonly string[],
  spans: readonly Span[],
): Promise<void> {
  assert.deepEqual(await unaccounted(ledger, topic, workflows, spans), [])
}

/** All that Kafka holds of a topic now. */
export async function heldSpans(
  admin: { fetchTopicOffsets(topic: string): Promise<{ partition: number; low: string; high: string }[]> },
  topic: string,
): Promise<Span[]> {
  const rows = await admin.fetchTopicOffsets(topic)
  return rows.map((row) => ({ partition: row.partition, from: Number(row.low), to: Number(row.high) }))
}
