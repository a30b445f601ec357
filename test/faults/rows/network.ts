/** A bad network between the coordinators and Postgres. */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../src/base/poll.ts'
import { type Cut, TcpProxy } from '../proxy.ts'
import { movingAgain } from '../recovery.ts'
import type { Outcome, Room, Row } from '../row.ts'
import { type Script, type TrialOptions, trial } from '../trial.ts'

/** After an outage of a few seconds: the longest pause between tries, and what a connection takes. */
export const afterOutageSecondsMax = 10

export const cutCommit: Row = {
  name: 'cut-commit',
  about: 'the connection is cut after COMMIT was sent: its answer lost, the request lost, or in between',
  rounds: 1,
  run: (room) =>
    behindProxy(room, { name: 'cut-commit' }, async (proxy, { problem }) => {
      for (let cut = 0; cut < room.rounds * cutsARound; cut++) {
        room.tell(`cut ${cut + 1} of ${room.rounds * cutsARound}`)
        await cutOne(proxy, kinds[cut % kinds.length] as Cut).catch(() => problem('no commit came to be cut'))
        await sleep(room.random.whole(50, 500))
      }
    }),
}

const cutsARound = 12
const kinds: readonly Cut[] = ['answer', 'race', 'request']

export async function cutOne(proxy: TcpProxy, how: Cut): Promise<void> {
  const before = proxy.cuts
  proxy.cutNext(how)
  await until('a commit to cut', () => proxy.cuts > before, { forMs: 15_000, everyMs: 5 })
}

export const slow: Row = {
  name: 'slow-network',
  about: 'each packet to and from Postgres is 5, 50 and 300 ms late for some seconds',
  rounds: 1,
  run: (room) =>
    behindProxy(room, { name: 'slow' }, async (proxy, { arena, recovered }) => {
      for (const ms of [5, 50, 300]) {
        room.tell(`${ms} ms late`)
        proxy.delay(ms)
        await sleep(3000)
      }
      proxy.delay(0)
      recovered(await movingAgain(arena, performance.now()))
    }),
}

export const oneWay: Row = {
  name: 'one-way',
  about: 'what is sent to Postgres is swallowed, then what it answers, each for longer than an answer may take',
  rounds: 1,
  run: (room) =>
    behindProxy(room, { name: 'one-way' }, async (proxy, { arena, recovered }) => {
      for (let round = 0; round < room.rounds; round++) {
        for (const direction of ['up', 'down'] as const) {
          room.tell(`${direction} is swallowed`)
          proxy.swallow(direction)
          await sleep(7000)
          proxy.swallow('none')
          recovered(await movingAgain(arena, performance.now()))
          await sleep(1000)
        }
      }
    }),
}

export function behindProxy(
  room: Room,
  options: TrialOptions,
  act: (proxy: TcpProxy, script: Script) => Promise<void>,
): Promise<Outcome> {
  const database = new URL(room.ground.databaseUrl)
  const proxy = new TcpProxy({ host: database.hostname, port: Number(database.port || 5432) })
  const via = async (url: string) => {
    const through = new URL(url)
    through.hostname = '127.0.0.1'
    through.port = String(await proxy.start())
    return through.href
  }
  const run = trial(room, { recoverySecondsMax: afterOutageSecondsMax, ...options, via }, (script) =>
    act(proxy, script),
  )
  return run.finally(() => proxy.stop())
}
