/** The language under the faults: errands that branch, wait, call and turn back while coordinators, workers and servers die. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from '../arena.ts'
import type { Random } from '../random.ts'
import { movingAgain } from '../recovery.ts'
import type { Outcome, Room, Row } from '../row.ts'
import { errandOf, errands, goFor } from '../saga/errand.ts'
import { Operators } from '../saga/operators.ts'
import { type Fate, judgeSagas, type SagaOracle } from '../saga/oracle.ts'
import { type Script, type TrialOptions, trial } from '../trial.ts'
import { killOne, replaceAll, stopOne } from './coordinators.ts'
import { behindProxy, cutOne } from './network.ts'
import { killWorker } from './workers.ts'

/** What one of them is to become stands in its header. */
function fateFrom(expect: string): Fate {
  const [state = '', code = null] = expect.split(' ')
  return { state, code }
}

export const errandOracle: SagaOracle = { project: errands, fateOf: ({ expect }) => fateFrom(expect) }

export const errandTrial: Omit<TrialOptions, 'name'> = {
  project: errands,
  make: (n) => [errandOf(n)],
  perSecond: 20,
  settleMs: 150_000,
  judge: (arena, options) => judgeSagas(arena, errandOracle, options),
}

export const errandKill: Row = {
  name: 'errand-kill',
  about: 'the language: kill -9 of a random one of three coordinators while operators cancel and begin anew',
  rounds: 3,
  run: (room) =>
    errand(room, 'errand-kill', async (script) => {
      const operators = operate(script, room)
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`kill ${round} of ${room.rounds}`)
        await killOne(script, room)
      }
      await operators.stop()
    }),
}

export const errandRolling: Row = {
  name: 'errand-rolling',
  about: 'the language: SIGTERM of each of three coordinators in turn, each replaced by a new one',
  rounds: 1,
  run: (room) =>
    errand(room, 'errand-rolling', async (script) => {
      for (let round = 1; round <= room.rounds; round++) await replaceAll(script, room)
    }),
}

const killsARound = 12

export const errandWorkers: Row = {
  name: 'errand-workers',
  about: 'the language: worker processes are killed in mid-charge, between charges and at random',
  rounds: 1,
  run: (room) =>
    errand(room, 'errand-workers', async (script) => {
      const operators = operate(script, room)
      for (let kill = 0; kill < room.rounds * killsARound; kill++) {
        room.tell(`kill ${kill + 1} of ${room.rounds * killsARound}`)
        killWorker(script.arena, room)
        await sleep(room.random.whole(200, 1000))
      }
      await operators.stop()
    }),
}

export const errandOutages: Row = {
  name: 'errand-outages',
  about: 'the language: kill -9 of Postgres and of the Kafka broker in turn, each back after one to four seconds',
  rounds: 1,
  breaksServers: true,
  run: (room) =>
    errand(room, 'errand-outages', async (script) => {
      const operators = operate(script, room)
      for (let round = 1; round <= room.rounds; round++) {
        for (const name of ['postgres', 'kafka'] as const) {
          room.tell(`${name} ${round} of ${room.rounds}`)
          await sleep(room.random.whole(500, 3000))
          await room.ground[name]?.kill()
          await sleep(room.random.whole(1000, 4000))
          await room.ground[name]?.start()
          script.recovered(await movingAgain(script.arena, performance.now()))
        }
      }
      await operators.stop()
    }),
}

const cutsARound = 12
const kinds = ['answer', 'race', 'request'] as const

export const errandCuts: Row = {
  name: 'errand-cuts',
  about:
    'the language: the connection is cut around a COMMIT, and coordinators stand still until others have their lanes',
  rounds: 1,
  run: (room) =>
    behindProxy(
      room,
      { ...errandTrial, name: 'errand-cuts', env: { MILLRACE_LOG_LEVEL: 'debug' }, recoverySecondsMax: 20 },
      async (proxy, script) => {
        const operators = operate(script, room)
        for (let round = 0; round < room.rounds; round++) {
          for (let cut = 0; cut < cutsARound; cut++) {
            room.tell(`cut ${cut + 1} of ${cutsARound}`)
            await cutOne(proxy, kinds[cut % kinds.length] as (typeof kinds)[number])
            await sleep(room.random.whole(50, 800))
          }
          await stopOne(script, room)
        }
        await operators.stop()
      },
    ),
}

function errand(room: Room, name: string, act: (script: Script) => Promise<void>): Promise<Outcome> {
  return trial(room, { ...errandTrial, name }, act)
}

function operate({ arena }: Script, room: Room): Operators {
  return operateOn(arena, room.random)
}

export function operateOn(arena: Arena, random: Random): Operators {
  const operators = new Operators(arena, random, (eventId) => again(arena, eventId))
  operators.start(400)
  return operators
}

/** What it waited for in the round before it has had. */
async function again(arena: Arena, eventId: string): Promise<void> {
  const n = Number(eventId.slice('errand-'.length))
  await arena.tell(goFor(n, arena.id))
}
