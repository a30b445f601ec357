/** Where it is measured: Kafka and Postgres, of the environment or our own, and a database and a topic for each round. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel, Partitioners } from 'kafkajs'
import pg from 'pg'
import { until } from '../src/base/poll.ts'
import { eraseServers, type LocalServers, startServers } from '../src/local/servers.ts'
import { type Events, eventOf } from './events.ts'
import { Pacer } from './pacer.ts'

export class Ground {
  /** Ours alone, for what a run leaves behind until its end. */
  readonly dir: string
  readonly brokers: readonly string[]
  /** Null: a server of somebody else, whose CPU is not ours to see. */
  readonly postgresPid: number | null
  readonly pacer: Pacer
  readonly #databaseUrl: string
  readonly #servers: LocalServers
  readonly #kafka: Kafka
  readonly #admin: Admin
  readonly #keep: boolean

  private constructor(parts: { dir: string; servers: LocalServers; keep: boolean }) {
    const { KAFKA_BROKERS, DATABASE_URL } = process.env
    this.dir = parts.dir
    this.#keep = parts.keep
    this.#servers = parts.servers
    this.brokers = parts.servers.kafkaBrokers ?? (KAFKA_BROKERS as string).split(',')
    this.pacer = new Pacer(this.brokers)
    this.#databaseUrl = parts.servers.databaseUrl ?? (DATABASE_URL as string)
    this.postgresPid = parts.servers.databaseUrl === null ? null : (parts.servers.pids.at(-1) ?? null)
    this.#kafka = new Kafka({ brokers: [...this.brokers], logLevel: logLevel.NOTHING })
    this.#admin = this.#kafka.admin()
  }

  /** With `dir` the servers' data stays there, and is found again. */
  static async start(dir: string | null, say: (line: string) => void): Promise<Ground> {
    const { KAFKA_BROKERS, DATABASE_URL } = process.env
    const given = KAFKA_BROKERS !== undefined && DATABASE_URL !== undefined
    const at = dir ?? mkdtempSync(join(tmpdir(), 'millrace-bench-'))
    if (dir === null) chmodSync(at, 0o755) // the server's own user must be able to go through it
    const servers = await startServers({ dir: at, kafka: !given, postgres: !given, onProgress: say })
    const ground = new Ground({ dir: at, servers, keep: dir !== null })
    await ground.#admin.connect()
    return ground
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    // One of an earlier run with the same --dir is there already.
    await this.#admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
    await until(`topic ${topic}`, () => this.#hasLeaders(topic, partitions), { forMs: 20_000 })
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#admin.deleteTopics({ topics: [topic] }).catch(() => undefined)
  }

  async preload(topic: string, events: Events, count: number): Promise<void> {
    const atOnce = Math.max(1, Math.min(1000, Math.floor(500_000 / events.bytes)))
    // One of its own: the client goes on asking for each topic it has ever sent to, and some are gone.
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    for (let n = 0; n < count; n += atOnce) {
      const messages = Array.from({ length: Math.min(atOnce, count - n) }, (_, index) => eventOf(events, n + index))
      await producer.send({ topic, acks: -1, messages })
    }
    await producer.disconnect()
  }

  /** Answers with its address. */
  async createDatabase(name: string): Promise<string> {
    await this.ask(`create database ${name}`)
    return this.databaseUrl(name)
  }

  /** The same, unless it is there already. */
  async keepDatabase(name: string): Promise<string> {
    const { rowCount } = await this.ask(`select from pg_database where datname = '${name}'`)
    return rowCount === 0 ? this.createDatabase(name) : this.databaseUrl(name)
  }

  databaseUrl(name: string): string {
    const url = new URL(this.#databaseUrl)
    url.pathname = `/${name}`
    return url.href
  }

  async dropDatabase(name: string): Promise<void> {
    await this.ask(`drop database if exists ${name} with (force)`)
  }

  /** So that no round pays for what the one before has left in memory. */
  async checkpoint(): Promise<void> {
    await this.ask('checkpoint')
  }

  async stop(): Promise<void> {
    this.pacer.stop()
    await this.#admin.disconnect()
    await this.#servers.stop()
    if (this.#keep) return
    eraseServers(this.dir)
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #hasLeaders(topic: string, partitions: number): Promise<boolean> {
    try {
      const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] })
      const found = topics[0]?.partitions ?? []
      return found.length === partitions && found.every((each) => each.leader >= 0)
    } catch {
      return false
    }
  }

  /** In the server's own database, not in one that is measured. */
  async ask(sql: string): Promise<pg.QueryResult> {
    const client = new pg.Client(this.#databaseUrl)
    await client.connect()
    try {
      return await client.query(sql)
    } finally {
      await client.end()
    }
  }
}
