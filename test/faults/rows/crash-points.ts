/** Every crash point: a coordinator dies in just that place, another takes up what it left. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from 'kafkajs'
import { type CrashPoint, crashAt, crashPoints } from '../../../src/base/crash-point.ts'
import { until } from '../../../src/base/poll.ts'
import { freePorts } from '../../../src/local/free-ports.ts'
import type { Arena } from '../arena.ts'
import { DoorClient } from '../door/client.ts'
import { eventOf, expectHeader } from '../events.ts'
import type { Member } from '../member.ts'
import type { TcpProxy } from '../proxy.ts'
import { Random } from '../random.ts'
import { joined, type Outcome, type Room, type Row } from '../row.ts'
import type { Script, TrialOptions } from '../trial.ts'
import { doorEnv, doorOptions } from './door.ts'
import { errandTrial, operateOn as operate } from './errands.ts'
import { behindProxy, cutOne } from './network.ts'

export const crashPointsRow: Row = {
  name: 'crash-points',
  about: 'the process dies at each of its named places; another coordinator takes up what it left',
  rounds: 1,
  run: async (room) => {
    const points = crashPoints.filter((point) => room.points?.includes(point) ?? true)
    const left = Array.from({ length: room.rounds }, () => points).flat()
    const outcomes: Outcome[] = []
    const work = async () => {
      for (let point = left.shift(); point; point = left.shift()) {
        room.tell(`${point}, ${left.length} to come`)
        outcomes.push(await crashAtPoint(room, point))
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    return joined(outcomes)
  },
}

/** Most of a round is waiting for the dead one's session to end. */
const atOnce = 4
const eventsAPoint = 120

/** How a place is reached that ordinary work does not pass, and at which of its first passes to die. */
interface Way {
  /** Which workflow it is that passes it; without it, the charges. */
  readonly trial?: Omit<TrialOptions, 'name'>
  readonly passMax?: number
  readonly make?: (n: number) => Message[]
  /** What it answers with ends it, once the process has died. */
  before?(arena: Arena): Promise<void | (() => Promise<void>)>
  meanwhile?(member: Member, proxy: TcpProxy, arena: Arena): Promise<void>
}

const terminate = async (member: Member, _: TcpProxy, arena: Arena) => {
  await arena.shared([member])
  await sleep(1500)
  member.signal('SIGTERM')
}
const onTheWayOut: Way = { passMax: 1, meanwhile: terminate }
/** Another joins, and gets half of the lanes. */
const whenAskedFor: Way = {
  passMax: 1,
  meanwhile: async (member, _, arena) => {
    await arena.shared([member])
    arena.start()
  },
}
const atOpening: Way = { passMax: 4 }
const ambiguous: Way = {
  passMax: 1,
  meanwhile: (_, proxy) => cutOne(proxy, 'answer').catch(() => undefined),
}

const ways: Partial<Record<CrashPoint, Way | (() => Promise<Way>)>> = {
  'door.claimed': ofDoor(20),
  'door.before-write': ofDoor(20),
  'door.written': ofDoor(20),
  'door.settled': ofDoor(20),
  'door.answered': ofDoor(40),
  'lane.before-create': { passMax: 1 },
  'lane.before-epoch': atOpening,
  'lane.after-epoch': atOpening,
  'lane.loaded': atOpening,
  'lane.opened': atOpening,
  'intake.assigned': { passMax: 1 },
  'record.before-decode': { passMax: 100 },
  'record.admitted': { passMax: 100 },
  'result.received': { passMax: 200 },
  'result.before-fold': { passMax: 200 },
  'timer.fired': { passMax: 3 },
  'commit.between-halves': { passMax: 2, make: someRefused, before: refuseSome },
  'settle.before-epochs': ambiguous,
  'settle.after-epochs': ambiguous,
  'recall.loaded': { passMax: 2, before: leaveSomeOpen },
  'outbox.before-send': { passMax: 10 },
  'outbox.sent': { passMax: 10 },
  'outbox.marked': { passMax: 10 },
  'kafka-commit.before': onTheWayOut,
  'kafka-commit.after': onTheWayOut,
  'renew.before': onTheWayOut,
  'renew.after': onTheWayOut,
  'handover.begun': whenAskedFor,
  'handover.drained': whenAskedFor,
  'release.before': onTheWayOut,
  'release.after': onTheWayOut,
  'stop.before-drain': onTheWayOut,
  'stop.drained': onTheWayOut,
  'stop.before-leave': onTheWayOut,
  'stop.left': onTheWayOut,
  'rest.recorded': ofErrands(40),
  'rest.due': ofErrands(10),
  'signal.untold': ofErrands(40),
  'signal.nudged': ofErrands(5),
  'signal.found': ofErrands(5),
  'signal.claimed': ofErrands(5),
  'child.admitted': ofErrands(15),
  'child.ended': ofErrands(10),
  'turn.recorded': ofErrands(8),
  'abort.before': ofErrands(10),
  'undo.before': ofErrands(15),
  'undo.recorded': ofErrands(15),
  'reopened.recorded': { ...ofErrands(2), before: operateOn },
  'worker.loaded': { passMax: 1 },
  'worker.before-call': { passMax: 60 },
  'worker.after-call': { passMax: 60 },
  'worker.answered': { passMax: 60 },
}

