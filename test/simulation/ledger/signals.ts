/** Events and those who wait for them: what src/ledger/signals.ts and the group commit say in SQL. */
import type {
  FoundSignal,
  KeptRest,
  OfLane,
  SignalClaim,
  SignalRef,
  SoughtFor,
  WaitRef,
} from '../../../src/coordinator/ports.ts'
import type { StepRef } from '../../../src/transaction/transaction.ts'
import type { Written } from './commit.ts'
import { look, restAt, waitRef } from './rests.ts'
import { add, placeOf, type StoredSignal, type StoredTaken, type Tables } from './tables.ts'

/** Older ones are not looked for, whatever their `at` says: their partitions are not opened. */
const olderUsMax = 86_400_000_000

export function writeSignals(tables: Tables, { signals }: Written): void {
  for (const row of signals) {
    const stored = { ...row, topic: tables.lane(row.laneId).topic }
    tables.signals.set(row.id, stored)
    add(tables.signalsOf, shelfOf(row.workflowId, stored.topic, row.key), stored)
    tables.untold.set(row.id, row.laneId)
  }
}

export function writeTaken(tables: Tables, { taken }: Written): void {
  for (const row of taken) {
    const own = ofStep(tables, row.signalId, row)
    if (own) own.isTaken = true
    else {
      const { transactionId, step, item } = row
      const isOnly = tables.signals.get(row.signalId)?.take === 'first'
      add(tables.taken, row.signalId, { transactionId, step, item, isOnly, isTaken: true })
    }
  }
}

function shelfOf(workflowId: number, topic: string, key: string): string {
  return `${workflowId}/${topic}/${key}`
}

interface Placed extends StepRef {
  readonly transactionId: string
}

function ofStep(tables: Tables, signalId: string, row: Placed): StoredTaken | undefined {
  const isOwn = (each: StoredTaken) => each.transactionId === row.transactionId && placeOf(each) === placeOf(row)
  return tables.taken.get(signalId)?.find(isOwn)
}

export function findSignals(tables: Tables, waits: readonly SoughtFor[], most: number, nowUs: number): FoundSignal[] {
  return waits.flatMap((wait) => {
    const rest = restAt(tables, wait)
    if (!rest?.wait) return []
    const after = wait.afterId === null ? undefined : tables.signals.get(wait.afterId)
    const found = shelf(tables, rest)
      .filter((signal) => mayTake(tables, rest, signal, nowUs) && (!after || inOrder(after, signal) < 0))
      .sort(inOrder)
      .slice(0, most)
    const row = tables.transactions.get(wait.transactionId)
    if (!row) return []
    const { version } = tables.planOf(row)
    return found.map(({ id, text, take }) => ({ wait, version, signal: { id, text }, isForOne: take === 'first' }))
  })
}

function inOrder(a: StoredSignal, b: StoredSignal): number {
  return a.atUs - b.atUs || (a.id < b.id ? -1 : Number(a.id > b.id))
}

function shelf(tables: Tables, { workflowId, wait }: OfLane<KeptRest>): readonly StoredSignal[] {
  return wait === null ? [] : (tables.signalsOf.get(shelfOf(workflowId, wait.topic, wait.key)) ?? [])
}

function mayTake(tables: Tables, rest: OfLane<KeptRest>, { id, atUs }: StoredSignal, nowUs: number): boolean {
  const { notBeforeUs } = rest.wait as NonNullable<KeptRest['wait']>
  if (atUs < notBeforeUs || id < firstIdAt(Math.min(notBeforeUs, nowUs) - olderUsMax)) return false
  const taken = tables.taken.get(id) ?? []
  const isOthers = (each: StoredTaken) =>
    each.isOnly && (each.isTaken || each.transactionId !== rest.transactionId || placeOf(each) !== placeOf(rest))
  const isOwn = (each: StoredTaken) => each.isTaken && each.transactionId === rest.transactionId
  return !taken.some((each) => isOthers(each) || isOwn(each))
}

function firstIdAt(us: number): string {
  const hex = Math.max(0, Math.floor(us / 1000))
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

export function claimSignals(tables: Tables, claims: readonly SignalClaim[]): SignalClaim[] {
  return claims.filter((claim) => {
    const signal = tables.signals.get(claim.signalId)
    if (!restAt(tables, claim) || !signal) return false
    if (signal.take !== 'first') return true
    const own = ofStep(tables, claim.signalId, claim)
    if (own) return !own.isTaken
    if (tables.taken.get(claim.signalId)?.some((each) => each.isOnly)) return false
    const { transactionId, step, item } = claim
    add(tables.taken, claim.signalId, { transactionId, step, item, isOnly: true, isTaken: false })
    return true
  })
}

/** All of them are to be looked at; holders of other lanes hear of it. */
export function nudge(tables: Tables, signals: readonly SignalRef[], laneIds: readonly number[]): WaitRef[] {
  const waiting = new Set(
    signals.flatMap(({ id }) => {
      const signal = tables.signals.get(id)
      return signal ? waitersOf(tables, signal) : []
    }),
  )
  for (const { id } of signals) tables.untold.delete(id)
  const nudged = [...waiting].map((rest) => waitRef(look(tables, rest)))
  const elsewhere = nudged.filter(({ laneId }) => !laneIds.includes(laneId)).map(({ laneId }) => laneId)
  if (elsewhere.length > 0) for (const hear of tables.listeners) hear([...new Set(elsewhere)])
  return nudged.filter(({ laneId }) => laneIds.includes(laneId))
}

function waitersOf(tables: Tables, signal: StoredSignal): OfLane<KeptRest>[] {
  const found: OfLane<KeptRest>[] = []
  for (const own of tables.rests.values()) {
    for (const rest of own.values()) {
      const { wait, workflowId } = rest
      if (wait === null || workflowId !== signal.workflowId || wait.topic !== signal.topic) continue
      if (wait.key === signal.key && wait.notBeforeUs <= signal.atUs) found.push(rest)
    }
  }
  return found
}

const untoldMax = 1000

export function untoldOf(tables: Tables, laneIds: readonly number[]): SignalRef[] {
  const refs = [...tables.untold].filter(([, laneId]) => laneIds.includes(laneId)).slice(0, untoldMax)
  return refs.flatMap(([signalId]) => {
    const signal = tables.signals.get(signalId)
    if (!signal) return []
    const { id, workflowId, topic, key } = signal
    return [{ id, workflowId, topic, key }]
  })
}
