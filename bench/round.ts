/** One side in a database and with a topic of its own: drained first, then paced, then gone. */
import pg from 'pg'
import type { Events } from './events.ts'
import type { Ground } from './ground.ts'
import { admittedNow, type Drained, drain, type Paced, pace, type Subject } from './measure.ts'
import type { Running } from './running.ts'
import type { Setting, Shape, Side } from './side.ts'

export interface Load {
  readonly shape: Shape
  readonly events: Events
  readonly partitions: number
  /** Records that are there when it starts. */
  readonly preloaded: number
  /** Rates that follow, each for its seconds. */
  readonly paces: readonly Steady[]
}

export interface Steady {
  readonly perSecond: number
  readonly seconds: number
  /** What is due at the same moment is sent together: a rate that a producer cannot send one by one. */
  readonly together?: boolean
}

export interface Round {
  readonly drained: Drained
  /** In the order of `paces`. */
  readonly paced: readonly Paced[]
}

export interface Extras extends Pick<Setting, 'engine' | 'files' | 'env'> {
  /** One that is there and stays; without it, an empty one for this round. */
  readonly database?: string
  /** Looks on while it is paced, until that is over. */
  readonly beside?: (subject: Subject, over: Promise<unknown>) => Promise<void>
}

export interface RoundOptions extends Extras {
  readonly profileDir: string | null
  tell(line: string): void
}

let rounds = 0

export async function runRound(ground: Ground, side: Side, load: Load, options: RoundOptions): Promise<Round> {
  const topic = `bench_${Date.now().toString(36)}_${++rounds}`
  const { profileDir, tell, database, beside, ...extras } = options
  const databaseUrl = database === undefined ? await ground.createDatabase(topic) : ground.databaseUrl(database)
  const db = new pg.Client(databaseUrl)
  await db.connect()
  let running: Running | undefined
  try {
    if (database === undefined) await side.prepare(databaseUrl)
    await ground.createTopic(topic, load.partitions)
    const sinceMs = Date.now()
    tell('preloads')
    await ground.preload(topic, load.events, load.preloaded)
    await ground.checkpoint()
    const sql = side.sql(load.shape)
    const before = await admittedNow(db, sql)
    const { dir, brokers, postgresPid, pacer } = ground
    running = await side.start({ dir, brokers, databaseUrl, topic, shape: load.shape, profileDir, ...extras })
    const subject: Subject = { db, sql, running, postgresPid }
    tell('drains')
    const drained = await drain(subject, { count: load.preloaded, sinceMs, before })
    const paced: Paced[] = []
    for (const { perSecond, seconds, together } of load.paces) {
      tell(`${perSecond} a second`)
      const events = { topic, events: load.events, perSecond, count: perSecond * seconds, together: together === true }
      const over = pace(subject, pacer, events)
      await beside?.(subject, over)
      paced.push(await over)
    }
    return { drained, paced }
  } finally {
    await running?.stop()
    await db.end()
    if (database === undefined) await ground.dropDatabase(topic)
    await ground.deleteTopic(topic)
  }
}
