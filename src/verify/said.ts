/** What the ledger says of some records, found by their places. */
import type { Placed } from './content.ts'
import type { Said } from './content-rules.ts'
import type { World } from './world.ts'

/** Records that the ledger says nothing of are left out: that is another check's. */
export async function readSaid(
  { ledger, lanes }: World,
  records: readonly Placed[],
): Promise<{ placed: Placed; rows: Said[] }[]> {
  if (records.length === 0) return []
  const at: number[] = []
  const laneIds: number[] = []
  const offsets: number[] = []
  for (const [index, { topic, partition, record }] of records.entries()) {
    for (const lane of lanes) {
      if (lane.topic !== topic || lane.partition !== partition) continue
      at.push(index)
      laneIds.push(lane.id)
      offsets.push(record.offset)
    }
  }
  const found = new Map<number, Said[]>()
  for (const row of await ledger.query<Said & { at: number }>(sql, [at, laneIds, offsets])) {
    const rows = found.get(row.at)
    if (rows) rows.push(row)
    else found.set(row.at, [row])
  }
  return [...found].sort(([a], [b]) => a - b).map(([index, rows]) => ({ placed: records[index] as Placed, rows }))
}

/** What a redrive has made may be of other bytes than Kafka's: an operator may have edited them. */
const sql = `
with asked as materialized (
  select * from unnest($1::int4[], $2::int4[], $3::int8[]) as a (at, lane, position)
)
select a.at, a.lane, 'transaction' as what, w.name as workflow, t.id::text as id, t.version_id, t.event_id, t.key,
       t.envelope, null::bytea as record_key, null::bytea as record_value, null as headers, null as code,
       extract(epoch from coalesce(t.produced_at, t.fetched_at))::float8 * 1000 as record_ms
from asked a
join millrace_data.transaction t on t.lane_id = a.lane and t.kafka_offset = a.position and t.redriven_from is null and t.parent_id is null
join millrace_data.version v on v.id = t.version_id
join millrace_data.workflow w on w.id = v.workflow_id
union all
select a.at, a.lane, 'letter', w.name, d.id::text, null, null, null, null, d.key, d.value, d.headers, d.code, null
from asked a
join millrace_data.dead_letter d on d.lane_id = a.lane and d.kafka_offset = a.position
left join millrace_data.transaction t on t.id = d.transaction_id
left join millrace_data.workflow w on w.id = d.workflow_id
where t.redriven_from is null and not exists (
  select from millrace_data.command c where c.kind = 'redrive' and c.commit_id = d.commit_id)
union all
select a.at, a.lane, 'signal', w.name, s.id::text, null, null, s.key, s.event, null, null, null, null, null
from asked a
join millrace_data.signal s on s.lane_id = a.lane and s.kafka_offset = a.position
join millrace_data.workflow w on w.id = s.workflow_id
union all
select a.at, a.lane, 'duplicate', w.name, d.first_id::text, null, d.event_id, null, null, null, null, null, null, null
from asked a
join millrace_data.duplicate d on d.lane_id = a.lane and d.kafka_offset = a.position
join millrace_data.workflow w on w.id = d.workflow_id
union all
select a.at, a.lane, 'passed', w.name, null, null, null, null, null, null, null, null, null, null
from asked a
join millrace_data.passed p on p.lane_id = a.lane and a.position between p.from_offset and p.to_offset and p.reason = 1
join millrace_data.workflow w on w.id = p.workflow_id`
