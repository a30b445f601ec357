/** Lanes in the ledger: made, taken under a new epoch, renewed and released. */
import { crashPoint } from '../base/crash-point.ts'
import { EngineError } from '../base/error.ts'
import type { HeldLane, KnownLanes, LaneRef, NewLane, OpenedLane } from '../coordinator/ports.ts'
import * as column from './columns.ts'
import type { Connections } from './connect.ts'
import { findOpen } from './open.ts'
import { pausesOf } from './pause.ts'

export interface EngineIds {
  readonly engine: string
  /** Who opens: shown in `lanes.owner`. */
  readonly owner: string
  /** Without a sign of life for so long a holder is not waited for, in milliseconds. */
  readonly leaseMs: number
  /** A holder that was asked gets so long to hand over, in milliseconds. */
  readonly handoverMs: number
  /** Published messages stay in the outbox for so long, in milliseconds. */
  readonly keepPublishedMs: number
}

/**
 * A topic's row gets its incarnation when that is first told. Where there is one of another incarnation, and none of
 * this, the topic was deleted and made again.
 */
export async function knownLanes(
  db: Connections,
  ids: EngineIds,
  topic: string,
  incarnation: string,
): Promise<KnownLanes> {
  await db.query({
    name: 'millrace_adopt_incarnation',
    text: `
update millrace_data.topic set incarnation = $2
where name = $1 and incarnation = '' and $2 <> ''
  and not exists (select from millrace_data.topic where name = $1 and incarnation <> '')`,
    values: [topic, incarnation],
  })
  const rows = await db.query<{ kafka_partition: number; workflows: string[]; ours: boolean }>({
    name: 'millrace_known_lanes',
    text: `
select l.kafka_partition, t.incarnation = $3 as ours, array_remove(array_agg(w.name), null) as workflows
from millrace_data.lane l
join millrace_data.engine e on e.id = l.engine_id and e.name = $1
join millrace_data.topic t on t.id = l.topic_id and t.name = $2
left join millrace_data.subscription s on s.lane_id = l.id
left join millrace_data.workflow w on w.id = s.workflow_id
group by l.kafka_partition, t.incarnation`,
    values: [ids.engine, topic, incarnation],
  })
  const ours = rows.filter((row) => row.ours)
  return {
    recreated: rows.some((row) => !row.ours),
    partitions: new Set(ours.map((row) => row.kafka_partition)),
    workflows: new Set(ours.flatMap((row) => row.workflows)),
  }
}

export async function createLanes(
  db: Connections,
  ids: EngineIds,
  topic: string,
  incarnation: string,
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
insert into millrace_data.topic (name, incarnation)
select $2, $3 where not exists (select from millrace_data.topic where name = $2 and incarnation = $3)
on conflict do nothing`,
    values: [ids.engine, topic, incarnation],
  })
  const subscriptions = lanes.flatMap((lane) => lane.subscriptions.map((each) => ({ ...each, at: lane.partition })))
  await db.query({
    name: 'millrace_create_lanes',
    text: `
with made as (
  insert into millrace_data.lane (engine_id, topic_id, kafka_partition)
  select e.id, t.id, p from millrace_data.engine e, millrace_data.topic t, unnest($3::int4[]) as p
  where e.name = $1 and t.name = $2 and t.incarnation = $8
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
      incarnation,
    ],
  })
}

/** The UPDATE waits for every commit that holds the fence row; what is read after it is all that was ever written. */
export async function takeLane(
  db: Connections,
  ids: EngineIds,
  session: number,
  lane: LaneRef,
): Promise<OpenedLane | null> {
  const taken = await takeEpoch(db, ids, session, lane)
  if (taken === null) return null
  crashPoint('lane.after-epoch')
  const [progress] = await db.query<{ next_offset: string; low_id: string; seq: string; published: string }>({
    name: 'millrace_lane_progress',
    text: `
select p.next_offset, p.low_id, coalesce(o.published_seq, 0) as published,
       greatest(coalesce(o.published_seq, 0),
                coalesce((select max(seq) from millrace_data.outbox where lane_id = $1), 0)) as seq
from millrace_data.lane_progress p
left join millrace_data.outbox_progress o on o.lane_id = p.lane_id
where p.lane_id = $1`,
    values: [taken.laneId],
  })
  const subscriptions = await db.query<{ name: string; id: number; from_offset: string }>({
    name: 'millrace_subscriptions',
    text: `
select w.name, w.id, s.from_offset from millrace_data.subscription s
join millrace_data.workflow w on w.id = s.workflow_id where s.lane_id = $1`,
    values: [taken.laneId],
  })
  const { open, sources } = await findOpen(db, taken.laneId, progress?.low_id ?? lowest)
  const seq = Number(progress?.seq ?? 0)
  return {
    ...taken,
    nextOffset: Number(progress?.next_offset ?? 0),
    outbox: { seq, unpublished: seq > Number(progress?.published ?? 0) },
    subscriptions: new Map(subscriptions.map((row) => [row.name, Number(row.from_offset)])),
    workflowIds: new Map(subscriptions.map((row) => [row.name, row.id])),
    open,
    sources,
    pauses: await pausesOf(db, ids.engine),
  }
}

const lowest = '00000000-0000-0000-0000-000000000000'

