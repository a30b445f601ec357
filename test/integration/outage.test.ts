/**
 * Postgres or Kafka away while a coordinator works: it pauses, holds what it has, goes on when the server is back, and
 * no attempt is burnt for it.
 */
import assert from 'node:assert/strict'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import pg from 'pg'
import { until } from '../../src/base/poll.ts'
import { migrationsDir } from '../../src/engine.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { startKafka } from '../../src/local/kafka.ts'
import { startPostgres } from '../../src/local/postgres.ts'
import { eraseServers } from '../../src/local/servers.ts'
import { runCoordinator } from '../support/coordinator.ts'
import { createTopic } from '../support/create-topic.ts'
import { freshProject } from '../support/project.ts'

const events = 600

test('Postgres and Kafka are killed and come back', { timeout: 180_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-outage-'))
  await chmod(dir, 0o755) // the server's own user must be able to go through it
  let kafka = await startKafka({ dataDir: join(dir, 'kafka') })
  after(() => kafka.stop())
  let postgres = await startPostgres({ dataDir: join(dir, 'postgres') })
  after(() => postgres.stop())
  after(() => eraseServers(dir))
  await migrate(postgres.url, migrationsDir())
  const client = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING, retry: { retries: 20 } })
  const admin = client.admin()
  await admin.connect()
  await createTopic(admin, 'outage', 2)
  await admin.disconnect()
  const workflows = await freshProject({ 'outage.yaml': workflow, 'functions/work.ts': work })
  const coordinator = runCoordinator(workflows, {
    KAFKA_BROKERS: kafka.brokers.join(','),
    DATABASE_URL: postgres.url,
  })
  let gone = false
  void coordinator.exited.then(() => (gone = true))

  await publish(client, 0, events / 3)
  await until('the first third', async () => (await ended(postgres.url)) > events / 6, { forMs: 30_000 })
  await publish(client, events / 3, (2 * events) / 3)
  process.kill(postgres.pid, 'SIGKILL')
  await postgres.stop()
  await sleep(3000)
  assert.equal(gone, false, coordinator.logs())
  postgres = await startPostgres({ dataDir: join(dir, 'postgres'), port: Number(new URL(postgres.url).port) })
  const postgresBack = performance.now()
  await until('the second third', async () => (await ended(postgres.url)) >= (2 * events) / 3, { forMs: 30_000 })
  t.diagnostic(`went on within ${Math.round(performance.now() - postgresBack)} ms of Postgres’ return`)

  process.kill(kafka.pid, 'SIGKILL')
  await kafka.stop()
  await sleep(3000)
  assert.equal(gone, false, coordinator.logs())
  kafka = await startKafka({ dataDir: join(dir, 'kafka'), port: Number(kafka.brokers[0]?.split(':')[1]) })
  const kafkaBack = performance.now()
  await publish(client, (2 * events) / 3, events)
  await until('the last third', async () => (await ended(postgres.url)) >= events, { forMs: 60_000 })
  t.diagnostic(`went on within ${Math.round(performance.now() - kafkaBack)} ms of Kafka’s return`)

  const db = new pg.Client(postgres.url)
  await db.connect()
  const states = await db.query('select state, count(*)::int as n from millrace.transactions group by 1')
  const attempts = await db.query('select attempt, outcome, count(*)::int as n from millrace.attempts group by 1, 2')
  await db.end()
  assert.deepEqual(states.rows, [{ state: 'completed', n: events }])
  assert.deepEqual(attempts.rows, [{ attempt: 1, outcome: 'ok', n: 2 * events }])
  coordinator.signal('SIGTERM')
  assert.deepEqual(await coordinator.exited, { code: 0, signal: null })
})

async function publish(client: Kafka, from: number, to: number): Promise<void> {
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const numbers = Array.from({ length: to - from }, (_, at) => from + at)
  const messages = numbers.map((n) => ({ key: `k${n % 40}`, value: JSON.stringify({ n }) }))
  await producer.send({ topic: 'outage', acks: -1, messages })
  await producer.disconnect()
}

async function ended(databaseUrl: string): Promise<number> {
  const db = new pg.Client(databaseUrl)
  await db.connect()
  const { rows } = await db.query('select count(*)::int as n from millrace.transactions where ended_at is not null')
  await db.end()
  return rows[0].n
}

const workflow = `
name: outage
on: { kafka: { topic: outage } }
steps:
  - id: first
    uses: work
    with: { n: '\${{ event.data.n }}' }
  - id: second
    uses: work
    with: { n: '\${{ event.data.n }}' }
`

const work = `
import { defineFunction } from 'millrace'
export default defineFunction({
  async run({ input }) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return input
  },
})`
