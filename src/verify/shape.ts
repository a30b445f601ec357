/**
 * What the checks must know of workflows whose steps are more than functions one after the other, as rows for their SQL: where
 * each step stands, what it follows, what holds it, what undoes it.
 */
import type { Join, Plan, Step } from '../workflow/plan.ts'
import type { World } from './world.ts'

/** A step of a version. */
interface ShapeRow {
  readonly version: number
  readonly step: number
  readonly id: string
  readonly kind: Step['kind']
  readonly optional: boolean
  /** How many places its item has: the `forEach` steps around it. */
  readonly depth: number
  /** What is settled before it begins, and the depth of that; -1: nothing. */
  readonly prev: number
  readonly prev_depth: number
  /** What it stands in, and in which list of that; -1: the workflow itself. */
  readonly block: number
  readonly list: number
  readonly is_last: boolean
  /** Of an `undo`. */
  readonly undoes: number | null
  /** Of a step with a compensation. */
  readonly undone_by: number | null
  readonly is_chain: boolean
  /** Of a block: its lists; when so many have ended well it has; -1: each may fail; -2: all of them. */
  readonly lists: number
  readonly needs: number
  /** Of a switch: one of its cases is always taken. */
  readonly has_else: boolean
  /** Of a wait. */
  readonly topic: string | null
  readonly keep_ms: number | null
  /** Of a call. */
  readonly calls: string | null
  /** Of an `undo`: what became of the postings; null for `net` that only the workflow can tell. */
  readonly reverses: boolean | null
  /** The innermost `forEach` around it; -1: none. */
  readonly within: number
  /** Of a `forEach`. */
  readonly at_once: number
  /** The workflow's order by key. */
  readonly ordering: Plan['order']
}

const columns = `version int, step int, id text, kind text, optional bool, depth int, prev int, prev_depth int, block int, list int,
  is_last bool, undoes int, undone_by int, is_chain bool, lists int, needs int, has_else bool, topic text, keep_ms int8, calls text,
  reverses bool, within int, at_once int, ordering text`

/** SQL of the CTE `shape`: a row for each step of each version that can be read. */
export function shapeOf(parameter: string): string {
  return `shape as materialized (
  select * from jsonb_to_recordset(${parameter}::jsonb) as s (${columns})
)`
}

/** What the parameter is given. */
export function shape({ versions }: World): string {
  return JSON.stringify(versions.flatMap(({ id, plan }) => (plan === null ? [] : rowsOf(id, plan))))
}

/** Versions that have more than functions. */
export function richVersions({ versions }: World): number[] {
  return versions.filter(({ plan }) => plan?.steps.some(({ kind }) => kind !== 'invoke')).map(({ id }) => id)
}

interface Within {
  readonly block: number
  readonly list: number
  readonly prev: number
  readonly prev_depth: number
}

function rowsOf(version: number, plan: Plan): ShapeRow[] {
  const { order, isChain, signals } = plan
  const keeps = new Map(signals.map(({ topic, keepMs }) => [topic, keepMs]))
  const rows: ShapeRow[] = []
  const walk = (steps: readonly Step[], within: Within): void => {
    let { prev, prev_depth } = within
    for (const [at, step] of steps.entries()) {
      const place = { ...within, prev, prev_depth }
      const keep_ms = step.kind === 'wait' ? (keeps.get(step.topic) ?? null) : null
      const common = { ...none, version, is_chain: isChain, ordering: order, ...place, ...basics(step), keep_ms }
      rows.push({ ...common, ...blockOf(step), is_last: at === steps.length - 1 })
      if (step.kind === 'invoke' && step.compensate) {
        const undo = step.compensate
        const reverses = undo.postings === 'reverse' ? true : undo.net === null ? false : null
        rows.push({ ...common, ...basics(undo), undoes: step.no, reverses, is_last: false })
      }
      for (const [list, inner] of listsOf(step).entries()) walk(inner, { block: step.no, list, prev, prev_depth })
      prev = step.no
      prev_depth = step.within.length
    }
  }
  walk(plan.body, { block: -1, list: 0, prev: -1, prev_depth: 0 })
  return rows
}

const none = {
  undoes: null,
  undone_by: null,
  lists: 0,
  needs: 0,
  has_else: false,
  topic: null,
  keep_ms: null,
  calls: null,
  reverses: null,
  at_once: 0,
} as const

function basics(step: Step) {
  return {
    step: step.no,
    id: step.id,
    kind: step.kind,
    optional: step.optional,
    depth: step.within.length,
    within: step.within.at(-1) ?? -1,
    undone_by: step.kind === 'invoke' ? (step.compensate?.no ?? null) : null,
    topic: step.kind === 'wait' ? step.topic : null,
    calls: step.kind === 'call' ? step.workflow : null,
  }
}

function blockOf(step: Step) {
  switch (step.kind) {
    case 'parallel':
      return { lists: step.branches.length, needs: needsOf(step.join) }
    case 'forEach':
      return { lists: 1, needs: needsOf(step.join), at_once: step.atOnce }
    case 'switch':
      return { lists: step.cases.length, has_else: step.cases.some(({ when }) => when === null) }
    default:
      return {}
  }
}

function needsOf(join: Join): number {
  return join === 'each' ? -1 : join === 'all' ? -2 : join
}

function listsOf(step: Step): readonly (readonly Step[])[] {
  switch (step.kind) {
    case 'parallel':
      return step.branches.map(({ steps }) => steps)
    case 'switch':
      return step.cases.map(({ steps }) => steps)
    case 'forEach':
      return [step.steps]
    default:
      return []
  }
}
