/** Pauses of a workflow, or of one of its keys: a row from the moment on at which somebody wants it, until somebody ends it. */
import { EngineError } from '../base/error.ts'
import type { Pause } from '../coordinator/ports.ts'
import type { Connections } from './connect.ts'

export interface PauseWish extends Pause {
  readonly engine: string
}

export interface PauseState {
  readonly workflow: string
  readonly key: string | null
  readonly paused_by: string
  readonly why: string | null
  readonly paused_at: Date
  /** It was so already. */
  readonly is_old: boolean
}

interface By {
  readonly by: string
  readonly why: string | null
}

/** The same twice is the same. Throws `EngineError` `workflow_unknown`. */
export async function pause(db: Connections, wish: PauseWish, { by, why }: By): Promise<PauseState> {
  const named = await placeOf(db, wish)
  const made = await db.query<PauseRead>({
    text: `
insert into millrace_data.pause (engine_id, workflow_id, key, paused_by, why) values ($1, $2, $3, $4, $5)
on conflict do nothing returning paused_by, why, paused_at`,
    values: [named.engine_id, named.workflow_id, wish.key, by, why],
  })
  const [row] = made.length > 0 ? made : await openPause(db, named, wish.key)
  // Somebody ended it in between: it is made now.
  if (!row) return pause(db, wish, { by, why })
  return { workflow: wish.workflow, key: wish.key, ...row, is_old: made.length === 0 }
}

/** False: it was not paused. Throws `EngineError` `workflow_unknown`. */
export async function resume(db: Connections, wish: PauseWish, { by, why }: By): Promise<boolean> {
  const { engine_id, workflow_id } = await placeOf(db, wish)
  const rows = await db.query({
    text: `
update millrace_data.pause set resumed_at = now(), resumed_by = $4, resumed_why = $5
where engine_id = $1 and workflow_id = $2 and key is not distinct from $3 and resumed_at is null returning id`,
    values: [engine_id, workflow_id, wish.key, by, why],
  })
  return rows.length > 0
}

/** What of the engine is paused now. */
export async function pausesOf(db: Connections, engine: string): Promise<Pause[]> {
  return db.query<Pause & Record<string, unknown>>({
    name: 'millrace_pauses',
    text: `
select w.name as workflow, p.key from millrace_data.pause p
join millrace_data.engine e on e.id = p.engine_id and e.name = $1
join millrace_data.workflow w on w.id = p.workflow_id
where p.resumed_at is null order by w.name, p.key nulls first`,
    values: [engine],
  })
}

interface PlaceRead {
  engine_id: number
  workflow_id: number
}

interface PauseRead {
  paused_by: string
  why: string | null
  paused_at: Date
}

async function placeOf(db: Connections, { engine, workflow }: PauseWish): Promise<PlaceRead> {
  const [row] = await db.query<PlaceRead & Record<string, unknown>>({
    text: `
select e.id as engine_id, w.id as workflow_id from millrace_data.engine e, millrace_data.workflow w
where e.name = $1 and w.name = $2`,
    values: [engine, workflow],
  })
  if (row) return row
  const message = `the ledger at ${db.address} knows no workflow ${workflow} of engine ${engine}: \`select distinct workflow, engine from millrace.transactions\` names those it knows`
  throw new EngineError('workflow_unknown', message)
}

function openPause(db: Connections, { engine_id, workflow_id }: PlaceRead, key: string | null) {
  return db.query<PauseRead & Record<string, unknown>>({
    text: `
select paused_by, why, paused_at from millrace_data.pause
where engine_id = $1 and workflow_id = $2 and key is not distinct from $3 and resumed_at is null`,
    values: [engine_id, workflow_id, key],
  })
}