async function crashAtPoint(room: Room, point: CrashPoint): Promise<Outcome> {
  const way = ways[point] ?? {}
  const { trial, passMax = 20, make, before, meanwhile } = typeof way === 'function' ? await way() : way
  const usual = { name: 'crash', members: 0, rounds: 1, events: eventsAPoint, perSecond: 60 }
  const options = { ...usual, ...(make && { make }), ...trial }
  return behindProxy(room, options, async (proxy, script) => {
    const { arena } = script
    arena.publisher.start()
    const end = await before?.(arena)
    const member = arena.start({ [crashAt]: `${point}:${room.random.whole(1, passMax)}` })
    member.mayEnd = true
    await Promise.all([meanwhile?.(member, proxy, arena), reached(script, point, member)])
    await end?.()
    arena.start()
  })
}

const reachedWithinMs = 90_000

/** It died there. What dies with a worker is the worker alone: then the coordinator is asked to go. */
async function reached({ problem }: Script, point: CrashPoint, member: Member): Promise<void> {
  const inWorker = point.startsWith('worker.')
  const there = () => (inWorker ? member.facts('worker.gone').length > 0 : member.exit !== null)
  await until(point, there, { forMs: reachedWithinMs, everyMs: 50 }).catch(() => undefined)
  if (!inWorker && member.exit?.signal !== 'SIGKILL') problem(`${point} was not reached: ${member.logFile}`)
  if (inWorker && !there()) problem(`${point} was not reached: ${member.logFile}`)
  if (inWorker) await sleep(1000)
  member.signal(inWorker ? 'SIGTERM' : 'SIGKILL')
  await member.exited
}

const refusedText = 'Postgres will not take this'

/** Every fortieth has a value that the database refuses from now on. */
function someRefused(n: number): Message[] {
  if (n % 40 !== 5) return [eventOf(n)]
  const event = eventOf(n, { more: { text: refusedText } })
  return [{ ...event, headers: { [expectHeader]: 'dead' } }]
}

async function refuseSome(arena: Arena): Promise<void> {
  await arena.query(
    `alter table millrace_data.transaction add constraint refused check (envelope not like '%${refusedText}%')`,
  )
}

/** A coordinator is killed in the middle of its work. */
async function leaveSomeOpen(arena: Arena): Promise<void> {
  const member = arena.start()
  const admitted = async () => {
    const [row] = await arena.query<{ n: number }>('select count(*)::int as n from millrace.transactions')
    return (row?.n ?? 0) > 30
  }
  await until('some to be open', () => admitted().catch(() => false), { forMs: 30_000, everyMs: 20 })
  await member.kill()
}

/** Requests come to the door of whoever lives. */
function ofDoor(passMax: number): () => Promise<Way> {
  return async () => {
    const [port = 0] = await freePorts(1)
    const client = new DoorClient({ ports: () => [port], perSecond: 20, name: 'crash' })
    const { name: _, ...trial } = doorOptions('crash', client, port)
    return {
      passMax,
      trial: { ...trial, env: doorEnv(port) },
      async before() {
        client.start()
        return async () => client.stop()
      },
    }
  }
}

/** They branch, rest, wait, call and turn back. */
function ofErrands(passMax: number): Way {
  return { passMax, trial: { ...errandTrial, perSecond: 6, members: 0, events: 60, settleMs: 300_000 } }
}

/** People cancel, and have what has ended run again. */
async function operateOn(arena: Arena): Promise<() => Promise<void>> {
  const operators = operate(arena, new Random(arena.id))
  return () => operators.stop()
}
