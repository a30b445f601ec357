/** The Postgres ledger as the coordinator uses it. */
import type { Batch, CommitAnswer, CommitStamp, Ledger, Settled } from '../coordinator/ports.ts'
import * as column from './columns.ts'
import { commitStatement, commitValues, isoTime } from './commit.ts'
import { type Connections, connect, type LedgerSettings } from './connect.ts'
import { createLanes, type EngineIds, knownLanes, openLane, unfinishedTopics } from './lanes.ts'
import { load } from './load.ts'
import { register } from './versions.ts'

export interface OpenLedger extends Ledger, AsyncDisposable {
  /** The high half of this coordinator's commit ids. */
  readonly session: number
  unfinishedTopics(): Promise<string[]>
  stop(): Promise<void>
}

export async function openLedger(settings: LedgerSettings & EngineIds): Promise<OpenLedger> {
  const db = connect(settings)
  const [row] = await db.query<{ session: string }>({
    text: `select nextval('millrace_data.coordinator_session') as session`,
  })
  return {
    session: Number(row?.session),
    register: (plans) => register(db, plans),
    knownLanes: (topic) => knownLanes(db, settings, topic),
    createLanes: (topic, lanes) => createLanes(db, settings, topic, lanes),
    openLane: (partition) => openLane(db, settings, partition),
    load: (ids) => load(db, ids),
    commit: (batch) => commit(db, batch),
    settle: (batch) => settle(db, batch),
    complete: (last, laneIds) => complete(db, last, laneIds),
    unfinishedTopics: () => unfinishedTopics(db, settings),
    stop: () => db.end(),
    [Symbol.asyncDispose]: () => db.end(),
  }
}

async function commit(db: Connections, batch: Batch): Promise<CommitAnswer> {
  const rows = await db.query<{ id: number }>({ ...commitStatement, values: commitValues(batch) })
  return { passed: new Set(rows.map((row) => row.id)) }
}

/** New epochs first: the UPDATE waits for a commit that is still under way, and a later one is refused by the fence. */
async function settle(db: Connections, batch: Batch): Promise<Settled> {
  const epochs = await db.query<{ id: number; epoch: string }>({
    name: 'millrace_settle',
    text: `
with ours as (
  select l.id from millrace_data.lane l
  join unnest($1::int4[], $2::int8[]) as w (id, epoch) on l.id = w.id and l.epoch = w.epoch
  order by l.id for update of l
)
update millrace_data.lane l set epoch = l.epoch + 1 from ours where l.id = ours.id returning l.id, l.epoch`,
    values: [column.int4(batch.lanes.map((lane) => lane.laneId)), column.int8(batch.lanes.map((lane) => lane.epoch))],
  })
  const [landed] = await db.query<{ lanes: number[] }>({
    text: 'select lanes from millrace_data.commit where id = $1',
    values: [batch.commitId],
  })
  return {
    landed: landed ? new Set(landed.lanes) : null,
    epochs: new Map(epochs.map((row) => [row.id, Number(row.epoch)])),
  }
}

/** Skips rows that a commit holds: it renews them itself, and waiting for it could be waiting in a ring. */
async function complete(db: Connections, last: CommitStamp | null, laneIds: readonly number[]): Promise<void> {
  await db.query({
    name: 'millrace_complete',
    text: `
with seen as (
  update millrace_data.lane_progress set seen_at = now() where lane_id = any(array(
    select lane_id from millrace_data.lane_progress where lane_id = any($3::int4[]) for no key update skip locked))
)
update millrace_data.commit set returned_at = $2::timestamptz where id = $1::int8`,
    values: [last?.commitId ?? null, last === null ? null : isoTime(last.returnedUs), column.int4(laneIds)],
  })
}
