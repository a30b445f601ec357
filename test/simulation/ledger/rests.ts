/** Steps that sleep or wait, and the waits that are to be looked at: what src/ledger/rests.ts and the group commit say in SQL. */
import type { DueRest, KeptRest, OfLane, WaitRef } from '../../../src/coordinator/ports.ts'
import type { StepRef } from '../../../src/transaction/transaction.ts'
import type { Written } from './commit.ts'
import { placeOf, type StoredLook, type Tables } from './tables.ts'

interface Placed extends StepRef {
  readonly transactionId: string
}

export function lookName(row: Placed): string {
  return `${row.transactionId}/${placeOf(row)}`
}

/** A lane's mark moves on past who rests alone: one that does so no more is parked. */
export function writeRests(tables: Tables, { rests, restsOver, endings }: Written): void {
  const alone = new Set(rests.filter((row) => row.isAlone).map((row) => row.transactionId))
  const ended = new Set(endings.map((row) => row.transactionId))
  for (const row of [...restsOver, ...rests.filter((each) => !each.isAlone)]) {
    const before = restAt(tables, row)
    if (!before?.isAlone || alone.has(row.transactionId) || ended.has(row.transactionId)) continue
    tables.lane(before.laneId).parked.add(row.transactionId)
  }
  for (const { transactionId, laneId } of rests) {
    if (alone.has(transactionId)) tables.lane(laneId).parked.delete(transactionId)
  }
  for (const row of rests) rest(tables, row)
}

function rest(tables: Tables, row: OfLane<KeptRest>): void {
  const own = tables.rests.get(row.transactionId) ?? new Map<string, OfLane<KeptRest>>()
  tables.rests.set(row.transactionId, own)
  const before = own.get(placeOf(row))
  own.set(placeOf(row), before ? { ...before, isAlone: row.isAlone } : row)
  if (row.wait !== null) look(tables, row)
}

/** It is to be looked at. */
export function look(
  tables: Tables,
  { transactionId, laneId, step, item }: Placed & { readonly laneId: number },
): StoredLook {
  const name = lookName({ transactionId, step, item })
  const found = tables.looks.get(name) ?? { transactionId, laneId, step, item, times: 0 }
  found.times++
  tables.looks.set(name, found)
  return found
}

/** Those that are over had claimed events, maybe: others may have them, but for the one that was taken. */
export function freeClaims(tables: Tables, { restsOver, taken }: Written): void {
  for (const row of restsOver) {
    tables.looks.delete(lookName(row))
    const rest = restAt(tables, row)
    remove(tables, row)
    if (!rest?.wait) continue
    const took = taken.find((each) => lookName(each) === lookName(row))?.signalId
    for (const [signalId, all] of tables.taken) {
      const claimed = all.find((each) => !each.isTaken && lookName(each) === lookName(row))
      if (!claimed || signalId === took) continue
      all.splice(all.indexOf(claimed), 1)
      const signal = tables.signals.get(signalId)
      if (signal) tables.untold.set(signalId, signal.laneId)
    }
  }
}

export function restAt(tables: Tables, row: Placed): OfLane<KeptRest> | undefined {
  return tables.rests.get(row.transactionId)?.get(placeOf(row))
}

function remove(tables: Tables, row: Placed): void {
  const own = tables.rests.get(row.transactionId)
  own?.delete(placeOf(row))
  if (own?.size === 0) tables.rests.delete(row.transactionId)
}

export function due(tables: Tables, laneId: number, after: DueRest, untilUs: number, most: number): DueRest[] {
  return behind(tables, laneId, after)
    .filter(({ dueUs }) => dueUs <= untilUs)
    .slice(0, most)
}

export function nextDue(tables: Tables, laneId: number, after: DueRest): number | null {
  return behind(tables, laneId, after)[0]?.dueUs ?? null
}

function behind(tables: Tables, laneId: number, after: DueRest): DueRest[] {
  const found: DueRest[] = []
  for (const own of tables.rests.values()) {
    for (const { laneId: of, transactionId, step, item, dueUs } of own.values()) {
      if (of !== laneId || dueUs === null) continue
      const one = { transactionId, step, item, dueUs }
      if (inOrder(after, one) < 0) found.push(one)
    }
  }
  return found.sort(inOrder)
}

function inOrder(a: DueRest, b: DueRest): number {
  return a.dueUs === b.dueUs ? byPlace(a, b) : a.dueUs - b.dueUs
}

function byPlace(a: Placed, b: Placed): number {
  if (a.transactionId !== b.transactionId) return a.transactionId < b.transactionId ? -1 : 1
  if (a.step !== b.step) return a.step - b.step
  return a.item < b.item ? -1 : a.item > b.item ? 1 : 0
}

/** In the order of their places, behind this one. */
export function unlooked(tables: Tables, laneIds: readonly number[], after: WaitRef | null, most: number): WaitRef[] {
  return [...tables.looks.values()]
    .filter((look) => laneIds.includes(look.laneId) && (after === null || byPlace(after, look) < 0))
    .sort(byPlace)
    .slice(0, most)
    .map(waitRef)
}

export function waitRef({ laneId, transactionId, step, item, times }: StoredLook): WaitRef {
  return { laneId, transactionId, step, item, nudge: times }
}

/** Who was nudged since is told apart by how often that was. */
export function looked(tables: Tables, waits: readonly WaitRef[]): void {
  for (const wait of waits) {
    const found = tables.looks.get(lookName(wait))
    if (found?.times === wait.nudge) tables.looks.delete(lookName(wait))
  }
}
