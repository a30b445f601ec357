/** The HTTP door under the kills: what was told "accepted" is in the ledger, once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../src/base/poll.ts'
import { freePorts } from '../../../src/local/free-ports.ts'
import type { Arena } from '../arena.ts'
import { DoorClient } from '../door/client.ts'
import { judgeDoor } from '../door/judge.ts'
import { doorProject } from '../door/project.ts'
import type { Outcome, Room, Row } from '../row.ts'
import { type TrialOptions, trial } from '../trial.ts'

export const doorKill: Row = {
  name: 'door-kill',
  about: 'kill -9 of a coordinator whose HTTP door has requests under way; another opens its door in its place',
  rounds: 3,
  run: (room) =>
    doorTrial(room, 'door-kill', async (arena, doors) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`kill ${round} of ${room.rounds}`)
        await sleep(room.random.whole(1000, 3000))
        await doors.replaceOne(room)
        await arena.shared()
      }
    }),
}

export const doorKafka: Row = {
  name: 'door-kafka',
  about: 'kill -9 of the Kafka broker while requests come, started again after one to four seconds',
  rounds: 2,
  breaksServers: true,
  run: (room) => doorTrial(room, 'door-kafka', (_, __) => breakServer(room, 'kafka')),
}

export const doorPostgres: Row = {
  name: 'door-postgres',
  about: 'kill -9 of Postgres while requests come, started again after one to four seconds',
  rounds: 2,
  breaksServers: true,
  run: (room) => doorTrial(room, 'door-postgres', (_, __) => breakServer(room, 'postgres')),
}

export const doorStop: Row = {
  name: 'door-stop',
  about:
    'coordinators are asked to stop while their doors have requests under way, and are replaced one after the other',
  rounds: 2,
  run: (room) =>
    doorTrial(room, 'door-stop', async (arena, doors) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`stop ${round} of ${room.rounds}`)
        await sleep(room.random.whole(1000, 3000))
        await doors.replaceOne(room, 'SIGTERM')
        await arena.shared()
      }
    }),
}

async function breakServer(room: Room, server: 'kafka' | 'postgres'): Promise<void> {
  for (let round = 1; round <= room.rounds; round++) {
    room.tell(`kill ${round} of ${room.rounds}`)
    await sleep(room.random.whole(1000, 3000))
    await room.ground[server]?.kill()
    await sleep(room.random.whole(1000, 4000))
    await room.ground[server]?.start()
    await sleep(3000)
  }
}

/** Coordinators by the port of their door. */
class Doors {
  readonly ports: readonly number[]
  readonly #arena: Arena
  readonly #members = new Map<number, ReturnType<Arena['start']>>()

  constructor(arena: Arena, ports: readonly number[]) {
    this.#arena = arena
    this.ports = ports
    for (const port of ports) this.#open(port)
  }

  async replaceOne(room: Room, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const port = room.random.oneOf(this.ports)
    const member = this.#members.get(port)
    member?.signal(signal)
    await member?.exited
    this.#open(port)
  }

  async listening(): Promise<void> {
    const open = async () => {
      const asked = this.ports.map((port) => fetch(`http://127.0.0.1:${port}/openapi.json`).then(({ ok }) => ok))
      return (await Promise.all(asked)).every(Boolean)
    }
    await until('the doors to open', () => open().catch(() => false), { forMs: 60_000, everyMs: 100 })
  }

  #open(port: number): void {
    this.#members.set(port, this.#arena.start(doorEnv(port)))
  }
}

export function doorEnv(port: number): Record<string, string> {
  return { MILLRACE_DOOR_HOST: '127.0.0.1', MILLRACE_DOOR_PORT: String(port) }
}

async function doorTrial(
  room: Room,
  name: string,
  act: (arena: Arena, doors: Doors) => Promise<void>,
): Promise<Outcome> {
  const ports = await freePorts(2)
  const client = new DoorClient({ ports: () => ports, perSecond: 40, name })
  return trial(room, doorOptions(name, client, ports[0] as number), async ({ arena }) => {
    const doors = new Doors(arena, ports)
    await doors.listening()
    await arena.shared()
    client.start()
    try {
      await act(arena, doors)
    } finally {
      await client.finish()
    }
    room.tell(`${client.accepted} of ${client.requests.length} requests accepted`)
  })
}

/** The oracle of Kafka's own records does not know requests: it is asked of neither. */
export function doorOptions(name: string, client: DoorClient, port: number): TrialOptions {
  return { name, project: doorProject, members: 0, events: 50, judge: (arena) => judgeDoor(arena, client, port) }
}
