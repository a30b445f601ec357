/** Opens a lane: makes it if it was never there, takes its epoch, learns what is open. A start, a takeover and a
 * recovery are all this. */
import { EngineError } from '../base/error.ts'
import type { From } from '../workflow/plan.ts'
import { type Catalogue, idsOf } from './catalogue.ts'
import type { Intake, Ledger, NewLane, OpenedLane, PartitionRef } from './ports.ts'

export interface OpeningRoom {
  readonly ledger: Ledger
  readonly intake: Intake
  readonly catalogue: Catalogue
}

/** Throws `EngineError`: an outage of either side, or `offsets_regressed`. */
export async function open(partition: PartitionRef, room: OpeningRoom): Promise<OpenedLane> {
  await createIfNew(partition, room)
  const opened = await room.ledger.openLane(partition)
  await checkEnd(partition, opened.nextOffset, room.intake)
  return opened
}

/** `from` is resolved once, for all the partitions that exist when the topic is first seen; later ones start early. */
async function createIfNew(partition: PartitionRef, room: OpeningRoom): Promise<void> {
  const { topic } = partition
  const known = await room.ledger.knownLanes(topic)
  if (known.partitions.has(partition.partition)) return
  const bounds = await room.intake.bounds(topic)
  const isNew = known.partitions.size === 0
  const plans = room.catalogue.byTopic.get(topic) ?? []
  const starts = await Promise.all(plans.map((plan) => startsOf(plan.on.kafka.from, topic, bounds, isNew, room.intake)))
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
  await room.ledger.createLanes(topic, lanes)
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
      'the topic seems to have been deleted and created again; nothing of it is read. Give the engine another name ' +
      '(MILLRACE_ENGINE) to read it from its start',
    { details: { ...partition, latest, nextOffset } },
  )
}
