/** All at once: whatever else the table has, in a random order and on top of each other. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from 'kafkajs'
import { badRecord, cloudEventOf } from '../events.ts'
import type { TcpProxy } from '../proxy.ts'
import { Random } from '../random.ts'
import type { Room, Row } from '../row.ts'
import type { Script } from '../trial.ts'
import { comeOrGo } from './coordinators.ts'
import { behindProxy } from './network.ts'
import { readOnlyFor } from './postgres.ts'
import { killWorker } from './workers.ts'

export const everything: Row = {
  name: 'everything',
  about: 'kills, stops, joins, cuts, delays, outages and bad records at random, on top of each other',
  rounds: 1,
  breaksServers: true,
  run: (room) => {
    const options = { name: 'everything', make: mixed, recoverySecondsMax: 60, settleMs: 120_000 }
    return behindProxy(room, options, async (proxy, script) => {
      for (let act = 0; act < room.rounds * actsARound; act++) {
        const [name, make] = room.random.oneOf(Object.entries(acts))
        room.tell(`${act + 1} of ${room.rounds * actsARound}: ${name}`)
        await make(proxy, script, room)
        await sleep(room.random.whole(100, 2500))
      }
      proxy.swallow('none')
      proxy.delay(0)
      for (const member of script.arena.alive()) member.signal('SIGCONT')
      while (script.arena.alive().length < 3) script.arena.start()
    })
  },
}

const actsARound = 20

function mixed(n: number): Message[] {
  if (n % 100 === 99) return [badRecord(Math.floor(n / 100))]
  const dies = n % 60 === 30 ? 'before' : n % 60 === 59 ? 'after' : 'no'
  return Array.from({ length: new Random(`mixed ${n}`).whole(1, 2) }, () => cloudEventOf(n, { dies }))
}

type Act = (proxy: TcpProxy, script: Script, room: Room) => Promise<unknown> | unknown

const acts: Readonly<Record<string, Act>> = {
  'a coordinator is killed': async (_, { arena }, { random }) => {
    await random.oneOf(arena.alive()).kill()
    arena.start()
  },
  'a coordinator stands still': async (_, { arena }, { random }) => {
    const member = random.oneOf(arena.alive())
    member.signal('SIGSTOP')
    setTimeout(() => member.signal('SIGCONT'), random.whole(500, 9000))
  },
  'one comes or goes': (_, { arena }, room) => comeOrGo(arena, room),
  'a worker is killed': (_, { arena }, room) => killWorker(arena, room),
  'a commit is cut': (proxy, _, { random }) => proxy.cutNext(random.oneOf(['answer', 'race', 'request'])),
  'Postgres is far': (proxy, _, { random }) => proxy.delay(random.oneOf([0, 0, 20, 100])),
  'Postgres hears nothing': async (proxy, _, { random }) => {
    proxy.swallow(random.oneOf(['up', 'down']))
    await sleep(random.whole(500, 6000))
    proxy.swallow('none')
  },
  'every connection is cut': (proxy) => proxy.cutAll(),
  'Postgres is read-only': (_, script) => readOnlyFor(script, 1500),
  'Postgres is killed': async (_, __, { ground, random }) => {
    await ground.postgres?.kill()
    await sleep(random.whole(0, 2000))
    await ground.postgres?.start()
  },
  'Kafka is killed': async (_, __, { ground, random }) => {
    await ground.kafka?.kill()
    await sleep(random.whole(0, 2000))
    await ground.kafka?.start()
  },
}
