/** A ledger with one workflow and its lanes taken; or with one that rests, calls and undoes, and a topic that it waits for. */
import assert from 'node:assert/strict'
import type { Ledger, OpenedLane } from '../../../src/coordinator/ports.ts'
import type { Lease, LedgerWorld } from '../ledger.ts'
import { newLanes, plan, stays, topic, waitedFor } from '../rows.ts'

export const incarnation = 'one'

export async function scene(world: LedgerWorld, lease?: Lease, of = plan) {
  const ledger = await world.open('first', lease)
  const ids = (await ledger.register([of])).get(of.version)
  assert(ids)
  await ledger.createLanes(topic, incarnation, newLanes(2, ids.workflowId))
  const [one, two] = [await take(ledger, 0), await take(ledger, 1)]
  return { ledger, one, two, ...ids }
}

/** `news`: the lane in which the events come that are waited for. */
export async function stayScene(world: LedgerWorld) {
  const it = await scene(world, undefined, stays)
  await it.ledger.createLanes(waitedFor, incarnation, newLanes(1, it.workflowId))
  return { ...it, news: await take(it.ledger, 0, waitedFor) }
}

export async function take(ledger: Ledger, partition: number, of = topic): Promise<OpenedLane> {
  const lane = await tryTake(ledger, partition, of)
  assert(lane, `lane ${partition} is held`)
  return lane
}

export function tryTake(ledger: Ledger, partition: number, of = topic): Promise<OpenedLane | null> {
  return ledger.takeLane({ topic: of, partition, incarnation })
}

/** What opening finds open, in its order. */
export function openIn(lane: OpenedLane): string[] {
  return lane.open.map(({ id }) => id)
}
