/**
 * One engine's world for one row: a topic, a database with a role that is no superuser, a project, a payment provider
 * with its book, coordinators, and a publisher. All of it is fresh, so that rows do not see each other.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, type ITopicConfig, Kafka, logLevel, type Message, type TopicMessages } from 'kafkajs'
import pg from 'pg'
import { type Provider, startProvider } from '../../demo/provider/spawn.ts'
import { retryFor, until } from '../../src/base/poll.ts'
import { migrationsDir } from '../../src/engine.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { Cleanup } from './cleanup.ts'
import { eventOf, valueBytesMax } from './events.ts'
import type { Ground } from './ground.ts'
import { Member } from './member.ts'
import { charges, type Project } from './project.ts'
import { Publisher } from './publisher.ts'

export interface ArenaOptions {
  readonly ground: Ground
  readonly name: string
  readonly partitions?: number
  /** Copies of each partition, on as many brokers. */
  readonly replicas?: number
  readonly perSecond?: number
  readonly env?: Readonly<Record<string, string>>
  readonly make?: (n: number) => readonly Message[]
  /** What runs; without it, the charges. */
  readonly project?: Project
  /** A folder that the database's data lies in, instead of the server's own. */
  readonly dataDir?: string
  /** Where the coordinators reach the database, given where it is: a proxy, for instance. */
  readonly via?: (databaseUrl: string) => Promise<string>
}

/** Session timeout of the coordinators: Kafka takes no shorter one by default. */
export const sessionMs = 6000

export async function openArena(options: ArenaOptions): Promise<Arena> {
  const cleanup = new Cleanup()
  try {
    return await prepare(options, cleanup)
  } catch (error) {
    await cleanup.run()
    throw error
  }
}

async function prepare(options: ArenaOptions, cleanup: Cleanup): Promise<Arena> {
  const {
    ground,
    project = charges,
    partitions = 4,
    replicas = 1,
    perSecond = 60,
    make = (n) => [eventOf(n)],
  } = options
  const id = `${options.name.replaceAll('-', '_')}_${randomBytes(3).toString('hex')}`
  const dir = await mkdtemp(join(ground.dir, `${options.name}-`))
  const kafka = new Kafka({ brokers: [...ground.brokers], logLevel: logLevel.NOTHING, retry: { retries: 8 } })
  const admin = kafka.admin()
  await admin.connect()
  cleanup.add(() => admin.disconnect())
  const topics = [id, ...project.topics(id)]
  for (const topic of topics)
    await createTopic(admin, { topic, numPartitions: partitions, replicationFactor: replicas })
  cleanup.add(() => admin.deleteTopics({ topics }))
  const urls = await makeDatabase(ground.databaseUrl, id, options.dataDir, cleanup)
  await migrate(urls.engine, migrationsDir())
  const provider = await startProvider({ book: join(dir, 'book.jsonl') })
  cleanup.add(() => provider.kill())
  const workflowsDir = join(dir, 'project')
  await project.write(workflowsDir, id)
  const others = {
    beside: (n: number): readonly TopicMessages[] => project.beside?.(n, id) ?? [],
    behind: (published: number): readonly TopicMessages[] => project.behind?.(published, id) ?? [],
  }
  const publisher = new Publisher({ brokers: ground.brokers, topic: id, perSecond, make, ...others })
  cleanup.add(() => publisher.stop())
  const databaseUrl = options.via ? await options.via(urls.engine) : urls.engine
  const env = {
    KAFKA_BROKERS: ground.brokers.join(','),
    KAFKA_SESSION_TIMEOUT: `${sessionMs}ms`,
    DATABASE_URL: databaseUrl,
    DATABASE_ANSWER_TIMEOUT: '5s',
    MILLRACE_ENGINE: id,
    MILLRACE_VALUE_BYTES_MAX: String(valueBytesMax),
    MILLRACE_FUNCTIONS_ENV: project.functionsEnv,
    MILLRACE_FUNCTIONS_PROCESSES_MAX: '8',
    PROVIDER_URL: provider.url,
    FAULTS_DIR: dir,
    ...project.env?.(provider, workflowsDir),
    ...options.env,
  }
  const db = new pg.Pool({ connectionString: urls.admin, max: 1, connectionTimeoutMillis: 3000, query_timeout: 60_000 })
  db.on('error', () => undefined)
  cleanup.add(() => db.end())
  return new Arena({ ground, id, dir, kafka, admin, provider, workflowsDir, publisher, env, db, cleanup, urls })
}

/** A broker may not know yet what it has just been told to make. */
export async function createTopic(admin: Admin, topic: ITopicConfig): Promise<void> {
  await retryFor(() => admin.createTopics({ topics: [topic], waitForLeaders: true }), { forMs: 10_000 })
}

/** The engine's role owns its database and is bound by what bounds ordinary users. */
async function makeDatabase(adminUrl: string, id: string, dataDir: string | undefined, cleanup: Cleanup) {
  const password = randomBytes(9).toString('base64url')
  await administer(adminUrl, [
    `create role ${id} login password '${password}'`,
    ...(dataDir === undefined ? [] : [`create tablespace ${id} location '${dataDir}'`]),
    `create database ${id} owner ${id} ${dataDir === undefined ? '' : `tablespace ${id}`}`,
  ])
  if (dataDir !== undefined) cleanup.add(() => administer(adminUrl, [`drop tablespace ${id}`]))
  cleanup.add(() => administer(adminUrl, [`drop database ${id} with (force)`, `drop role ${id}`]))
  const admin = new URL(adminUrl)
  admin.pathname = `/${id}`
  const engine = new URL(admin)
  engine.username = id
  engine.password = password
  return { admin: admin.href, engine: engine.href }
}

