/** A coordinator's signs of life, in one statement for all its lanes, and what others want of those lanes. */
import type { Command, CommitStamp, LaneSign, Renewed, SignalRef } from '../coordinator/ports.ts'
import { letterName } from './codes.ts'
import * as column from './columns.ts'
import type { Connections } from './connect.ts'
import { isoTime, micros } from './micros.ts'
import { pausesOf } from './pause.ts'
import { isRetried } from './retried.ts'

/** Skips rows that a commit holds: it renews them itself, and waiting for it could be waiting in a ring. */
export async function renew(
  db: Connections,
  engine: string,
  last: CommitStamp | null,
  lanes: readonly LaneSign[],
  asOfUs: number | null = null,
): Promise<Renewed> {
  const rows = await db.query<SignRead & Record<string, unknown>>({
    name: 'millrace_renew',
    text: `
with held as (
  select l.id, l.asked_at is not null as asked, paused, queued, running
  from millrace_data.lane l
  join unnest($3::int4[], $4::int8[], $5::text[], $6::int4[], $7::int4[]) as r (lane, epoch, paused, queued, running)
    on l.id = r.lane and l.epoch = r.epoch
), seen as (
  update millrace_data.lane_progress p
  set seen_at = clock_timestamp(), paused = h.paused, queued = h.queued, running = h.running,
      heard_at = coalesce($8::timestamptz, p.heard_at)
  from held h where p.lane_id = h.id and p.lane_id = any(array(
    select lane_id from millrace_data.lane_progress where lane_id = any($3::int4[]) for no key update skip locked))
), returned as (
  update millrace_data.commit set returned_at = $2::timestamptz where id = $1::int8
)
select id, asked,
       exists (select from millrace_data.command c where c.lane_id = held.id and c.state = 1) as commands,
       exists (select from millrace_data.look k
               join millrace_data.rest w on w.transaction_id = k.transaction_id and w.step = k.step and w.item = k.item
               where k.lane_id = held.id) as nudged,
       exists (select from millrace_data.untold u where u.lane_id = held.id) as untold,
       exists (select from millrace_data.pause p where p.resumed_at is null) as paused,
       ${micros('statement_timestamp()')} as as_of_us
from held`,
    values: [
      last?.commitId ?? null,
      last === null ? null : isoTime(last.returnedUs),
      column.int4(lanes.map((lane) => lane.laneId)),
      column.int8(lanes.map((lane) => lane.epoch)),
      column.text(lanes.map((lane) => lane.paused)),
      column.int4(lanes.map((lane) => lane.queued)),
      column.int4(lanes.map((lane) => lane.running)),
      asOfUs === null ? null : isoTime(asOfUs),
    ],
  })
  const lanesWith = (sign: Exclude<keyof SignRead, 'id' | 'as_of_us'>) =>
    rows.filter((row) => row[sign]).map((row) => row.id)
  return {
    held: new Set(rows.map((row) => row.id)),
    asked: new Set(lanesWith('asked')),
    commands: await pendingCommands(db, lanesWith('commands')),
    nudged: new Set(lanesWith('nudged')),
    untold: await untoldSignals(db, lanesWith('untold')),
    pauses: rows[0]?.paused ? await pausesOf(db, engine) : [],
    asOfUs: Number(rows[0]?.as_of_us ?? 0),
  }
}

interface SignRead {
  id: number
  asked: boolean
  commands: boolean
  nudged: boolean
  untold: boolean
  /** Of any engine. */
  paused: boolean
  as_of_us: string
}

const untoldMax = 1000

async function untoldSignals(db: Connections, laneIds: readonly number[]): Promise<SignalRef[]> {
  if (laneIds.length === 0) return []
  const rows = await db.query<{ id: string; workflow_id: number; name: string; key: string }>({
    name: 'millrace_untold',
    text: `
select s.id, s.workflow_id, t.name, s.key
from (select signal_id from millrace_data.untold where lane_id = any($1::int4[]) limit ${untoldMax}) u
join millrace_data.signal s on s.id = u.signal_id
join millrace_data.lane l on l.id = s.lane_id
join millrace_data.topic t on t.id = l.topic_id`,
    values: [column.int4(laneIds)],
  })
  return rows.map((row) => ({ id: row.id, workflowId: row.workflow_id, topic: row.name, key: row.key }))
}

interface CommandRead {
  id: string
  lane_id: number
  kind: Command['kind']
  target: string
  args: string
  asked_by: string
  why: string | null
  letter_state: number | null
  workflow: string | null
  kafka_offset: string | null
  key: Buffer | null
  value: Buffer | null
  headers: string | null
  sealed: Buffer | null
}

/** So many at once: a redrive of a hundred thousand letters must not fill the memory. */
const commandsMax = 200

async function pendingCommands(db: Connections, laneIds: readonly number[]): Promise<Command[]> {
  if (laneIds.length === 0) return []
  const rows = await db.query<CommandRead>({
    name: 'millrace_pending_commands',
    text: `
select c.id, c.lane_id, c.kind, c.target, c.args, c.asked_by, c.why,
       case when d.state = 1 and ${isRetried} then 2 else d.state end::int2 as letter_state, w.name as workflow,
       d.kafka_offset, d.key, d.value, d.headers, d.sealed
from millrace_data.command c
left join millrace_data.dead_letter d on d.id = c.target and d.lane_id = c.lane_id
left join millrace_data.workflow w on w.id = d.workflow_id
where c.state = 1 and c.lane_id = any($1::int4[])
order by c.id limit ${commandsMax}`,
    values: [column.int4(laneIds)],
  })
  return rows.map(commandOf)
}

function commandOf(row: CommandRead): Command {
  const { workflow, key, value, sealed } = row
  return {
    id: BigInt(row.id),
    laneId: row.lane_id,
    kind: row.kind,
    target: row.target,
    args: row.args,
    askedBy: row.asked_by,
    why: row.why,
    letter:
      row.letter_state === null
        ? null
        : {
            workflow,
            offset: Number(row.kafka_offset),
            key,
            value,
            headers: row.headers as string,
            sealed,
            state: letterName(row.letter_state),
          },
  }
}
