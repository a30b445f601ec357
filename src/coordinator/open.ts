/** Opens a lane: makes it if it was never there, takes its epoch, learns what is open. A start, a takeover and a
 * recovery are all this. */
import { crashPoint } from '../base/crash-point.ts'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import type { From, Plan } from '../workflow/plan.ts'
import { type Catalogue, idsOf, takersOf } from './catalogue.ts'
import type { Intake, LaneRef, Ledger, NewLane, OpenedLane, PartitionRef } from './ports.ts'

export interface OpeningRoom {
  readonly ledger: Ledger
  readonly intake: Intake
  readonly catalogue: Catalogue
}

export interface Opened {
  readonly ref: LaneRef
  readonly lane: OpenedLane
}

/** Where its lane is in the ledger, which has one now. Throws `EngineError`: an outage of either side. */
export async function place(partition: PartitionRef, room: OpeningRoom): Promise<LaneRef> {
  const ref = { ...partition, incarnation: await room.intake.incarnation(partition.topic) }
  await createIfNew(ref, room)
  return ref
}

/** Null: another coordinator holds it, and was asked. Throws `EngineError`: an outage of either side, or `offsets_regressed`. */
export async function take(ref: LaneRef, { ledger, intake }: OpeningRoom): Promise<Opened | null> {
  crashPoint('lane.before-epoch')
  const lane = await ledger.takeLane(ref)
  if (lane === null) return null
  crashPoint('lane.loaded')
  try {
    await checkEnd(ref, lane.nextOffset, intake)
    return { ref, lane }
  } catch (error) {
    await ledger.releaseLanes([lane]).catch(() => undefined)
    throw error
  }
}

/**
 * Lanes of the topic's earlier incarnations that have something unfinished, as far as they fall to whoever holds these
 * partitions: the new topic may have fewer of them.
 */
export async function strandedOf(
  topic: string,
  held: ReadonlySet<number>,
  { ledger, intake }: OpeningRoom,
): Promise<LaneRef[]> {
  const stranded = await ledger.strandedLanes(topic, await intake.incarnation(topic))
  if (stranded.length === 0) return []
  const count = Math.max((await intake.bounds(topic)).size, 1)
  return stranded.filter(({ partition }) => held.has(partition % count))
}

/** `from` is resolved once, for all the partitions that exist when the topic is first seen; later ones start early. */
async function createIfNew(ref: LaneRef, room: OpeningRoom): Promise<void> {
  const { topic, incarnation } = ref
  const known = await room.ledger.knownLanes(topic, incarnation)
  if (known.partitions.has(ref.partition)) return
  const bounds = await room.intake.bounds(topic)
  const isNew = known.partitions.size === 0 && !known.recreated
  if (known.partitions.size === 0 && known.recreated) tellRecreated(ref)
  const plans = takersOf(room.catalogue, topic)
  const starts = await Promise.all(
    plans.map((plan) => startsOf(fromOf(plan, topic), topic, bounds, isNew, room.intake)),
  )
  const lanes: NewLane[] = []
  for (const [number, { earliest }] of bounds) {
    if (known.partitions.has(number)) continue
    const subscriptions = plans.map((plan, index) => ({
      workflowId: idsOf(room.catalogue, plan).workflowId,
      fromOffset: starts[index]?.get(number) ?? earliest,
    }))
    const offsets = subscriptions.map((each) => each.fromOffset)
    lanes.push({ partition: number, nextOffset: offsets.length > 0 ? Math.min(...offsets) : earliest, subscriptions })
  }
  crashPoint('lane.before-create')
  await room.ledger.createLanes(topic, incarnation, lanes)
}

/** Whose records start transactions begins where it says; events that somebody may wait for are all kept. */
function fromOf({ on: { kafka } }: Plan, topic: string): From {
  return kafka?.topic === topic ? kafka.from : { at: 'earliest' }
}

function tellRecreated({ topic, incarnation }: LaneRef): void {
  publish('topic.recreated', { topic, incarnation })
}

async function startsOf(
  from: From,
  topic: string,
  bounds: ReadonlyMap<number, { earliest: number; latest: number }>,
  isNew: boolean,
  intake: Intake,
): Promise<ReadonlyMap<number, number>> {
  if (!isNew || from.at === 'earliest') return new Map([...bounds].map(([number, { earliest }]) => [number, earliest]))
  if (from.at === 'latest') return new Map([...bounds].map(([number, { latest }]) => [number, latest]))
  return intake.offsetsAt(topic, from.timeMs)
}

/** Kafka ends before the ledger's place: reading on would take new records for old ones. */
async function checkEnd(partition: PartitionRef, nextOffset: number, intake: Intake): Promise<void> {
  const latest = (await intake.bounds(partition.topic)).get(partition.partition)?.latest
  if (latest === undefined || latest >= nextOffset) return
  throw new EngineError(
    'offsets_regressed',
    `${partition.topic}/${partition.partition} ends at offset ${latest}, but the ledger has read it up to ${nextOffset}: ` +
      'Kafka has lost records that it had given, and nothing of the partition is read. Give the engine another name ' +
      '(MILLRACE_ENGINE) to read it from its start',
    { details: { ...partition, latest, nextOffset } },
  )
}