/**
 * Taken when nobody holds it, its holder gave no sign of life for as long as its lease, or was asked longer ago than a
 * handover may take. A holder of a version that knows no leases is asked, too. Of two who take it at once one finds the
 * other's epoch, and asks.
 */
async function takeEpoch(db: Connections, ids: EngineIds, session: number, lane: LaneRef): Promise<HeldLane | null> {
  const [row] = await db.query<{ id: number; epoch: string | null }>({
    name: 'millrace_take_epoch',
    text: `
with wanted as (
  select l.id, l.epoch,
         l.owner is null or l.session = $5 or (l.session is null and l.lease is not null)
         or p.seen_at + coalesce(l.lease, $6::int8 * interval '1 ms') < clock_timestamp()
         or l.asked_at + $7::int8 * interval '1 ms' < clock_timestamp() as free
  from millrace_data.lane l
  join millrace_data.engine e on e.id = l.engine_id and e.name = $1
  join millrace_data.topic t on t.id = l.topic_id and t.name = $2 and t.incarnation = $8
  join millrace_data.lane_progress p on p.lane_id = l.id
  where l.kafka_partition = $3
), seen as (
  update millrace_data.lane_progress p set seen_at = clock_timestamp() from wanted w where p.lane_id = w.id and w.free
), taken as (
update millrace_data.lane l
set epoch = case when w.free then l.epoch + 1 else l.epoch end,
    owner = case when w.free then $4 else l.owner end,
    session = case when w.free then $5 else l.session end,
    lease = case when w.free then $6::int8 * interval '1 ms' else l.lease end,
    opened_at = case when w.free then now() else l.opened_at end,
    asked_by = case when w.free then null else $4 end,
    asked_at = case when w.free then null else coalesce(l.asked_at, clock_timestamp()) end
from wanted w where l.id = w.id and l.epoch = w.epoch and (w.free or l.asked_at is null)
returning l.id, case when w.free then l.epoch end as epoch
)
select w.id, t.epoch from wanted w left join taken t on t.id = w.id`,
    values: [ids.engine, lane.topic, lane.partition, ids.owner, session, ids.leaseMs, ids.handoverMs, lane.incarnation],
  })
  if (!row) {
    const name = `${lane.topic}/${lane.partition}`
    throw new EngineError('lane_missing', `lane ${name} is not in the ledger: Kafka did not name that partition`, {
      retryable: true,
    })
  }
  return row.epoch === null ? null : { laneId: row.id, epoch: Number(row.epoch) }
}

export async function releaseLanes(db: Connections, lanes: readonly HeldLane[]): Promise<void> {
  crashPoint('release.before')
  await db.query({
    name: 'millrace_release',
    text: `
update millrace_data.lane l set session = null, asked_by = null, asked_at = null
from unnest($1::int4[], $2::int8[]) as w (id, epoch) where l.id = w.id and l.epoch = w.epoch`,
    values: [column.int4(lanes.map((lane) => lane.laneId)), column.int8(lanes.map((lane) => lane.epoch))],
  })
  crashPoint('release.after')
}

/** Of earlier incarnations of the topic: what has not ended, is not published, or is asked for. */
export async function strandedLanes(
  db: Connections,
  { engine }: EngineIds,
  topic: string,
  incarnation: string,
): Promise<LaneRef[]> {
  const rows = await db.query<{ kafka_partition: number; incarnation: string }>({
    name: 'millrace_stranded',
    text: `
select l.kafka_partition, t.incarnation from millrace_data.lane l
join millrace_data.engine e on e.id = l.engine_id and e.name = $1
join millrace_data.topic t on t.id = l.topic_id and t.name = $2 and t.incarnation <> $3
join millrace_data.lane_progress p on p.lane_id = l.id
left join millrace_data.outbox_progress o on o.lane_id = l.id
where ${unfinished}`,
    values: [engine, topic, incarnation],
  })
  return rows.map((row) => ({ topic, partition: row.kafka_partition, incarnation: row.incarnation }))
}

const unfinished = `(
  exists (select from millrace_data.parked k where k.lane_id = l.id)
  or exists (select from millrace_data.rest w where w.lane_id = l.id)
  or exists (select from millrace_data.untold u where u.lane_id = l.id)
  or exists (
    select from millrace_data.transaction x where x.lane_id = l.id and x.id >= p.low_id
    and not exists (select from millrace_data.ending d where d.transaction_id = x.id))
  or exists (select from millrace_data.outbox b where b.lane_id = l.id and b.seq > coalesce(o.published_seq, 0))
  or exists (select from millrace_data.command c where c.lane_id = l.id and c.state = 1))`

/** Of transactions that have not ended: what runs is finished, though no workflow names its topic any more. */
export async function unfinishedTopics(db: Connections, { engine }: EngineIds): Promise<string[]> {
  const rows = await db.query<{ name: string }>({
    text: `
select distinct t.name from millrace_data.lane l
join millrace_data.engine e on e.id = l.engine_id and e.name = $1
join millrace_data.topic t on t.id = l.topic_id
join millrace_data.lane_progress p on p.lane_id = l.id
left join millrace_data.outbox_progress o on o.lane_id = l.id
where ${unfinished}`,
    values: [engine],
  })
  return rows.map((row) => row.name)
}
