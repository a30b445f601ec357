/**
 * How often each fault met each state. A pair that could be met and never was is blind: the generator cannot see what the
 * product does there.
 */

import type { Pause } from '../../src/coordinator/ports.ts'
import type { AttemptRow } from '../../src/transaction/effect.ts'
import { linkFaults } from './ledger/link.ts'
import { statementNames } from './ledger/statements.ts'
import type { StoredLane, Tables } from './ledger/tables.ts'
import type { Member } from './member.ts'
import { fates } from './workers.ts'

export const worldFaults = [
  'kill',
  'stop',
  'pause',
  'clock ahead',
  'clock back',
  'Postgres down',
  'Kafka down',
  'cut off from Kafka',
  'rebalance',
  'partition added',
  'topic re-created',
  'retention',
  'compaction',
  'offsets reset',
  'topic of messages missing',
  'registry down',
  'redelivery',
  'out of the group',
] as const
export type WorldFault = (typeof worldFaults)[number]

export const states = [
  'no lane',
  'held',
  'asked',
  'expired',
  'no commit',
  'committing',
  'settling',
  'outage',
  'nothing open',
  'queued',
  'for a place',
  'kept',
  'begun',
  'running',
  'delayed',
  'in doubt',
  'asleep',
  'waits',
  'rests beside',
  'called',
  'compensating',
  'cancelling',
  'opened again',
  'paused',
  'preparing',
] as const
export type State = (typeof states)[number]

export type Fault = WorldFault | (typeof linkFaults)[number] | Exclude<(typeof fates)[number], 'ok'>
export const faults: readonly Fault[] = [
  ...worldFaults,
  ...linkFaults,
  ...fates.filter((fate): fate is Exclude<typeof fate, 'ok'> => fate !== 'ok'),
]

/** Kinds of steps, and what they come to. */
export const kinds = ['invoke', 'undo', 'parallel', 'forEach', 'switch', 'sleep', 'wait', 'call'] as const
export const ends = ['ok', 'skipped', 'failed', 'unknown', 'in_doubt', 'of an item', 'of a later round'] as const

/** What a row says of its step; none: another attempt follows. */
export function endsOf(row: AttemptRow): (typeof ends)[number][] {
  if (row.stepState === null) return []
  const found: (typeof ends)[number][] = [row.unknown ? 'unknown' : row.stepState]
  if (row.item !== '') found.push('of an item')
  if (row.round !== null) found.push('of a later round')
  return found
}

export class Coverage {
  /** `fault/state` -> how often. */
  readonly met = new Map<string, number>()

  note(fault: Fault, where: Iterable<string>): void {
    for (const state of where) this.#count(`${fault}/${state}`)
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [pair, count] of other) this.met.set(pair, (this.met.get(pair) ?? 0) + count)
  }

  of(fault: string, state: string): number {
    return this.met.get(`${fault}/${state}`) ?? 0
  }

  ended(kind: string, state: string): void {
    this.#count(`${kind}/${state}`)
  }

  #count(pair: string): void {
    this.met.set(pair, (this.met.get(pair) ?? 0) + 1)
  }
}

/** What a fault meets in a coordinator: its lanes, its commit, and the steps of what is open in its lanes. */
export function statesOf(member: Member, tables: Tables, nowUs: number): Set<State> {
  const found = new Set<State>()
  const lanes = tables.lanes.filter((lane) => lane.session === member.session)
  if (lanes.length === 0) found.add('no lane')
  for (const lane of lanes) found.add(stateOfLane(lane, nowUs))
  found.add(stateOfCommit(member))
  if (member.preparer.underWay > 0) found.add('preparing')
  const open = lanes.flatMap((lane) => [...lane.open])
  if (open.length === 0) found.add('nothing open')
  for (const id of open) for (const state of statesOfTransaction(id, member, tables)) found.add(state)
  return found
}

function stateOfLane(lane: StoredLane, nowUs: number): State {
  if (lane.seenUs + (lane.leaseUs ?? 0) < nowUs) return 'expired'
  return lane.askedUs === null ? 'held' : 'asked'
}

function stateOfCommit({ asking, troubled }: Member): State {
  if ((asking.get('commit') ?? 0) > 0) return 'committing'
  if ((asking.get('settle') ?? 0) + (asking.get('look') ?? 0) > 0) return 'settling'
  return troubled ? 'outage' : 'no commit'
}

function statesOfTransaction(id: string, member: Member, tables: Tables): State[] {
  const found: State[] = []
  const rests = tables.restsOf(id)
  if (rests.some(({ wait }) => wait === null)) found.push('asleep')
  if (rests.some(({ wait }) => wait !== null)) found.push('waits')
  if (rests.some(({ isAlone }) => !isAlone)) found.push('rests beside')
  if (tables.children.get(id)?.some((child) => tables.lane(child.laneId).open.has(child.id))) found.push('called')
  const turn = tables.turns.get(id)?.at(-1)
  if (turn) found.push(turn.isCancel ? 'cancelling' : 'compensating')
  if (tables.rounds.has(id)) found.push('opened again')
  if (isPaused(id, tables)) found.push('paused')
  return tables.restsAlone(id) ? found : [...found, stateOfStep(id, member, tables)]
}

function isPaused(id: string, tables: Tables): boolean {
  const row = tables.transactions.get(id)
  const isOf = (pause: Pause) =>
    row !== undefined && pause.workflow === tables.planOf(row).name && (pause.key === null || pause.key === row.key)
  return tables.pauses.some(isOf)
}

function stateOfStep(id: string, { workers }: Member, tables: Tables): State {
  if (tables.isInDoubt(id)) return 'in doubt'
  if (tables.unknownOf(id).length > 0) return 'begun'
  const running = workers.stateOf(id)
  if (running === 'waiting') return 'for a place'
  if (running === 'kept') return 'kept'
  if (running !== null) return 'running'
  return tables.attemptsOf(id).at(-1)?.nextUs ? 'delayed' : 'queued'
}

/** Pairs that cannot be met, by their nature. */
export function isPossible(fault: string, state: string): boolean {
  if ((kinds as readonly string[]).includes(fault)) return mayEnd(fault, state)
  if ((statementNames as readonly string[]).includes(state)) {
    if (fault === 'holds locks') return ['commit', 'take', 'settle'].includes(state)
    return (linkFaults as readonly string[]).includes(fault)
  }
  // Whoever runs a function has something open in a lane, but for the moment after another has taken it.
  if ((fates as readonly string[]).includes(fault)) return state !== 'no lane' && state !== 'nothing open'
  return true
}

function mayEnd(kind: string, state: string): boolean {
  const runs = kind === 'invoke' || kind === 'undo'
  if (state === 'unknown' || state === 'in_doubt') return runs && !(kind === 'undo' && state === 'unknown')
  return !(kind === 'undo' && state === 'skipped')
}
