/** How long work stands still: from a fault until the lanes it hit take records again. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena, LaneSeen } from './arena.ts'

const lookEveryMs = 40
/** Longer than that is no recovery; the oracle then says what is missing. */
const giveUpMs = 60_000

/**
 * After a coordinator is gone: until each of its lanes is another's and moves on. `since`: when the fault was made.
 * Answers with seconds; null when it had no lane. Needs somebody to publish meanwhile.
 */
export async function takenOver(arena: Arena, lost: readonly LaneSeen[], since: number): Promise<number | null> {
  if (lost.length === 0) return null
  const owners = new Map(lost.map((lane) => [lane.partition, lane.owner]))
  const taken = new Map<number, number>()
  return untilAll(since, async () => {
    const lanes = (await arena.lanes()).filter((lane) => owners.has(lane.partition))
    for (const lane of lanes) {
      if (lane.owner === owners.get(lane.partition) || taken.has(lane.partition)) continue
      taken.set(lane.partition, lane.nextOffset)
    }
    return lanes.every((lane) => lane.nextOffset > (taken.get(lane.partition) ?? Number.POSITIVE_INFINITY))
  })
}

/** After a server is back: until every lane moves on. */
export async function movingAgain(arena: Arena, since: number): Promise<number> {
  let before: Map<number, number> | undefined
  return untilAll(since, async () => {
    const lanes = await arena.lanes()
    before ??= new Map(lanes.map((lane) => [lane.partition, lane.nextOffset]))
    return lanes.every((lane) => lane.nextOffset > (before?.get(lane.partition) ?? -1))
  })
}

async function untilAll(since: number, holds: () => Promise<boolean>): Promise<number> {
  for (;;) {
    const seconds = (performance.now() - since) / 1000
    if ((await holds().catch(() => false)) || seconds * 1000 > giveUpMs) return seconds
    await sleep(lookEveryMs)
  }
}

export function lanesOf(lanes: readonly LaneSeen[], owner: string): LaneSeen[] {
  return lanes.filter((lane) => lane.owner === owner)
}