async function administer(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  await client.connect()
  try {
    for (const sql of statements) await client.query(sql)
  } finally {
    await client.end()
  }
}

interface Parts {
  readonly ground: Ground
  readonly id: string
  readonly dir: string
  readonly kafka: Kafka
  readonly admin: Admin
  readonly provider: Provider
  readonly workflowsDir: string
  readonly publisher: Publisher
  readonly env: Readonly<Record<string, string>>
  readonly db: pg.Pool
  readonly cleanup: Cleanup
  readonly urls: { readonly admin: string; readonly engine: string }
}

export interface LaneSeen {
  readonly partition: number
  readonly owner: string | null
  readonly openedAt: Date | null
  readonly nextOffset: number
  readonly incarnation: string
}

export class Arena {
  readonly ground: Ground
  /** Name of the topic, the database, its role, and the engine. */
  readonly id: string
  readonly dir: string
  readonly kafka: Kafka
  readonly admin: Admin
  readonly provider: Provider
  readonly publisher: Publisher
  readonly members: Member[] = []
  readonly #parts: Parts
  readonly #deferred = new Cleanup()

  constructor(parts: Parts) {
    this.ground = parts.ground
    this.id = parts.id
    this.dir = parts.dir
    this.kafka = parts.kafka
    this.admin = parts.admin
    this.provider = parts.provider
    this.publisher = parts.publisher
    this.#parts = parts
    mkdirSync(join(parts.dir, 'logs'))
  }

  get bookFile(): string {
    return join(this.dir, 'book.jsonl')
  }

  start(env: Readonly<Record<string, string>> = {}): Member {
    const logFile = join(this.dir, 'logs', `coordinator-${this.members.length + 1}.log`)
    const { workflowsDir } = this.#parts
    const member = new Member({ workflowsDir, logFile, env: { ...this.#parts.env, ...env } })
    this.members.push(member)
    return member
  }

  /** As the engine knows it, but not by way of any proxy. */
  get databaseUrl(): string {
    return this.#parts.urls.engine
  }

  /** Published at once, beside what flows. */
  tell(messages: readonly TopicMessages[]): Promise<void> {
    return this.publisher.beside(messages)
  }

  alive(): Member[] {
    return this.members.filter((member) => member.exit === null)
  }

  /** As superuser; the engine's limits do not bind it. */
  async query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]> {
    return (await this.#parts.db.query<Row>(sql, values)).rows
  }

  /** Of the events; those opened last are last. */
  async lanes(): Promise<LaneSeen[]> {
    return this.query<LaneSeen & pg.QueryResultRow>(
      `select kafka_partition as partition, owner, opened_at as "openedAt", next_offset::int as "nextOffset",
              incarnation
       from millrace.lanes where topic = $1 order by opened_at nulls first, kafka_partition`,
      [this.id],
    )
  }

  /** Waits until these have at least one lane each, of whatever topic. */
  async shared(members: readonly Member[] = this.alive(), forMs = 45_000): Promise<void> {
    const spread = async () => {
      const lanes = await this.query<{ owner: string | null }>('select owner from millrace.lanes').catch(() => [])
      const owners = new Set(lanes.map((lane) => lane.owner))
      return lanes.length > 0 && members.every((member) => owners.has(member.owner))
    }
    await until(`${members.length} coordinators to share the lanes (${this.dir})`, spread, { forMs, everyMs: 100 })
  }

  /** Asks those that live to stop, and says what was wrong with how any of them ended. */
  async stopMembers(): Promise<string[]> {
    const unasked = this.members.filter((member) => member.exit !== null && !member.mayEnd)
    const alive = this.alive()
    for (const member of alive) member.signal('SIGTERM')
    const giveUp = new AbortController()
    const all = Promise.all(alive.map((member) => member.exited))
    await Promise.race([all, sleep(20_000, undefined, { signal: giveUp.signal }).catch(() => undefined)])
    giveUp.abort()
    const wrong = alive.filter((member) => member.exit?.code !== 0)
    for (const member of wrong) member.signal('SIGKILL')
    return [
      ...unasked.map((member) => `${member.logFile}: it ended unasked with ${JSON.stringify(member.exit)}`),
      ...wrong.map((member) => `${member.logFile}: after SIGTERM it ended with ${JSON.stringify(member.exit)}`),
    ]
  }

  /** Before anything else goes. */
  defer(act: () => unknown): void {
    this.#deferred.add(act)
  }

  /** `keepFiles`: the folder with logs and book, the topic and the database stay for whoever looks. */
  async close(keepFiles = false): Promise<void> {
    await this.#deferred.run()
    for (const member of this.alive()) {
      member.signal('SIGCONT')
      await member.kill()
    }
    if (keepFiles) {
      await this.publisher.stop()
      await this.provider.kill()
      await this.admin.disconnect().catch(() => undefined)
      await this.#parts.db.end()
      return
    }
    await this.#parts.cleanup.run()
    await rm(this.dir, { recursive: true, force: true })
  }
}
