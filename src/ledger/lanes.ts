/** Lanes in the ledger: made, opened under a new epoch, and what runs in them. */
import { EngineError } from '../base/error.ts'
import type { KnownLanes, NewLane, OpenedLane, PartitionRef } from '../coordinator/ports.ts'
import * as column from './columns.ts'
import type { Connections } from './connect.ts'
import { findOpen } from './load.ts'

export interface EngineIds {
  readonly engine: string
  /** Who opens: shown in `lanes.owner`. */
  readonly owner: string
}

export async function knownLanes(db: Connections, ids: EngineIds, topic: string): Promise<KnownLanes> {
  const rows = await db.query<{ kafka_partition: number; workflows: string[] }>({
    name: 'millrace_known_lanes',
    text: `
select l.kafka_partition, array_remove(array_agg(w.name), null) as workflows
from millrace_data.lane l
join millrace_data.engine e on e.id = l.engine_id and e.name = $1
join millrace_data.topic t on t.id = l.topic_id and t.name = $2
left join millrace_data.subscription s on s.lane_id = l.id
left join millrace_data.workflow w on w.id = s.workflow_id
group by l.kafka_partition`,
    values: [ids.engine, topic],
  })
  return {
    partitions: new Set(rows.map((row) => row.kafka_partition)),
    workflows: new Set(rows.flatMap((row) => row.workflows)),
  }
}

export async function createLanes(
  db: Connections,
  ids: EngineIds,
  topic: string,
  lanes: readonly NewLane[],
): Promise<void> {
  // Looked for first: an insert that conflicts uses up a number all the same, and engines have few.
  await db.query({
    name: 'millrace_create_names',
    text: `
with e as (
  insert into millrace_data.engine (name)
  select $1 where not exists (select from millrace_data.engine where name = $1) on conflict do nothing
)
insert into millrace_data.topic (name)
select $2 where not exists (select from millrace_data.topic where name = $2) on conflict do nothing`,
    values: [ids.engine, topic],
  })
  const subscriptions = lanes.flatMap((lane) => lane.subscriptions.map((each) => ({ ...each, at: lane.partition })))
  await db.query({
    name: 'millrace_create_lanes',
    text: `
with made as (
  insert into millrace_data.lane (engine_id, topic_id, kafka_partition)
  select e.id, t.id, p from millrace_data.engine e, millrace_data.topic t, unnest($3::int4[]) as p
  where e.name = $1 and t.name = $2
  on conflict do nothing
  returning id, kafka_partition
), progress as (
  insert into millrace_data.lane_progress (lane_id, next_offset)
  select m.id, w.next from made m join unnest($3::int4[], $4::int8[]) as w (p, next) on w.p = m.kafka_partition
)
insert into millrace_data.subscription (lane_id, workflow_id, from_offset)
select m.id, w.workflow, w.first from made m
join unnest($5::int4[], $6::int4[], $7::int8[]) as w (p, workflow, first) on w.p = m.kafka_partition`,
    values: [
      ids.engine,
      topic,
      column.int4(lanes.map((lane) => lane.partition)),
      column.int8(lanes.map((lane) => lane.nextOffset)),
      column.int4(subscriptions.map((each) => each.at)),
      column.int4(subscriptions.map((each) => each.workflowId)),
      column.int8(subscriptions.map((each) => each.fromOffset)),
    ],
  })
}

/** The UPDATE waits for every commit that holds the fence row; what is read after it is all that was ever written. */
export async function openLane(db: Connections, ids: EngineIds, partition: PartitionRef): Promise<OpenedLane> {
  const taken = await takeEpoch(db, ids, partition)
  const [progress] = await db.query<{ next_offset: string; low_id: string }>({
    name: 'millrace_lane_progress',
    text: 'select next_offset, low_id from millrace_data.lane_progress where lane_id = $1',
    values: [taken.laneId],
  })
  const subscriptions = await db.query<{ name: string; from_offset: string }>({
    name: 'millrace_subscriptions',
    text: `
select w.name, s.from_offset from millrace_data.subscription s
join millrace_data.workflow w on w.id = s.workflow_id where s.lane_id = $1`,
    values: [taken.laneId],
  })
  const { open, sources } = await findOpen(db, taken.laneId, progress?.low_id ?? lowest)
  return {
    ...taken,
    nextOffset: Number(progress?.next_offset ?? 0),
    subscriptions: new Map(subscriptions.map((row) => [row.name, Number(row.from_offset)])),
    open,
    sources,
  }
}

const lowest = '00000000-0000-0000-0000-000000000000'

async function takeEpoch(
  db: Connections,
  ids: EngineIds,
  partition: PartitionRef,
): Promise<{ laneId: number; epoch: number }> {
  const [row] = await db.query<{ id: number; epoch: string }>({
    name: 'millrace_take_epoch',
    text: `
update millrace_data.lane l set epoch = l.epoch + 1, owner = $4, opened_at = now()
from millrace_data.engine e, millrace_data.topic t
where e.id = l.engine_id and e.name = $1 and t.id = l.topic_id and t.name = $2 and l.kafka_partition = $3
returning l.id, l.epoch`,
    values: [ids.engine, partition.topic, partition.partition, ids.owner],
  })
  if (!row) {
    const name = `${partition.topic}/${partition.partition}`
    throw new EngineError('lane_missing', `lane ${name} is not in the ledger: Kafka did not name that partition`, {
      retryable: true,
    })
  }
  return { laneId: row.id, epoch: Number(row.epoch) }
}

/** Of transactions that have not ended: what runs is finished, though no workflow names its topic any more. */
export async function unfinishedTopics(db: Connections, { engine }: EngineIds): Promise<string[]> {
  const rows = await db.query<{ name: string }>({
    text: `
select distinct t.name from millrace_data.lane l
join millrace_data.engine e on e.id = l.engine_id and e.name = $1
join millrace_data.topic t on t.id = l.topic_id
join millrace_data.lane_progress p on p.lane_id = l.id
where exists (select from millrace_data.parked k where k.lane_id = l.id)
   or exists (
     select from millrace_data.transaction x where x.lane_id = l.id and x.id >= p.low_id
     and not exists (select from millrace_data.ending d where d.transaction_id = x.id))`,
    values: [engine],
  })
  return rows.map((row) => row.name)
}
