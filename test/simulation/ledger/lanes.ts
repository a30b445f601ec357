/** Lanes: what src/ledger/lanes.ts says in SQL, each statement as one instant. */
import { EngineError } from '../../../src/base/error.ts'
import type {
  HeldLane,
  KnownLanes,
  LaneRef,
  NewLane,
  OpenedLane,
  OpenRef,
  Pause,
  VersionIds,
} from '../../../src/coordinator/ports.ts'
import type { Plan } from '../../../src/workflow/plan.ts'
import { lowestId, type StoredLane, type Tables } from './tables.ts'

export interface Holder {
  readonly engine: string
  readonly owner: string
  readonly session: number
  readonly leaseMs: number
  readonly handoverMs: number
}

export function register(tables: Tables, plans: readonly Plan[]): ReadonlyMap<string, VersionIds> {
  const ids = new Map<string, VersionIds>()
  for (const plan of plans) {
    if (!tables.workflows.has(plan.name)) tables.workflows.set(plan.name, tables.workflows.size + 1)
    const workflowId = tables.workflows.get(plan.name) as number
    const name = `${workflowId}/${plan.version}`
    const stored = tables.versions.get(name) ?? { plan, workflowId, versionId: tables.versions.size + 1 }
    tables.versions.set(name, stored)
    tables.versionsById.set(stored.versionId, stored)
    ids.set(plan.version, { workflowId, versionId: stored.versionId })
  }
  return ids
}

export function knownLanes(tables: Tables, engine: string, topic: string, incarnation: string): KnownLanes {
  adopt(tables, topic, incarnation)
  const lanes = tables.lanes.filter((lane) => lane.engine === engine && lane.topic === topic)
  const ours = lanes.filter((lane) => lane.incarnation === incarnation)
  const ids = new Set(ours.flatMap((lane) => [...lane.subscriptions.keys()]))
  return {
    recreated: lanes.length > ours.length,
    partitions: new Set(ours.map((lane) => lane.partition)),
    workflows: new Set([...tables.workflows].filter(([, id]) => ids.has(id)).map(([name]) => name)),
  }
}

/** A topic's row gets its incarnation when that is first told. */
function adopt(tables: Tables, topic: string, incarnation: string): void {
  const ofName = tables.lanes.filter((lane) => lane.topic === topic)
  if (incarnation === '' || ofName.some((lane) => lane.incarnation !== '')) return
  for (const lane of ofName) Object.assign(lane, { incarnation })
}

export function createLanes(
  tables: Tables,
  engine: string,
  topic: string,
  incarnation: string,
  lanes: readonly NewLane[],
  nowUs: number,
): void {
  for (const { partition, nextOffset, subscriptions } of lanes) {
    if (tables.laneOf(engine, topic, incarnation, partition)) continue
    tables.lanes.push({
      laneId: tables.lanes.length + 1,
      engine,
      topic,
      incarnation,
      partition,
      firstOffset: nextOffset,
      epoch: 0,
      owner: null,
      session: null,
      leaseUs: null,
      askedBy: null,
      askedUs: null,
      nextOffset,
      lowId: lowestId,
      seenUs: nowUs,
      paused: null,
      queued: 0,
      running: 0,
      subscriptions: new Map(subscriptions.map((each) => [each.workflowId, each.fromOffset])),
      publishedSeq: 0,
      open: new Set(),
      parked: new Set(),
      messages: [],
      seq: 0,
    })
  }
}

/** Null: somebody holds it, and was asked. */
export function takeEpoch(tables: Tables, holder: Holder, ref: LaneRef, nowUs: number): HeldLane | null {
  const lane = tables.laneOf(holder.engine, ref.topic, ref.incarnation, ref.partition)
  if (!lane) {
    const message = `lane ${ref.topic}/${ref.partition} is not in the ledger: Kafka did not name that partition`
    throw new EngineError('lane_missing', message, { retryable: true })
  }
  if (!isFree(lane, holder, nowUs)) {
    if (lane.askedUs === null) Object.assign(lane, { askedBy: holder.owner, askedUs: nowUs })
    return null
  }
  const { owner, session } = holder
  const leaseUs = holder.leaseMs * 1000
  Object.assign(lane, { epoch: lane.epoch + 1, owner, session, leaseUs, seenUs: nowUs, askedBy: null, askedUs: null })
  return { laneId: lane.laneId, epoch: lane.epoch }
}

