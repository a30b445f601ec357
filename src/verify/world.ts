/** What every check may need to know of the ledger before it looks: its lanes, and the workflows' versions as plans. */
import { planFromSource } from '../workflow/parse.ts'
import type { Plan } from '../workflow/plan.ts'

/** The ledger at one moment. */
export interface LedgerView {
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
}

export interface LaneFacts {
  readonly id: number
  readonly engine: string
  readonly topic: string
  /** Kafka's id of the topic; empty when it was never told. */
  readonly incarnation: string
  readonly partition: number
  /** Null: its row is gone. */
  readonly nextOffset: number | null
}

export interface VersionFacts {
  readonly id: number
  readonly workflowId: number
  readonly workflow: string
  readonly hash: string
  readonly source: string
  readonly stepIds: readonly string[]
  readonly stepFunctions: readonly string[]
  /** Null when the stored source is none. */
  readonly plan: Plan | null
}

export interface World {
  readonly ledger: LedgerView
  readonly lanes: readonly LaneFacts[]
  readonly versions: readonly VersionFacts[]
  /** How far the clocks of two coordinators may be apart, in milliseconds. */
  readonly skewMs: number
}

/** `topic` null: of all topics. */
export async function readWorld(ledger: LedgerView, topic: string | null, skewMs: number): Promise<World> {
  return { ledger, lanes: await readLanes(ledger, topic), versions: await readVersions(ledger), skewMs }
}

async function readLanes(ledger: LedgerView, topic: string | null): Promise<LaneFacts[]> {
  const rows = await ledger.query<{
    id: number
    engine: string
    topic: string
    incarnation: string
    partition: number
    next_offset: string | null
  }>(
    `
select l.id, n.name as engine, k.name as topic, k.incarnation, l.kafka_partition as partition, p.next_offset
from millrace_data.lane l
join millrace_data.engine n on n.id = l.engine_id
join millrace_data.topic k on k.id = l.topic_id
left join millrace_data.lane_progress p on p.lane_id = l.id
where $1::text is null or k.name = $1
order by k.name, l.kafka_partition, l.id`,
    [topic],
  )
  return rows.map(({ next_offset, ...row }) => ({
    ...row,
    nextOffset: next_offset === null ? null : Number(next_offset),
  }))
}

async function readVersions(ledger: LedgerView): Promise<VersionFacts[]> {
  const rows = await ledger.query<{
    id: number
    workflow_id: number
    workflow: string
    hash: string
    source: string
    step_ids: string[]
    step_functions: string[]
  }>(`
select v.id, v.workflow_id, w.name as workflow, v.hash, v.source, v.step_ids, v.step_functions
from millrace_data.version v join millrace_data.workflow w on w.id = v.workflow_id order by v.id`)
  return rows.map((row) => ({
    id: row.id,
    workflowId: row.workflow_id,
    workflow: row.workflow,
    hash: row.hash,
    source: row.source,
    stepIds: row.step_ids,
    stepFunctions: row.step_functions,
    plan: planOf(row.source, row.workflow),
  }))
}

function planOf(source: string, workflow: string): Plan | null {
  try {
    return planFromSource(source, workflow)
  } catch {
    return null
  }
}
