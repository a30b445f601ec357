/** Workflow sources in the ledger, by content hash. */
import type { VersionIds } from '../coordinator/ports.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Connections } from './connect.ts'
import { layoutOf } from './layout.ts'

/** So many in one statement: a folder may hold thousands, and a statement for each of them is seconds of a start. */
const together = 500

export async function register(db: Connections, plans: readonly Plan[]): Promise<ReadonlyMap<string, VersionIds>> {
  const ids = new Map<string, VersionIds>()
  for (let from = 0; from < plans.length; from += together) {
    for (const [hash, each] of await registerThese(db, plans.slice(from, from + together))) ids.set(hash, each)
  }
  return ids
}

async function registerThese(db: Connections, plans: readonly Plan[]): Promise<ReadonlyMap<string, VersionIds>> {
  const names = plans.map((plan) => plan.name)
  const hashes = plans.map((plan) => plan.version)
  await db.query({
    name: 'millrace_register_workflows',
    text: `
insert into millrace_data.workflow (name)
select name from unnest($1::text[]) as p (name)
where not exists (select from millrace_data.workflow w where w.name = p.name)
order by name
on conflict do nothing`,
    values: [names],
  })
  await db.query({
    name: 'millrace_register_versions',
    text: `
insert into millrace_data.version
  (workflow_id, hash, source, step_ids, step_functions, step_kinds, step_starts, step_ends, step_inside,
   step_optional, last_step)
select w.id, p.hash, p.source, array(select json_array_elements_text(p.steps -> 'ids')),
       array(select json_array_elements_text(p.steps -> 'functions')),
       ${listOf('kinds', 'text')}, ${listOf('starts', 'smallint')}, ${listOf('ends', 'smallint')},
       ${listOf('inside', 'smallint')}, ${listOf('optional', 'boolean')},
       (p.steps ->> 'last')::smallint
from unnest($1::text[], $2::text[], $3::text[], $4::json[]) as p (name, hash, source, steps)
join millrace_data.workflow w on w.name = p.name
where not exists (select from millrace_data.version v where v.workflow_id = w.id and v.hash = p.hash)
order by w.id, p.hash
on conflict do nothing`,
    values: [names, hashes, plans.map((plan) => plan.source), plans.map((plan) => JSON.stringify(stepsOf(plan)))],
  })
  const rows = await db.query<{ hash: string; workflow_id: number; id: number }>({
    name: 'millrace_version_ids',
    text: `
select v.hash, v.workflow_id, v.id
from unnest($1::text[], $2::text[]) as p (name, hash)
join millrace_data.workflow w on w.name = p.name
join millrace_data.version v on v.workflow_id = w.id and v.hash = p.hash`,
    values: [names, hashes],
  })
  if (rows.length < plans.length) throw new Error(`${plans.length - rows.length} versions were not stored`)
  return new Map(rows.map((row) => [row.hash, { workflowId: row.workflow_id, versionId: row.id }]))
}

/** Null where that need not be told. */
function listOf(name: string, type: string): string {
  return `case when p.steps ->> 'kinds' is not null then array(select json_array_elements_text(p.steps -> '${name}')::${type}) end`
}

/** Of functions one after the other nothing more than their names needs to be told. */
function stepsOf(plan: Plan) {
  const ids = plan.steps.map((step) => step.id)
  const functions = plan.steps.map((step) => ('uses' in step ? step.uses : null))
  if (plan.steps.every((step) => step.kind === 'invoke')) return { ids, functions }
  const kinds = plan.steps.map((step) => step.kind)
  const optional = plan.steps.map((step) => 'optional' in step && step.optional)
  return { ids, functions, kinds, ...layoutOf(plan), optional, last: plan.body.at(-1)?.no }
}
