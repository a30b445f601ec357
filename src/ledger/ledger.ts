/** The Postgres ledger as the coordinator uses it. */
import { crashPoint } from '../base/crash-point.ts'
import type { Batch, CommitAnswer, Ledger, OutboxLedger, Settled } from '../coordinator/ports.ts'
import * as column from './columns.ts'
import { type AnswerRow, commitAnswer, commitStatement } from './commit.ts'
import { type Connections, connect, type LedgerSettings } from './connect.ts'
import {
  createLanes,
  type EngineIds,
  knownLanes,
  releaseLanes,
  strandedLanes,
  takeLane,
  unfinishedTopics,
} from './lanes.ts'
import { load } from './load.ts'
import { Nudges } from './nudges.ts'
import { sourcesOf } from './open.ts'
import { outboxOf } from './outbox.ts'
import { renew } from './renew.ts'
import { due, looked, nextDue, unlooked } from './rests.ts'
import { makeAhead, withRoom } from './room/ahead.ts'
import { RowNumbers, rowOids } from './row-types.ts'
import { claimSignals, findSignals, nudge } from './signals.ts'
import { tidy } from './tidy.ts'
import { register } from './versions.ts'

export interface OpenLedger extends Ledger, OutboxLedger, AsyncDisposable {
  /** Part of the ids of this coordinator’s commits. */
  readonly session: number
  unfinishedTopics(): Promise<string[]>
  stop(): Promise<void>
}

export async function openLedger(settings: LedgerSettings & EngineIds): Promise<OpenLedger> {
  const db = connect({ ...settings, heldMsMax })
  const [row] = await db.query<{ session: string }>({
    text: `select nextval('millrace_data.coordinator_session') as session`,
  })
  const session = Number(row?.session)
  await makeAhead(db)
  const numbers = new RowNumbers(db, await rowOids(db))
  const nudges = new Nudges(settings.databaseUrl)
  const stop = async () => {
    await nudges.stop()
    await db.end()
  }
  return {
    session,
    register: (plans) => register(db, plans),
    knownLanes: (topic, incarnation) => knownLanes(db, settings, topic, incarnation),
    createLanes: (topic, incarnation, lanes) => createLanes(db, settings, topic, incarnation, lanes),
    takeLane: (lane) => takeLane(db, settings, session, lane),
    strandedLanes: (topic, incarnation) => strandedLanes(db, settings, topic, incarnation),
    releaseLanes: (lanes) => releaseLanes(db, lanes),
    tidy: async () => {
      await tidy(db, settings)
      await makeAhead(db)
    },
    renew: (last, lanes, asOfUs) => renew(db, settings.engine, last, lanes, asOfUs),
    load: (ids) => load(db, ids),
    sources: (versions) => sourcesOf(db, versions),
    commit: (batch) => commit(db, numbers, batch),
    due: (laneId, after, untilUs, most) => due(db, laneId, after, untilUs, most),
    nextDue: (laneId, after) => nextDue(db, laneId, after),
    unlooked: (laneIds, after, most) => unlooked(db, laneIds, after, most),
    findSignals: (waits, most) => findSignals(db, waits, most),
    claimSignals: (claims) => claimSignals(db, claims),
    looked: (waits) => looked(db, waits),
    nudge: (signals, laneIds) => nudge(db, signals, laneIds),
    settle: (batch) => settle(db, batch),
    ...outboxOf(db),
    unfinishedTopics: () => unfinishedTopics(db, settings),
    onNudge: (nudged) => nudges.start(nudged),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** A coordinator that is stopped in the middle of a commit holds locks that a takeover waits for: the server ends it. */
const heldMsMax = 15_000

async function commit(db: Connections, numbers: RowNumbers, batch: Batch): Promise<CommitAnswer> {
  const rows = await withRoom(db, batch, () =>
    numbers.with((oids) => db.query<AnswerRow>(commitStatement(batch, oids))),
  )
  return commitAnswer(rows)
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
  crashPoint('settle.after-epochs')
  const [landed] = await db.query<{ lanes: number[] }>({
    text: 'select lanes from millrace_data.commit where id = $1',
    values: [batch.commitId],
  })
  return {
    landed: landed ? { passed: new Set(landed.lanes), duplicates: await duplicatesOf(db, batch) } : null,
    epochs: new Map(epochs.map((row) => [row.id, Number(row.epoch)])),
  }
}

async function duplicatesOf(db: Connections, batch: Batch): Promise<ReadonlyMap<string, string>> {
  const claims = batch.transactions.filter((row) => row.dedup !== null)
  if (claims.length === 0) return new Map()
  const rows = await db.query<{ lane_id: number; workflow_id: number; kafka_offset: string; first_id: string }>({
    text: 'select lane_id, workflow_id, kafka_offset, first_id from millrace_data.duplicate where commit_id = $1',
    values: [batch.commitId],
  })
  const firsts = new Map(rows.map((row) => [`${row.lane_id}/${row.workflow_id}/${row.kafka_offset}`, row.first_id]))
  return new Map(
    claims.flatMap((row) => {
      const first = firsts.get(`${row.laneId}/${row.dedup?.workflowId}/${row.offset}`)
      return first === undefined ? [] : [[row.id, first] as const]
    }),
  )
}
