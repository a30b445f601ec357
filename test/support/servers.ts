/** Real Kafka and Postgres for a test file: those of the environment, else embedded ones for as long as the file runs. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import pg from 'pg'
import { migrationsDir } from '../../src/engine.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { eraseServers, startServers } from '../../src/local/servers.ts'
import { atEnd } from './at-end.ts'
import { createTopic } from './create-topic.ts'

export interface TestServers {
  readonly brokers: readonly string[]
  readonly databaseUrl: string
}

let started: Promise<TestServers> | undefined

export function servers(): Promise<TestServers> {
  started ??= start()
  return started
}

async function start(): Promise<TestServers> {
  const { KAFKA_BROKERS, DATABASE_URL } = process.env
  if (KAFKA_BROKERS && DATABASE_URL) return { brokers: KAFKA_BROKERS.split(','), databaseUrl: DATABASE_URL }
  const dir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  await chmod(dir, 0o755) // the server's own user must be able to go through it
  const own = await startServers({ dir, kafka: !KAFKA_BROKERS, postgres: !DATABASE_URL })
  atEnd(async () => {
    await own.stop()
    eraseServers(dir)
    await rm(dir, { recursive: true, force: true })
  })
  return {
    brokers: KAFKA_BROKERS?.split(',') ?? own.kafkaBrokers ?? [],
    databaseUrl: DATABASE_URL ?? own.databaseUrl ?? '',
  }
}

/** A name nothing else on the server has. */
export function unique(name: string): string {
  return `${name}_${randomBytes(4).toString('hex')}`
}

export interface TestLedger {
  readonly databaseUrl: string
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>
}

/** An empty database of its own, dropped when the file is done. */
export async function freshDatabase(): Promise<string> {
  const { databaseUrl: adminUrl } = await servers()
  const name = unique('ledger')
  await administer(adminUrl, `create database ${name}`)
  atEnd(() => administer(adminUrl, `drop database ${name} with (force)`))
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return url.href
}

/** A migrated ledger in a database of its own. */
export async function freshLedger(): Promise<TestLedger> {
  const databaseUrl = await freshDatabase()
  await migrate(databaseUrl, migrationsDir())
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  pool.on('error', () => undefined)
  atEnd(() => pool.end())
  return {
    databaseUrl,
    query: async <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) =>
      (await pool.query<Row>(sql, values)).rows,
  }
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(sql)
  await client.end()
}

export interface TestTopic {
  readonly name: string
  readonly producer: Producer
}

/** A topic of its own and an ordinary producer, gone when the file is done. */
export async function freshTopic(partitions = 4, name = unique('events')): Promise<TestTopic> {
  const { brokers } = await servers()
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await createTopic(admin, name, partitions)
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  atEnd(async () => {
    await producer.disconnect()
    await admin.deleteTopics({ topics: [name] }).catch(() => undefined)
    await admin.disconnect()
  })
  return { name, producer }
}
