/** An engine whose workflows rest, in a database and with topics of its own. */
import pg from 'pg'
import { until } from '../../src/base/poll.ts'
import { treeSeconds } from '../cpu.ts'
import type { Ground } from '../ground.ts'
import type { Running } from '../running.ts'
import { engine } from '../sides/engine.ts'
import { type Resting, signalsOf, topicOf, writeResting } from './project.ts'

/** Partitions of the topic that starts them, and of the one of the chain; the events waited for come by one. */
export const partitions = 4
/** All lanes of an engine that has the chain and both that rest. */
export const lanesOfAll = 2 * partitions + 1

export interface Cpu {
  readonly coordinator: number
  readonly workers: number
  readonly postgres: number | null
}

/** What it took since then, of each of so many. */
export function cpuLine(before: Cpu, after: Cpu, count: number): string {
  const ms = (name: keyof Cpu) => ((((after[name] ?? 0) - (before[name] ?? 0)) / count) * 1000).toFixed(2)
  return `CPU ms of each: coordinator ${ms('coordinator')}, workers ${ms('workers')}, Postgres ${ms('postgres')}`
}

export class Stage implements AsyncDisposable {
  readonly ground: Ground
  /** Of the engine, its database and the chain's topic. */
  readonly name: string
  readonly db: pg.Client
  readonly #keeps: boolean
  #running: Running | null = null

  private constructor(ground: Ground, name: string, db: pg.Client, keeps: boolean) {
    this.ground = ground
    this.name = name
    this.db = db
    this.#keeps = keeps
  }

  /** `keeps`: what is there of it is found again, and stays. */
  static async open(ground: Ground, name: string, keeps: boolean): Promise<Stage> {
    const databaseUrl = await ground.keepDatabase(name)
    await engine.prepare(databaseUrl)
    await ground.createTopic(name, partitions)
    await ground.createTopic(topicOf(name), partitions)
    await ground.createTopic(signalsOf(name), 1)
    const db = new pg.Client(databaseUrl)
    await db.connect()
    return new Stage(ground, name, db, keeps)
  }

  async start(
    resting: Partial<Resting> = {},
    { coordinators = 1, profileDir = null }: { coordinators?: number; profileDir?: string | null } = {},
  ): Promise<Running> {
    const { ground, name } = this
    this.#running = await engine.start({
      dir: ground.dir,
      brokers: ground.brokers,
      databaseUrl: ground.databaseUrl(name),
      topic: name,
      shape: { steps: 1, waitMs: 0, coordinators },
      profileDir,
      engine: name,
      files: (dir) => this.files(dir, resting),
    })
    return this.#running
  }

  files(dir: string, resting: Partial<Resting> = {}): Promise<void> {
    const untilMs = new Date().setUTCHours(0, 0, 0, 0) + 60 * 86_400_000
    const which = ['sleeper', 'waiter'] as const
    const { name } = this
    return writeResting(dir, {
      topic: topicOf(name),
      signals: signalsOf(name),
      untilMs,
      take: 'all',
      which,
      ...resting,
    })
  }

  /** So far: of coordinators, workers and Postgres; null on a server of somebody else. */
  cpu(): Cpu {
    const { postgresPid } = this.ground
    const { coordinator = 0, workers = 0 } = this.#running?.cpu() ?? {}
    return { coordinator, workers, postgres: postgresPid === null ? null : treeSeconds(postgresPid) }
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
    this.#running = null
  }

  async count(sql: string, values: unknown[] = []): Promise<number> {
    return (await this.db.query(`select count(*)::int as n from ${sql}`, values)).rows[0].n
  }

  /** Of those that rest and have nothing else to do. */
  resting(): Promise<number> {
    return this.count('millrace_data.rest where is_alone')
  }

  async untilCount(what: string, sql: string, count: number, forMs: number, everyMs = 50): Promise<void> {
    const holds = async () => {
      this.#running?.check()
      return (await this.count(sql)) >= count
    }
    await until(what, holds, { forMs, everyMs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.db.end()
    if (this.#keeps) return
    const { ground, name } = this
    await ground.dropDatabase(name)
    for (const topic of [name, topicOf(name), signalsOf(name)]) await ground.deleteTopic(topic)
  }
}
