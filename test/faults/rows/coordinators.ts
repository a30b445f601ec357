/** Coordinators that are killed, stopped and gone on with, that come and go, and that are replaced one after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../src/base/poll.ts'
import { type Arena, sessionMs } from '../arena.ts'
import type { Member } from '../member.ts'
import { lanesOf, takenOver } from '../recovery.ts'
import type { Room, Row } from '../row.ts'
import { type Script, trial } from '../trial.ts'

/** Kafka notices a death when the session is over; then the lanes must go on within 3 s. */
export const afterKillSecondsMax = sessionMs / 1000 + 3
const afterTermSecondsMax = 2

export const kill: Row = {
  name: 'kill',
  about: 'kill -9 of a random one of three coordinators, another takes its place',
  rounds: 3,
  run: (room) =>
    trial(room, { name: 'kill', recoverySecondsMax: afterKillSecondsMax }, async (script) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`kill ${round} of ${room.rounds}`)
        await killOne(script, room)
      }
    }),
}

export async function killOne({ arena, recovered }: Script, room: Room): Promise<void> {
  await arena.shared()
  await sleep(room.random.whole(0, 1500))
  const victim = room.random.oneOf(arena.alive())
  const lost = lanesOf(await arena.lanes(), victim.owner)
  const since = performance.now()
  await victim.kill()
  arena.start()
  recovered(await takenOver(arena, lost, since))
}

export const stop: Row = {
  name: 'stop',
  about:
    'SIGSTOP of a coordinator until its session is over and others have its lanes, then SIGCONT: it must be seen to be refused',
  rounds: 2,
  run: (room) => {
    const options = { perSecond: 120, env: { MILLRACE_LOG_LEVEL: 'debug' }, recoverySecondsMax: afterKillSecondsMax }
    return trial(room, { name: 'stop', ...options }, async (script) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`stop ${round} of ${room.rounds}`)
        await stopOne(script, room)
      }
    })
  },
}

export async function stopOne({ arena, recovered, problem }: Script, room: Room): Promise<void> {
  await arena.shared()
  await sleep(room.random.whole(0, 1500))
  const victim = room.random.oneOf(arena.alive())
  const lost = lanesOf(await arena.lanes(), victim.owner)
  const before = refusals(victim)
  const since = performance.now()
  victim.signal('SIGSTOP')
  recovered(await takenOver(arena, lost, since))
  await sleep(500)
  victim.signal('SIGCONT')
  const seen = () => refusals(victim) > before
  await until('', seen, { forMs: 15_000, everyMs: 50 }).catch(() =>
    problem(`nothing that ${victim.logFile} wrote after SIGCONT was seen to be refused`),
  )
}

function refusals(member: Member): number {
  const stale = member.facts('refusal').filter((fact) => fact.reason === 'the lane is not ours any more')
  return member.facts('fenced').length + stale.length
}

export const storm: Row = {
  name: 'storm',
  about: 'coordinators join and leave all the time, so that the group is hardly ever at rest',
  rounds: 1,
  run: (room) =>
    trial(room, { name: 'storm', events: room.rounds * room.events }, async ({ arena }) => {
      for (let change = 0; change < room.rounds * changesARound; change++) {
        room.tell(`change ${change + 1} of ${room.rounds * changesARound}`)
        comeOrGo(arena, room)
        await sleep(room.random.whole(200, 1500))
      }
    }),
}

const changesARound = 15

export function comeOrGo(arena: Arena, { random }: Room): void {
  const alive = arena.alive()
  const staying = alive.filter((member) => !leaving.has(member))
  if (staying.length > 1 && (staying.length >= 4 || random.fraction() < 0.5)) {
    const member = random.oneOf(staying)
    leaving.add(member)
    member.signal('SIGTERM')
  } else arena.start()
}

const leaving = new WeakSet<Member>()

export const rolling: Row = {
  name: 'rolling',
  about: 'SIGTERM of each of three coordinators in turn, each replaced by a new one',
  rounds: 1,
  run: (room) =>
    trial(room, { name: 'rolling', recoverySecondsMax: afterTermSecondsMax }, async (script) => {
      for (let round = 1; round <= room.rounds; round++) await replaceAll(script, room)
    }),
}

export async function replaceAll({ arena, recovered, problem }: Script, room: Room): Promise<void> {
  for (const member of arena.alive()) {
    room.tell(`replacing ${member.logFile}`)
    await arena.shared()
    await sleep(500)
    const lost = lanesOf(await arena.lanes(), member.owner)
    const since = performance.now()
    member.signal('SIGTERM')
    recovered(await takenOver(arena, lost, since))
    const { code, signal } = await member.exited
    if (code !== 0) problem(`${member.logFile}: after SIGTERM it ended with ${code ?? signal}`)
    arena.start()
  }
}
