/** What operators have paused: who, when and why. */
import type { Connections } from '../connect.ts'
import { isoText } from './time.ts'

export interface PauseRead {
  readonly engine: string
  readonly workflow: string
  /** Null: all of the workflow. */
  readonly key: string | null
  readonly paused_at: string
  readonly paused_by: string
  readonly why: string | null
}

const columns = `engine, workflow, key, ${isoText('paused_at')}, paused_by, why`
const order = 'order by engine, workflow, key nulls first'

/** Of all engines. */
export function openPauses(db: Connections): Promise<PauseRead[]> {
  return db.query<PauseRead & Record<string, unknown>>({
    text: `select ${columns} from millrace.pauses p where state = 'paused' ${order}`,
  })
}

/** Those that hold a transaction. */
export function pausesOver(
  db: Connections,
  { engine, workflow, key }: { readonly engine: string; readonly workflow: string; readonly key: string | null },
): Promise<PauseRead[]> {
  return db.query<PauseRead & Record<string, unknown>>({
    text: `
select ${columns} from millrace.pauses p
where state = 'paused' and engine = $1 and workflow = $2 and (key is null or key = $3) ${order}`,
    values: [engine, workflow, key],
  })
}

/** Names of the workflows that the ledger knows. */
export async function workflowNames(db: Connections): Promise<string[]> {
  const rows = await db.query<{ workflow: string }>({
    text: 'select distinct workflow from millrace.versions order by workflow',
  })
  return rows.map(({ workflow }) => workflow)
}
