/**
 * `npm run bench`: how fast a coordinator drains a preloaded topic through a five-step chain of trivial functions, how
 * long one event takes at 100 a second, and what CPU it costs. The coordinator is `millrace run` as users run it. One
 * JSON object on stdout. `--events N` (20,000), `--rate N` (100), `--seconds N` of the latency part (15).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import pg from 'pg'
import { packageRoot } from '../src/base/package-root.ts'
import { until } from '../src/base/poll.ts'
import { migrationsDir } from '../src/engine.ts'
import { migrate } from '../src/ledger/migrate.ts'
import { eraseServers, startServers } from '../src/local/servers.ts'
import { ownSeconds, residentMb, treeSeconds } from './cpu.ts'

const topic = 'bench.events'
const keys = 5000

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '15' },
  },
})
const events = Number(values.events)

const dir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
await chmod(dir, 0o755) // the server's own user must be able to go through it
const servers = await startServers({ dir, onProgress: say })
let coordinator: ChildProcess | undefined
try {
  const databaseUrl = servers.databaseUrl as string
  const brokers = servers.kafkaBrokers as string[]
  const postgresPid = servers.pids.at(-1) as number
  await migrate(databaseUrl, migrationsDir())
  const producer = await connectProducer(brokers)
  const db = new pg.Client(databaseUrl)
  await db.connect()

  say(`preloading ${events} events`)
  await preload(producer, 0, events)
  coordinator = run(brokers, databaseUrl)
  const drained = await drain(db, coordinator, postgresPid)
  say(`drained at ${drained.transactionsPerSecond} a second; now ${values.rate} a second for ${values.seconds} s`)
  const paced = await pace(db, producer, coordinator, postgresPid)
  console.log(
    JSON.stringify({ node: process.version, cores: cpus().length, events, steps: 5, drain: drained, paced }, null, 2),
  )
  await producer.disconnect()
  await db.end()
} finally {
  if (coordinator) {
    coordinator.kill('SIGTERM')
    await once(coordinator, 'exit')
  }
  await servers.stop()
  eraseServers(dir)
  await rm(dir, { recursive: true, force: true })
}

async function drain(db: pg.Client, child: ChildProcess, postgresPid: number) {
  const before = cpuOf(child, postgresPid)
  let peakMb = 0
  const ended = async () => {
    peakMb = Math.max(peakMb, residentMb(child.pid as number))
    return endedCount(db)
  }
  await until('all to end', async () => (await ended()) >= events, { forMs: 600_000, everyMs: 250 })
  const cpu = cpuSince(before, cpuOf(child, postgresPid), events)
  const { rows } = await db.query(`
    select extract(epoch from max(ended_at) - min(fetched_at))::float8 as seconds from millrace.transactions`)
  const commits = await db.query('select count(*)::int as n from millrace_data.commit')
  const seconds: number = rows[0].seconds
  return {
    seconds: round(seconds, 2),
    transactionsPerSecond: Math.round(events / seconds),
    cpuSecondsPer1000: cpu,
    transactionsPerCommit: round(events / commits.rows[0].n, 1),
    coordinatorPeakMb: Math.round(peakMb),
  }
}

async function pace(db: pg.Client, producer: Producer, child: ChildProcess, postgresPid: number) {
  const count = Number(values.rate) * Number(values.seconds)
  await sleep(1000)
  const before = cpuOf(child, postgresPid)
  const from = performance.now()
  for (let n = 0; n < count; n++) {
    const aheadMs = (n / Number(values.rate)) * 1000 - (performance.now() - from)
    if (aheadMs > 0) await sleep(aheadMs)
    void producer.send({ topic, acks: -1, messages: [eventOf(events + n)] })
  }
  await until('the paced ones to end', async () => (await endedCount(db)) >= events + count, {
    forMs: 60_000,
    everyMs: 100,
  })
  const cpu = cpuSince(before, cpuOf(child, postgresPid), count)
  await sleep(1000)
  const { rows } = await db.query(
    `with whole as (
       select extract(epoch from max(a.committed_at) - t.produced_at) * 1000 as ms
       from millrace.transactions t join millrace.attempts a on a.transaction_id = t.id
       where (t.event->'data'->>'n')::int >= $1 group by t.id, t.produced_at)
     select percentile_cont(array[0.5, 0.95, 0.99, 1]) within group (order by ms)::float8[] as p from whole`,
    [events],
  )
  const [p50, p95, p99, most] = (rows[0].p as number[]).map((ms) => round(ms, 1))
  return {
    eventsPerSecond: Number(values.rate),
    publishToEndedMs: { p50, p95, p99, max: most },
    cpuSecondsPer1000: cpu,
  }
}

interface Cpu {
  readonly coordinator: number
  readonly workers: number
  readonly postgres: number
}

function cpuOf(child: ChildProcess, postgresPid: number): Cpu {
  const pid = child.pid as number
  const coordinator = ownSeconds(pid)
  return { coordinator, workers: treeSeconds(pid) - coordinator, postgres: treeSeconds(postgresPid) }
}

function cpuSince(before: Cpu, after: Cpu, transactions: number) {
  const per = (name: keyof Cpu) => round(((after[name] - before[name]) / transactions) * 1000, 3)
  const each = { coordinator: per('coordinator'), workers: per('workers'), postgres: per('postgres') }
  return { ...each, all: round(each.coordinator + each.workers + each.postgres, 3) }
}

function run(brokers: readonly string[], databaseUrl: string): ChildProcess {
  const main = join(packageRoot(), 'dist/src/cli/main.js')
  const env = {
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: databaseUrl,
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_LOG_LEVEL: 'warn',
  }
  return spawn(process.execPath, [main, 'run', '--workflows', join(packageRoot(), 'bench/workflows')], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 2, 2],
  })
}

async function connectProducer(brokers: readonly string[]): Promise<Producer> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  return producer
}

async function preload(producer: Producer, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1000) {
    const messages = Array.from({ length: Math.min(1000, to - n) }, (_, at) => eventOf(n + at))
    await producer.send({ topic, acks: -1, messages })
  }
}

function eventOf(n: number): { key: string; value: string } {
  const key = `key-${n % keys}`
  return { key, value: JSON.stringify({ n, key, padding: 'x'.repeat(240) }) }
}

async function endedCount(db: pg.Client): Promise<number> {
  const { rows } = await db.query('select count(*)::int as n from millrace_data.ending')
  return rows[0].n
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
