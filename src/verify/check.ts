/**
 * A check is data: one SQL query over the tables of the ledger that gives a row for each thing that is wrong, and for each
 * kind of wrong what to look at. `run` asks it, and names the first of each kind.
 */
import type { Finding, Judgement } from './finding.ts'
import type { World } from './world.ts'

export interface Check {
  readonly name: string
  /** What it holds, in a sentence. */
  readonly holds: string
  /** kind -> what to look at. Kinds are told in this order. */
  readonly kinds: Readonly<Record<string, string>>
  /**
   * Gives `kind, lane, workflow, position, id, expected, found`; null where there is none. May name `$1`, the ids of the
   * lanes that are looked at (rows of others are left out anyhow), and from `$2` on what `values` gives.
   */
  readonly sql: string
  readonly values?: (world: World) => readonly unknown[]
}

/** A row of a check's query. */
export interface Wrong {
  readonly kind: string
  readonly lane: number | null
  readonly workflow: string | null
  readonly position: string | number | null
  readonly id: string | null
  readonly expected: string
  readonly found: string
}

export async function run(check: Check, world: World): Promise<Judgement> {
  const startedMs = performance.now()
  const laneIds = world.lanes.map((lane) => lane.id)
  const rows = await world.ledger.query<Wrong & { times: string }>(firstOfEach(check.sql), [
    laneIds,
    ...(check.values?.(world) ?? []),
  ])
  const order = Object.keys(check.kinds)
  const sorted = rows.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
  return {
    check: check.name,
    holds: check.holds,
    wrong: rows.reduce((sum, row) => sum + Number(row.times), 0),
    kinds: Object.fromEntries(sorted.map((row) => [row.kind, Number(row.times)])),
    findings: sorted.map((row) => findingOf(check, row, world)),
    tookMs: Math.round(performance.now() - startedMs),
  }
}

/** Of each kind the first one by its place, and how many there are. */
function firstOfEach(sql: string): string {
  return `
with wrong (kind, lane, workflow, position, id, expected, found) as (${sql})
select distinct on (kind) kind, lane, workflow, position, id::text as id, expected, found,
       count(*) over (partition by kind) as times
from wrong where kind is not null and (lane is null or lane = any($1::int4[]))
order by kind, lane, position, workflow, id`
}

export function findingOf(check: Pick<Check, 'name' | 'kinds'>, wrong: Wrong, { lanes }: World): Finding {
  const lane = lanes.find((each) => each.id === wrong.lane)
  return {
    check: check.name,
    kind: wrong.kind,
    topic: lane?.topic ?? null,
    partition: lane?.partition ?? null,
    offset: wrong.position === null ? null : Number(wrong.position),
    workflow: wrong.workflow,
    id: wrong.id,
    expected: wrong.expected,
    found: wrong.found,
    look: check.kinds[wrong.kind] ?? '',
  }
}
