/** How transactions stand that somebody waits for: many with one question, by their ids, and where there is none by their places. */
import type { Asked, Origin, Standing } from '../../api/ports.ts'
import { stateName, stepStateName } from '../codes.ts'
import type { Connections } from '../connect.ts'
import { between, rangeOf } from '../id-range.ts'

/** In the order of those asked for. */
export async function standing(db: Connections, engine: string, asked: readonly Asked[]): Promise<Standing[]> {
  if (asked.length === 0) return []
  const byId = await findById(db, asked)
  const lost = asked.filter(({ id, from }) => from !== null && !byId.has(id))
  const byPlace = lost.length === 0 ? new Map<string, Standing>() : await findByPlace(db, engine, lost)
  return asked.map(({ id, after }) => byId.get(nameOf(id, after)) ?? byPlace.get(id) ?? { is: 'written' })
}

/** Two may wait for different steps of one. */
function nameOf(id: string, after: string | null): string {
  return after === null ? id : `${id}/${after}`
}

async function findById(db: Connections, asked: readonly Asked[]): Promise<Map<string, Standing>> {
  const [ids, low, high] = rangeOf(asked.map(({ id }) => id))
  const rows = await db.query<StandingRead>({
    name: 'millrace_http_standing',
    text: `
select w.id, w.after, e.state, e.error_code, e.error_message, a.step_state
from unnest($1::uuid[], $4::text[]) as w (id, after)
join millrace_data.transaction t on t.id = w.id and ${between('t.id')}
left join millrace_data.ending e on e.transaction_id = w.id and ${between('e.transaction_id')}
left join lateral (
  select b.step_state from millrace_data.version v
  join millrace_data.attempt b on b.step = array_position(v.step_ids, w.after) - 1
  where v.id = t.version_id and b.transaction_id = w.id and b.item = '' and ${between('b.transaction_id')}
  order by b.attempt desc limit 1) a on w.after is not null`,
    values: [ids, low, high, asked.map(({ after }) => after)],
  })
  const found = new Map<string, Standing>()
  for (const row of rows) {
    found.set(nameOf(row.id, row.after), standingOf(row))
    // That it is there at all keeps its place from being looked at.
    if (row.after !== null && !found.has(row.id)) found.set(row.id, standingOf(row))
  }
  return found
}

interface StandingRead extends Record<string, unknown> {
  id: string
  after: string | null
  state: number | null
  error_code: string | null
  error_message: string | null
  step_state: number | null
}

function standingOf({ state, error_code: code, error_message: message, step_state }: StandingRead): Standing {
  const name = stepStateName(step_state)
  const after = name === 'in_doubt' ? null : name
  return state === null ? { is: 'open', after } : { is: 'ended', after, state: stateName(state), code, message }
}

/** The record was read, and is no transaction of this id: a copy, a dead letter, or one that was clamped to the hour before. */
async function findByPlace(db: Connections, engine: string, asked: readonly Asked[]): Promise<Map<string, Standing>> {
  const places = asked.map((each) => each.from as Origin)
  const rows = await db.query<PlaceRead>({
    name: 'millrace_http_place',
    text: `
select w.id, d.first_id, letter.code, moved.id as moved_id
from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int4[], $7::int8[])
  as w (id, workflow, topic, incarnation, partition, kafka_offset)
join millrace_data.engine n on n.name = $1
join millrace_data.topic k on k.name = w.topic and k.incarnation = w.incarnation
join millrace_data.lane l on l.engine_id = n.id and l.topic_id = k.id and l.kafka_partition = w.partition
join millrace_data.lane_progress p on p.lane_id = l.id and p.next_offset > w.kafka_offset
join millrace_data.workflow f on f.name = w.workflow
left join millrace_data.duplicate d on d.lane_id = l.id and d.workflow_id = f.id and d.kafka_offset = w.kafka_offset
left join lateral (
  select x.code from millrace_data.dead_letter x
  where x.lane_id = l.id and x.kafka_offset = w.kafka_offset and (x.workflow_id = f.id or x.workflow_id is null)
    and x.transaction_id is null and x.id >= (left(w.id::text, 13) || '-0000-0000-000000000000')::uuid
  limit 1) letter on d.first_id is null
left join lateral (
  select t.id from millrace_data.transaction t
  where t.lane_id = l.id and t.kafka_offset = w.kafka_offset and t.parent_id is null
    and t.id > w.id and substr(t.id::text, 14) = substr(w.id::text, 14)
  limit 1) moved on d.first_id is null and letter.code is null`,
    values: [
      engine,
      asked.map(({ id }) => id),
      places.map(({ workflow }) => workflow),
      places.map(({ topic }) => topic),
      places.map(({ incarnation }) => incarnation),
      places.map(({ partition }) => partition),
      places.map(({ offset }) => offset),
    ],
  })
  return new Map(rows.flatMap((row) => (standingAt(row) ? [[row.id, standingAt(row) as Standing]] : [])))
}

interface PlaceRead extends Record<string, unknown> {
  id: string
  first_id: string | null
  code: string | null
  moved_id: string | null
}

function standingAt({ first_id, code, moved_id }: PlaceRead): Standing | null {
  if (first_id !== null) return { is: 'duplicate', firstId: first_id }
  if (code !== null) return { is: 'refused', code }
  return moved_id === null ? null : { is: 'moved', id: moved_id }
}

export async function sourceOf(
  db: Connections,
  version: string,
): Promise<{ readonly workflow: string; readonly source: string } | null> {
  const [row] = await db.query<{ workflow: string; source: string }>({
    name: 'millrace_http_source',
    text: `
select w.name as workflow, v.source from millrace_data.version v
join millrace_data.workflow w on w.id = v.workflow_id where v.hash = $1 limit 1`,
    values: [version],
  })
  return row ?? null
}

/** Of these topics, those of which every lane that is held is paused. */
export async function fullTopics(
  db: Connections,
  engine: string,
  topics: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ topic: string }>({
    name: 'millrace_http_full',
    text: `
select topic from millrace.lanes
where engine = $1 and topic = any($2::text[]) and state in ('held', 'asked')
group by topic having bool_and(paused is not null)`,
    values: [engine, topics],
  })
  return new Set(rows.map((row) => row.topic))
}
