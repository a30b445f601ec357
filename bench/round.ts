/** One side in an empty database with a topic of its own: drained first, then paced, then gone. */
import pg from 'pg'
import type { Events } from './events.ts'
import type { Ground } from './ground.ts'
import { type Drained, drain, type Paced, pace, type Subject } from './measure.ts'
import type { Running } from './running.ts'
import type { Shape, Side } from './side.ts'

export interface Load {
  readonly shape: Shape
  readonly events: Events
  readonly partitions: number
  /** Records that are there when it starts. */
  readonly preloaded: number
  /** Rates that follow, each for its seconds. */
  readonly paces: readonly { readonly perSecond: number; readonly seconds: number }[]
}

export interface Round {
  readonly drained: Drained
  /** In the order of `paces`. */
  readonly paced: readonly Paced[]
}

export interface Told {
  readonly profileDir: string | null
  tell(line: string): void
}

let rounds = 0

export async function runRound(ground: Ground, side: Side, load: Load, { profileDir, tell }: Told): Promise<Round> {
  const name = `bench_${process.pid}_${++rounds}`
  const databaseUrl = await ground.createDatabase(name)
  const db = new pg.Client(databaseUrl)
  let running: Running | undefined
  try {
    await side.prepare(databaseUrl)
    await ground.createTopic(name, load.partitions)
    const sinceMs = Date.now()
    tell('preloads')
    await ground.preload(name, load.events, load.preloaded)
    await ground.checkpoint()
    await db.connect()
    const setting = {
      dir: ground.dir,
      brokers: ground.brokers,
      databaseUrl,
      topic: name,
      shape: load.shape,
      profileDir,
    }
    running = await side.start(setting)
    const subject: Subject = { db, sql: side.sql(load.shape), running, postgresPid: ground.postgresPid }
    tell('drains')
    const drained = await drain(subject, load.preloaded, sinceMs)
    const paced: Paced[] = []
    for (const { perSecond, seconds } of load.paces) {
      tell(`${perSecond} a second`)
      const count = perSecond * seconds
      paced.push(await pace(subject, ground.pacer, { topic: name, events: load.events, perSecond, count }))
    }
    return { drained, paced }
  } finally {
    await running?.stop()
    await db.end()
    await ground.dropDatabase(name)
    await ground.deleteTopic(name).catch(() => undefined)
  }
}
