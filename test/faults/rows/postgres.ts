/** Postgres away, read-only and out of connections. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from '../arena.ts'
import { ownerOf, smallDisk } from '../disk.ts'
import { movingAgain } from '../recovery.ts'
import { notRun, type Row } from '../row.ts'
import { type Script, trial } from '../trial.ts'
import { afterOutageSecondsMax } from './network.ts'

export const postgresKill: Row = {
  name: 'postgres-kill',
  about: 'kill -9 of Postgres, started again after one to four seconds',
  rounds: 2,
  breaksServers: true,
  run: (room) =>
    trial(room, { name: 'postgres-kill', recoverySecondsMax: afterOutageSecondsMax }, async (script) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`kill ${round} of ${room.rounds}`)
        await sleep(room.random.whole(300, 2000))
        await room.ground.postgres?.kill()
        await sleep(room.random.whole(1000, 4000))
        await room.ground.postgres?.start()
        script.recovered(await movingAgain(script.arena, performance.now()))
      }
    }),
}

export const readOnly: Row = {
  name: 'postgres-read-only',
  about: 'Postgres takes reads only, as after a failover, for three seconds',
  rounds: 2,
  run: (room) =>
    trial(room, { name: 'read-only', recoverySecondsMax: afterOutageSecondsMax }, async (script) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`outage ${round} of ${room.rounds}`)
        await sleep(room.random.whole(300, 1500))
        await readOnlyFor(script, 3000)
      }
    }),
}

export async function readOnlyFor({ arena, recovered }: Script, ms: number): Promise<void> {
  await arena.query(`alter database ${arena.id} set default_transaction_read_only = on`)
  await hangUp(arena)
  await sleep(ms)
  await arena.query(
    `begin; set transaction read write; alter database ${arena.id} reset default_transaction_read_only; commit`,
  )
  await hangUp(arena)
  recovered(await movingAgain(arena, performance.now()))
}

export const connections: Row = {
  name: 'postgres-connections',
  about: 'Postgres hangs up and gives no new connection for three seconds',
  rounds: 2,
  run: (room) =>
    trial(room, { name: 'connections', recoverySecondsMax: afterOutageSecondsMax }, async ({ arena, recovered }) => {
      for (let round = 1; round <= room.rounds; round++) {
        room.tell(`outage ${round} of ${room.rounds}`)
        await sleep(room.random.whole(300, 1500))
        await arena.query(`alter role ${arena.id} connection limit 0`)
        await hangUp(arena)
        await sleep(3000)
        await arena.query(`alter role ${arena.id} connection limit -1`)
        recovered(await movingAgain(arena, performance.now()))
      }
    }),
}

export const diskFull: Row = {
  name: 'postgres-full',
  about: 'the disk of the database is full for four seconds (a small file system of its own; needs root on Linux)',
  rounds: 2,
  breaksServers: true,
  async run(room) {
    const disk = smallDisk(join(room.ground.dir, `disk-${process.pid}`), ownerOf(room.ground.postgres?.pid() ?? 0))
    if (disk === null) return notRun('not run: no file system could be mounted')
    const options = { name: 'full', dataDir: disk.dir, recoverySecondsMax: afterOutageSecondsMax }
    const run = trial(room, options, async ({ arena, recovered, problem }) => {
      for (let round = 1; round <= room.rounds; round++) {
        await sleep(room.random.whole(300, 1500))
        disk.fill()
        room.tell(`full ${round} of ${room.rounds}`)
        await sleep(4000)
        disk.free()
        recovered(await movingAgain(arena, performance.now()))
      }
      if (!arena.members.some((member) => member.facts('outage').length > 0)) problem('no coordinator met a full disk')
    })
    return run.finally(() => disk.unmount())
  },
}

/** Ends the engine's sessions, as a failover does. */
async function hangUp(arena: Arena): Promise<void> {
  await arena.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [arena.id])
}
