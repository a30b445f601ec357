/**
 * The ledger as a coordinator uses it: each method is one or more statements, and each statement one instant. How it gets
 * there and back, and what goes wrong on the way, is `ask`'s business.
 */
import type { Batch, Ledger, OpenedLane } from '../../../src/coordinator/ports.ts'
import { commit, type Written } from './commit.ts'
import {
  createLanes,
  type Holder,
  knownLanes,
  openedLane,
  register,
  releaseLanes,
  sourcesOf,
  strandedLanes,
  takeEpoch,
} from './lanes.ts'
import { load } from './load.ts'
import { due, looked, lookName, nextDue, unlooked } from './rests.ts'
import { claimSignals, findSignals, nudge } from './signals.ts'
import { lookFor, renew, takeNewEpochs, tidy } from './signs.ts'
import type { Tables } from './tables.ts'

export const statementNames = [
  'register',
  'known',
  'create',
  'take',
  'open',
  'stranded',
  'release',
  'renew',
  'tidy',
  'load',
  'sources',
  'due',
  'next due',
  'unlooked',
  'find',
  'claim',
  'looked',
  'nudge',
  'commit',
  'settle',
  'look',
  'place',
  'unpublished',
  'mark',
  'refuse',
] as const
export type StatementName = (typeof statementNames)[number]

export interface Statement<T> {
  readonly name: StatementName
  /** For whoever reads the trace. */
  readonly about: string
  /** What it locks, asked when it arrives: two that name the same wait for each other. */
  readonly locks?: () => readonly string[]
  readonly act: (nowUs: number) => T
}

export type Ask = <T>(statement: Statement<T>) => Promise<T>

/** How nudges from elsewhere are heard of. */
export type Listen = Ledger['onNudge']

/** `onWritten` hears of each commit in the instant in which it lands. */
export function ledgerOf(
  tables: Tables,
  holder: Holder,
  ask: Ask,
  onWritten: (written: Written) => void,
  listen: Listen = (hear) => void tables.listeners.push(hear),
): Ledger {
  const { engine } = holder
  const locksOf = (ids: readonly { readonly laneId: number }[]) => ids.map(({ laneId }) => `lane ${laneId}`)
  return {
    register: (plans) => ask({ name: 'register', about: `${plans.length}`, act: () => register(tables, plans) }),
    knownLanes: (topic, incarnation) =>
      ask({ name: 'known', about: topic, act: () => knownLanes(tables, engine, topic, incarnation) }),
    createLanes: (topic, incarnation, lanes) =>
      ask({
        name: 'create',
        about: topic,
        act: (nowUs) => createLanes(tables, engine, topic, incarnation, lanes, nowUs),
      }),
    async takeLane(ref): Promise<OpenedLane | null> {
      const about = `${ref.topic}/${ref.partition}@${ref.incarnation}`
      const locks = () => {
        const lane = tables.laneOf(engine, ref.topic, ref.incarnation, ref.partition)
        return lane ? locksOf([lane]) : []
      }
      const held = await ask({ name: 'take', about, locks, act: (nowUs) => takeEpoch(tables, holder, ref, nowUs) })
      return held && ask({ name: 'open', about, act: () => openedLane(tables, held) })
    },
    strandedLanes: (topic, incarnation) =>
      ask({ name: 'stranded', about: topic, act: () => strandedLanes(tables, engine, topic, incarnation) }),
    releaseLanes(lanes) {
      const held = lanes.map(({ laneId, epoch }) => ({ laneId, epoch }))
      const about = held.map(({ laneId, epoch }) => `${laneId}:${epoch}`).join(' ')
      return ask({ name: 'release', about, locks: () => locksOf(held), act: () => releaseLanes(tables, held) })
    },
    renew: (last, lanes) =>
      ask({ name: 'renew', about: `${lanes.length}`, act: (nowUs) => renew(tables, engine, last, lanes, nowUs) }),
    tidy: () => ask({ name: 'tidy', about: '', act: (nowUs) => tidy(tables, nowUs) }),
    load: (ids) => ask({ name: 'load', about: `${ids.length}`, act: () => load(tables, ids) }),
    sources: (versions) =>
      ask({ name: 'sources', about: `${versions.length}`, act: () => sourcesOf(tables, versions) }),
    ...restingOf(tables, ask, listen),
    commit: (batch) =>
      ask({
        name: 'commit',
        about: aboutOf(batch),
        locks: () => [...locksOf(batch.lanes), ...claimsOf(batch), ...restsOf(batch)],
        act: (nowUs) => {
          const { answer, written } = commit(tables, batch, nowUs)
          onWritten(written)
          return answer
        },
      }),
    async settle(batch) {
      const locks = () => locksOf(batch.lanes)
      const about = aboutOf(batch)
      const epochs = await ask({ name: 'settle', about, locks, act: () => takeNewEpochs(tables, batch) })
      return { epochs, landed: await ask({ name: 'look', about, act: () => lookFor(tables, batch) }) }
    },
  }
}

type Resting = 'due' | 'nextDue' | 'unlooked' | 'findSignals' | 'claimSignals' | 'looked' | 'nudge' | 'onNudge'

/** Those that sleep or wait, and events for them. A claim locks the rest, as the commit that ends it does. */
function restingOf(tables: Tables, ask: Ask, listen: Listen): Pick<Ledger, Resting> {
  return {
    due: (laneId, after, untilUs, most) =>
      ask({ name: 'due', about: `${laneId}`, act: () => due(tables, laneId, after, untilUs, most) }),
    nextDue: (laneId, after) =>
      ask({ name: 'next due', about: `${laneId}`, act: () => nextDue(tables, laneId, after) }),
    unlooked: (laneIds, after, most) =>
      ask({ name: 'unlooked', about: laneIds.join(' '), act: () => unlooked(tables, laneIds, after, most) }),
    findSignals: (waits, most) =>
      ask({ name: 'find', about: `${waits.length}`, act: (nowUs) => findSignals(tables, waits, most, nowUs) }),
    claimSignals: (claims) =>
      ask({
        name: 'claim',
        about: claims.map(({ signalId }) => signalId).join(' '),
        locks: () => claims.map((claim) => `rest ${lookName(claim)}`),
        act: () => claimSignals(tables, claims),
      }),
    looked: (waits) => ask({ name: 'looked', about: `${waits.length}`, act: () => looked(tables, waits) }),
    nudge: (signals, laneIds) =>
      ask({ name: 'nudge', about: `${signals.length}`, act: () => nudge(tables, signals, laneIds) }),
    onNudge: listen,
  }
}

function claimsOf(batch: Batch): string[] {
  return batch.transactions.flatMap((row) => (row.dedup ? [`copy ${row.dedup.key}`] : []))
}

function restsOf({ restsOver }: Batch): string[] {
  return restsOver.map((row) => `rest ${lookName(row)}`)
}

function aboutOf({ commitId, lanes }: Batch): string {
  const places = lanes.map(({ laneId, epoch, nextOffset }) => `${laneId}:${epoch}>${nextOffset}`)
  return `${commitId >> 32n}.${commitId & 0xffffffffn} ${places.join(' ')}`
}

/** Nothing on the way: for tests that want a ledger and no faults. */
export function atOnce(nowUs: () => number): Ask {
  return async ({ act }) => act(nowUs())
}
