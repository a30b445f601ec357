/** A ledger with one workflow and its lanes taken. */
import assert from 'node:assert/strict'
import type { Ledger, OpenedLane } from '../../../src/coordinator/ports.ts'
import type { Lease, LedgerWorld } from '../ledger.ts'
import { newLanes, plan, topic } from '../rows.ts'

export const incarnation = 'one'

export async function scene(world: LedgerWorld, lease?: Lease) {
  const ledger = await world.open('first', lease)
  const ids = (await ledger.register([plan])).get(plan.version)
  assert(ids)
  await ledger.createLanes(topic, incarnation, newLanes(2, ids.workflowId))
  const [one, two] = [await take(ledger, 0), await take(ledger, 1)]
  return { ledger, one, two, ...ids }
}

export async function take(ledger: Ledger, partition: number): Promise<OpenedLane> {
  const lane = await tryTake(ledger, partition)
  assert(lane, `lane ${partition} is held`)
  return lane
}

export function tryTake(ledger: Ledger, partition: number): Promise<OpenedLane | null> {
  return ledger.takeLane({ topic, partition, incarnation })
}

/** What opening finds open, in its order. */
export function openIn(lane: OpenedLane): string[] {
  return lane.open.map(({ id }) => id)
}
