/** Rows that few transactions write: of rests, money, signals, and what is undone. Most entries have none of them. */
import type { Effect, PostingRow, ReopenedRow, RestOverRow, TakenRow, TurnRow } from '../transaction/effect.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { addTo } from './entry.ts'
import type { KeptRest, OfLane, SignalRow } from './ports.ts'

export interface RareRows {
  readonly rests: readonly KeptRest[]
  readonly restsOver: readonly RestOverRow[]
  readonly taken: readonly TakenRow[]
  readonly postings: readonly PostingRow[]
  readonly turns: readonly TurnRow[]
  readonly reopened: readonly ReopenedRow[]
  readonly signals: readonly SignalRow[]
}

type Lists = { -readonly [Name in keyof RareRows]: RareRows[Name][number][] }
type OfLanes = { readonly [Name in keyof RareRows]: OfLane<RareRows[Name][number]>[] }

const names = ['rests', 'restsOver', 'taken', 'postings', 'turns', 'reopened', 'signals'] as const

export function noRows(): OfLanes & Lists {
  return { rests: [], restsOver: [], taken: [], postings: [], turns: [], reopened: [], signals: [] } as never
}

const listOf = {
  RecordRest: 'rests',
  RecordRestOver: 'restsOver',
  RecordTaken: 'taken',
  RecordPosting: 'postings',
  RecordTurn: 'turns',
  RecordReopened: 'reopened',
} as const

/** Adds the effect's row; the lists are made with the first. */
export function gatherRare(
  rare: RareRows | null,
  effect: Extract<Effect, { readonly type: keyof typeof listOf }>,
): RareRows {
  const lists: Lists = (rare as Lists | null) ?? noRows()
  ;(lists[listOf[effect.type]] as object[]).push(effect.row)
  return lists
}

/** What a rest is found by is known of its transaction's workflow. */
export function withKeepers(rare: RareRows, { plan, key }: Transaction, workflowId: number): RareRows {
  const isStrict = plan.order === 'strict' && key !== null
  return { ...rare, rests: rare.rests.map((row) => ({ ...row, workflowId, isStrict })) }
}

export function addRare(to: ReturnType<typeof noRows>, rare: RareRows, laneId: number): void {
  for (const name of names) addTo(to[name] as OfLane<object>[], rare[name] as readonly object[], laneId)
}

export function signalRows(signals: readonly SignalRow[]): RareRows {
  return { ...noRows(), signals }
}

export function joinedRare(all: readonly (RareRows | null)[]): RareRows | null {
  const some = all.filter((each) => each !== null)
  if (some.length <= 1) return some[0] ?? null
  const joined: Lists = noRows()
  for (const rare of some) for (const name of names) (joined[name] as object[]).push(...rare[name])
  return joined
}
