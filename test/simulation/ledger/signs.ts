/** Signs of life, what others want of the lanes held, and the look after an unknown commit. */
import type { Batch, Command, CommitStamp, LaneSign, Renewed, Settled } from '../../../src/coordinator/ports.ts'
import { complete } from './commit.ts'
import { pausesOf } from './lanes.ts'
import { restAt } from './rests.ts'
import { untoldOf } from './signals.ts'
import { duplicateName, type StoredCommand, type Tables } from './tables.ts'

/** So many commands at once. */
const commandsMax = 200

export function renew(
  tables: Tables,
  engine: string,
  last: CommitStamp | null,
  signs: readonly LaneSign[],
  nowUs: number,
): Renewed {
  if (last) complete(tables, last)
  const held = signs.filter(({ laneId, epoch }) => tables.lane(laneId).epoch === epoch)
  for (const { laneId, paused, queued, running } of held) {
    Object.assign(tables.lane(laneId), { seenUs: nowUs, paused, queued, running })
  }
  const ids = held.map(({ laneId }) => laneId)
  const commands = ids.flatMap((laneId) => tables.commands.pendingOf(laneId))
  return {
    held: new Set(ids),
    asked: new Set(ids.filter((laneId) => tables.lane(laneId).askedUs !== null)),
    commands: [...commands]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, commandsMax)
      .map((command) => withLetter(tables, command)),
    nudged: new Set(ids.filter((laneId) => isNudged(tables, laneId))),
    untold: untoldOf(tables, ids),
    pauses: ids.length > 0 ? pausesOf(tables, engine) : [],
    asOfUs: ids.length > 0 ? nowUs : 0,
  }
}

function isNudged(tables: Tables, laneId: number): boolean {
  return [...tables.looks.values()].some((each) => each.laneId === laneId && restAt(tables, each))
}

function withLetter(tables: Tables, { id, laneId, kind, target, args, askedBy, why }: StoredCommand): Command {
  const stored = tables.letters.get(target)
  const base = { id, laneId, kind, target, args, askedBy, why }
  if (!stored || stored.laneId !== laneId) return { ...base, letter: null }
  const { workflowId, offset, key, value, headers, sealed, state } = stored
  const workflow = [...tables.workflows].find(([, number]) => number === workflowId)?.[0] ?? null
  return { ...base, letter: { workflow, offset, key, value, headers, sealed, state } }
}

/** New epochs of those that are still ours. */
export function takeNewEpochs(tables: Tables, batch: Batch): ReadonlyMap<number, number> {
  const epochs = new Map<number, number>()
  for (const { laneId, epoch } of batch.lanes) {
    const lane = tables.lane(laneId)
    if (lane.epoch === epoch) epochs.set(laneId, ++lane.epoch)
  }
  return epochs
}

/** What an unknown commit would have answered; null when it is not there. */
export function lookFor(tables: Tables, batch: Batch): Settled['landed'] {
  const stored = tables.commits.get(batch.commitId)
  if (!stored) return null
  const duplicates = new Map<string, string>()
  for (const row of batch.transactions) {
    if (!row.dedup) continue
    const found = tables.duplicates.get(duplicateName(row.laneId, row.dedup.workflowId, row.offset))
    if (found?.commitId === batch.commitId) duplicates.set(row.id, found.firstId)
  }
  return { passed: new Set(stored.lanes), duplicates }
}

/** Keys of copies that nobody looks for any more. */
export function tidy(tables: Tables, nowUs: number): void {
  for (const [key, { keepUntilUs, seenUs, atUs }] of tables.dedup) {
    if (keepUntilUs < nowUs && seenUs + (keepUntilUs - atUs) < nowUs) tables.dedup.delete(key)
  }
}