function isFree(lane: StoredLane, { session, leaseMs, handoverMs }: Holder, nowUs: number): boolean {
  if (lane.owner === null || lane.session === session) return true
  if (lane.session === null && lane.leaseUs !== null) return true
  if (lane.seenUs + (lane.leaseUs ?? leaseMs * 1000) < nowUs) return true
  return lane.askedUs !== null && lane.askedUs + handoverMs * 1000 < nowUs
}

/** What a lane is found with once its epoch is taken. */
export function openedLane(tables: Tables, { laneId, epoch }: HeldLane): OpenedLane {
  const lane = tables.lane(laneId)
  const names = new Map([...tables.workflows].map(([name, id]) => [id, name]))
  const seq = Math.max(lane.publishedSeq, lane.seq)
  return {
    laneId,
    epoch,
    nextOffset: lane.nextOffset,
    outbox: { seq, unpublished: seq > lane.publishedSeq },
    subscriptions: new Map([...lane.subscriptions].map(([id, from]) => [names.get(id) as string, from])),
    workflowIds: new Map([...lane.subscriptions.keys()].map((id) => [names.get(id) as string, id])),
    ...findOpen(tables, lane),
    pauses: pausesOf(tables, lane.engine),
  }
}

export function pausesOf(tables: Tables, engine: string): Pause[] {
  return tables.pauses.filter((each) => each.engine === engine).map(({ workflow, key }) => ({ workflow, key }))
}

function findOpen(tables: Tables, lane: StoredLane): Pick<OpenedLane, 'open' | 'sources'> {
  const rows = [...lane.open]
    .filter((id) => isFound(tables, lane, id) && !tables.restsAlone(id))
    .map((id) => tables.transactions.get(id) as NonNullable<ReturnType<typeof tables.transactions.get>>)
    .sort((a, b) => turnOf(tables, a.id) - turnOf(tables, b.id) || a.offset - b.offset || (a.id < b.id ? -1 : 1))
  const sources = new Map(
    rows.map((row) => {
      const { plan, workflowId, versionId } = tables.versionOf(row)
      return [plan.version, { workflow: plan.name, source: plan.source, workflowId, versionId }]
    }),
  )
  const open = rows.map((row): OpenRef => {
    const { id, key, admittedUs } = row
    const { name, isChain } = tables.planOf(row)
    return {
      id,
      workflow: name,
      key,
      admittedUs,
      inDoubt: isChain && tables.isInDoubt(id),
      rests: tables.restsOf(id).some(({ isAlone }) => isAlone),
    }
  })
  return { open, sources }
}

function turnOf(tables: Tables, id: string): number {
  if (tables.isInDoubt(id)) return 1
  return tables.hasStarted(id) ? 0 : 2
}

/** The sources of these versions, by their hashes. */
export function sourcesOf(tables: Tables, versions: readonly string[]): OpenedLane['sources'] {
  const found = [...tables.versions.values()].filter(({ plan }) => versions.includes(plan.version))
  return new Map(
    found.map(({ plan, workflowId, versionId }) => [
      plan.version,
      { workflow: plan.name, source: plan.source, workflowId, versionId },
    ]),
  )
}

/** Opening looks from the low-water id on, at what is parked, and at what rests and keeps its key all the same. */
export function isFound(tables: Tables, { lowId, parked }: StoredLane, id: string): boolean {
  return id >= lowId || parked.has(id) || tables.restsOf(id).some((rest) => rest.isStrict)
}

export function releaseLanes(tables: Tables, lanes: readonly HeldLane[]): void {
  for (const { laneId, epoch } of lanes) {
    const lane = tables.lane(laneId)
    if (lane.epoch === epoch) Object.assign(lane, { session: null, askedBy: null, askedUs: null })
  }
}

export function strandedLanes(tables: Tables, engine: string, topic: string, incarnation: string): LaneRef[] {
  return tables.lanes
    .filter((lane) => lane.engine === engine && lane.topic === topic && lane.incarnation !== incarnation)
    .filter((lane) => isUnfinished(tables, lane))
    .map((lane) => ({ topic, partition: lane.partition, incarnation: lane.incarnation }))
}

export function isUnfinished(tables: Tables, lane: StoredLane): boolean {
  return (
    lane.parked.size > 0 ||
    [...lane.open].some((id) => tables.restsOf(id).length > 0) ||
    [...tables.untold.values()].includes(lane.laneId) ||
    [...lane.open].some((id) => id >= lane.lowId) ||
    lane.seq > lane.publishedSeq ||
    tables.commands.pendingOf(lane.laneId).length > 0
  )
}
