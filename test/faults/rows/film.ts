/** The film under the faults: whatever dies, everybody is billed and paid to the cent, or nobody is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { movingAgain } from '../recovery.ts'
import type { Outcome, Room, Row } from '../row.ts'
import { Film } from '../saga/film.ts'
import { Operators } from '../saga/operators.ts'
import { judgeSagas } from '../saga/oracle.ts'
import { type Script, type TrialOptions, trial } from '../trial.ts'
import { killOne, replaceAll } from './coordinators.ts'
import { killWorker } from './workers.ts'

/** Published while faults go on: as many as there may be. */
const requestsARound = 1500
const perSecond = 6

export const filmKill: Row = {
  name: 'film-kill',
  about:
    'the film: kill -9 of a random one of three coordinators, and of workers, while operators cancel and begin anew',
  rounds: 2,
  run: (room) =>
    film(room, 'film-kill', async (script) => {
      const operators = operate(script, room)
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`kill ${round} of ${room.rounds}`)
        await killOne(script, room)
        killWorker(script.arena, room)
      }
      await operators.stop()
    }),
}

export const filmRolling: Row = {
  name: 'film-rolling',
  about: 'the film: SIGTERM of each of three coordinators in turn, each replaced by a new one',
  rounds: 1,
  run: (room) =>
    film(room, 'film-rolling', async (script) => {
      for (let round = 1; round <= room.rounds; round++) await replaceAll(script, room)
    }),
}

export const filmOutages: Row = {
  name: 'film-outages',
  about: 'the film: kill -9 of Postgres and of the Kafka broker in turn, each back after one to four seconds',
  rounds: 1,
  breaksServers: true,
  run: (room) =>
    film(room, 'film-outages', async (script) => {
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
    }),
}

async function film(room: Room, name: string, act: (script: Script) => Promise<void>): Promise<Outcome> {
  const requestsMax = Math.max(requestsARound, room.events) * room.rounds
  const played = await Film.make(`${name} ${room.random.whole(0, 1_000_000)}`, requestsMax)
  const { project } = played
  const oracle = {
    project,
    fateOf: played.fateOf.bind(played),
    also: played.wrong.bind(played),
  }
  const options: TrialOptions = {
    name,
    project,
    perSecond,
    make: (n: number) => played.messageOf(n),
    settleMs: 240_000,
    judge: (arena, asked) => judgeSagas(arena, oracle, asked),
  }
  return trial(room, options, async (script) => {
    await played.open(script.arena)
    await act(script)
  })
}

/** Who begins anew has another session, of which its player hears. */
function operate({ arena }: Script, room: Room): Operators {
  const operators = new Operators(arena, room.random, async () => undefined)
  operators.start(1000)
  return operators
}
