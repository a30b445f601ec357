import type { Plan } from '../../workflow/plan.ts'
import { functionOf } from '../../workflow/uses.ts'
import type { Check } from '../check.ts'

/** All that is derived from a version is only as good as its stored source. */
export const versions: Check = {
  name: 'versions',
  holds: 'each stored workflow source has the hash it is known by, and gives the steps it is said to have',
  kinds: {
    source_changed: 'millrace_data.version: the source was changed, or its hash was',
    source_invalid: 'millrace_data.version: the source is no workflow that this version of millrace can read',
    steps_differ:
      'millrace_data.version: step_ids, step_functions, step_kinds or last_step are not those of the source',
  },
  sql: `
select case when v.hash <> s.sum then 'source_changed'
            when p.steps is null then 'source_invalid'
            when p.steps::jsonb <> s.steps then 'steps_differ' end,
       null::int, w.name, null::int8, v.id::text,
       case when v.hash <> s.sum then 'hash ' || s.sum else coalesce(p.steps, 'a workflow') end,
       case when v.hash <> s.sum then 'hash ' || v.hash else s.steps::text end
from millrace_data.version v
join millrace_data.workflow w on w.id = v.workflow_id
join unnest($2::int4[], $3::text[]) as p (id, steps) on p.id = v.id
cross join lateral (select encode(sha256(convert_to(v.source, 'UTF8')), 'hex') as sum,
                           jsonb_build_array(to_jsonb(v.step_ids), to_jsonb(v.step_functions), to_jsonb(v.step_kinds),
                             coalesce(v.last_step, (p.steps::jsonb ->> 3)::smallint)) as steps) s`,
  values: ({ versions }) => [
    versions.map((version) => version.id),
    versions.map(({ plan }) => plan && JSON.stringify(said(plan))),
  ],
}

/** Of functions one after the other the kinds are not told. */
function said({ steps, body }: Plan): unknown[] {
  const isPlain = steps.every(({ kind }) => kind === 'invoke')
  const kinds = isPlain ? null : steps.map(({ kind }) => kind)
  return [steps.map(({ id }) => id), steps.map(functionOf), kinds, body.at(-1)?.no ?? null]
}
