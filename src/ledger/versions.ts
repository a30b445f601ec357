/** Workflow sources in the ledger, by content hash. */
import type { VersionIds } from '../coordinator/ports.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Connections } from './connect.ts'
import { startsOf } from './starts.ts'

export async function register(db: Connections, plans: readonly Plan[]): Promise<ReadonlyMap<string, VersionIds>> {
  const ids = new Map<string, VersionIds>()
  for (const plan of plans) ids.set(plan.version, await registerOne(db, plan))
  return ids
}

async function registerOne(db: Connections, plan: Plan): Promise<VersionIds> {
  // Of functions one after the other nothing more needs to be told.
  const kinds = plan.steps.every((step) => step.kind === 'invoke') ? null : plan.steps.map((step) => step.kind)
  await db.query({
    name: 'millrace_register_workflow',
    text: 'insert into millrace_data.workflow (name) values ($1) on conflict do nothing',
    values: [plan.name],
  })
  await db.query({
    name: 'millrace_register_version',
    text: `
insert into millrace_data.version
  (workflow_id, hash, source, step_ids, step_functions, step_kinds, step_starts, last_step)
select w.id, $2, $3, $4::text[], $5::text[], $6::text[], $7::smallint[], $8::smallint from millrace_data.workflow w
where w.name = $1 and not exists (
  select from millrace_data.version v where v.workflow_id = w.id and v.hash = $2)
on conflict do nothing`,
    values: [
      plan.name,
      plan.version,
      plan.source,
      plan.steps.map((step) => step.id),
      plan.steps.map((step) => ('uses' in step ? step.uses : null)),
      kinds,
      kinds && startsOf(plan),
      kinds && plan.body.at(-1)?.no,
    ],
  })
  const [row] = await db.query<{ workflow_id: number; id: number }>({
    name: 'millrace_version_ids',
    text: `
select v.workflow_id, v.id from millrace_data.version v
join millrace_data.workflow w on w.id = v.workflow_id where w.name = $1 and v.hash = $2`,
    values: [plan.name, plan.version],
  })
  if (!row) throw new Error(`version ${plan.version} of ${plan.name} was not stored`)
  return { workflowId: row.workflow_id, versionId: row.id }
}
