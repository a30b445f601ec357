/**
 * SQL for the checks of what is no plain chain: transactions of workflows with blocks, rests, calls or compensations, and
 * those of any workflow that turned back or were opened again. What is plain costs these checks nothing.
 */
import { richVersions, shape, shapeOf } from './shape.ts'
import type { World } from './world.ts'

/** Parameters of the CTEs below, from `$2` on. */
export function richValues(world: World): unknown[] {
  return [shape(world), richVersions(world)]
}

/** `shape`, and `rich`: their transactions. */
export const richOnes = `${shapeOf('$2')}, rich as materialized (
  select t.id, t.lane_id, t.version_id, t.kafka_offset, t.parent_id
  from millrace_data.transaction t
  where cardinality($3::int4[]) > 0 and t.version_id = any($3::int4[])
  union
  select t.id, t.lane_id, t.version_id, t.kafka_offset, t.parent_id
  from (select transaction_id from millrace_data.turn union select transaction_id from millrace_data.round) x
  join millrace_data.transaction t on t.id = x.transaction_id
  where t.version_id in (select version from shape)
)`

/**
 * `rows`: their attempts. A round that begins at a step takes back what was done from there on (`gone`), and `life` counts how
 * often that was; numbers of attempts go on.
 */
export const richRows = `${richOnes}, opened as materialized (
  select transaction_id, max(round) as last from millrace_data.round group by 1
), rows as materialized (
  select a.transaction_id as id, r.lane_id, r.version_id, r.kafka_offset, a.step::int as step, a.item, a.attempt::int as attempt,
         a.outcome, a.step_state as state, a.error_code, a.resolved_by is not null as resolved, a.next_at is null as last,
         a.dispatched_at is not null as ran, a.commit_id, a.eligible_at, a.received_at, a.seq, a.unknown is true as unknown,
         coalesce(a.round, 1)::int as round,
         case when o.transaction_id is null then 0 else (
           select count(*) from millrace_data.round q
           where q.transaction_id = a.transaction_id and q.round <= coalesce(a.round, 1) and q.from_step <= a.step) end as life,
         o.transaction_id is not null and exists (
           select from millrace_data.round q
           where q.transaction_id = a.transaction_id and q.round > coalesce(a.round, 1) and q.from_step <= a.step) as gone
  from rich r
  join millrace_data.attempt a on a.transaction_id = r.id
  left join opened o on o.transaction_id = a.transaction_id
)`

/** `stand`: of each step and item the last row, of what no round has taken back. */
export const richStand = `${richRows}, stand as materialized (
  select distinct on (r.id, r.step, r.item) r.*, s.id as step_id, s.kind, s.optional, s.depth, s.block, s.list, s.is_last,
         s.undoes, s.undone_by, s.is_chain, r.state in (1, 2) or (r.state = 3 and s.optional) as good,
         r.state = 3 and not s.optional as failed
  from rows r join shape s on s.version = r.version_id and s.step = r.step
  where not r.gone
  order by r.id, r.step, r.item, r.life desc, r.attempt desc
)`

/** The places of an item that belong to a step of that depth: '3.0' and 1 give '3'. */
export function itemAt(item: string, depth: string): string {
  return `case when ${depth} = 0 then '' when ${depth} = ${depthOf(item)} then ${item}
    else array_to_string((string_to_array(${item}, '.'))[1:${depth}], '.') end`
}

export function depthOf(item: string): string {
  return `case when ${item} = '' then 0 else cardinality(string_to_array(${item}, '.')) end`
}

/** The text of a step for people: `bill[3]`, `compensation of bill`. */
export function nameOf(step: string, item: string): string {
  return `(case when ${step}.kind = 'undo' then 'compensation of ' else '' end || ${step}.id
    || case when ${item} = '' then '' else '[' || ${item} || ']' end)`
}

/** Plain transactions have only plain rows: the checks of chains look at no other. */
export function isPlain(id: string): string {
  return `not exists (select from rich where rich.id = ${id})`
}
