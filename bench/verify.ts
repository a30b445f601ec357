/**
 * How long `millrace verify` takes: `node dist/bench/verify.js [--transactions N] [--deep]` fills a ledger and a topic with
 * generated rows and records, three steps and some retries each, and looks at them.
 */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import pg from 'pg'
import { packageRoot } from '../src/base/package-root.ts'
import { migrationsDir } from '../src/engine.ts'
import { migrate } from '../src/ledger/migrate.ts'
import { eraseServers, startServers } from '../src/local/servers.ts'
import { planFromSource } from '../src/workflow/parse.ts'
import { functionOf } from '../src/workflow/uses.ts'

const { values: options } = parseArgs({
  options: { transactions: { type: 'string', default: '1000000' }, deep: { type: 'boolean', default: false } },
})
const count = Number(options.transactions)
const partitions = 4
const topic = `bench-${randomBytes(4).toString('hex')}`
const engine = 'bench'
/** A broker forgets what is older than a week. */
const firstMs = Date.now() - count
const plan = planFromSource(
  `name: bench
on: { kafka: ${topic} }
steps:
  - { id: one, uses: work }
  - { id: two, uses: work, when: event.data.n % 4 != 0 }
  - { id: three, uses: work }
`,
  'bench.yaml',
)

/** Fills both sides, looks, and clears away. */
async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  await chmod(dir, 0o755)
  const { KAFKA_BROKERS, DATABASE_URL } = process.env
  const servers = await startServers({ dir, kafka: !KAFKA_BROKERS, postgres: !DATABASE_URL })
  const brokers = KAFKA_BROKERS?.split(',') ?? servers.kafkaBrokers ?? []
  const databaseUrl = DATABASE_URL ?? servers.databaseUrl ?? ''
  try {
    await publish(brokers)
    await fill(databaseUrl)
    look(brokers, databaseUrl)
  } finally {
    await servers.stop()
    eraseServers(dir)
    await rm(dir, { recursive: true, force: true })
  }
}

async function publish(brokers: readonly string[]): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true })
  await admin.disconnect()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  for (let at = 0; at < count; at += 5000) {
    const messages = Array.from({ length: Math.min(5000, count - at) }, (_, index) => {
      const n = at + index
      const value = `{"n":${n},"text":"${'x'.repeat(200)}"}`
      return { partition: n % partitions, key: `key-${n % 10_000}`, value, timestamp: String(firstMs + n) }
    })
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}

async function fill(databaseUrl: string): Promise<void> {
  await migrate(databaseUrl, migrationsDir())
  const db = new pg.Client(databaseUrl)
  db.on('error', () => undefined) // the server stops while we are connected only if something failed before
  await db.connect()
  const ids = plan.steps.map(({ id }) => id)
  const uses = plan.steps.map(functionOf)
  await db.query(`
insert into millrace_data.engine (name) values ('${engine}');
insert into millrace_data.topic (name) values ('${topic}');
insert into millrace_data.workflow (name) values ('${plan.name}');
insert into millrace_data.lane (engine_id, topic_id, kafka_partition) select 1, 1, p from generate_series(0, ${partitions - 1}) p;
insert into millrace_data.lane_progress (lane_id, next_offset, low_id)
  select id, ${count} / ${partitions}, 'ffffffff-ffff-ffff-ffff-ffffffffffff' from millrace_data.lane;
insert into millrace_data.subscription select id, 1, 0 from millrace_data.lane`)
  await db.query(
    'insert into millrace_data.version (workflow_id, hash, source, step_ids, step_functions) values (1, $1, $2, $3, $4)',
    [plan.version, plan.source, ids, uses],
  )
  for (const sql of rows) await db.query(sql)
  await db.query('analyze')
  await db.end()
}

/** Every hundred transactions a group of six commits; every tenth step is tried twice. */
const commitOf = (part: number) => `(1::int8 << 32) + n / 100 * 8 + ${part}`
const stamp = (ms: string) => `to_timestamp((${firstMs} + ${ms})::float8 / 1000)`
const origin = `'{"engine":"${engine}","topic":"${topic}","incarnation":"","partition":' || n % ${partitions} || ',"offset":'
  || n / ${partitions} || ',"workflow":"${plan.name}"}'`
const idOf = `(with h as (select encode(sha256(convert_to(${origin}, 'UTF8')), 'hex') as h, lpad(to_hex(${firstMs} + n::int8), 12, '0') as t)
  select (t || '8' || substr(h, 14, 3) || '8' || substr(h, 18, 15))::uuid from h)`

const rows = [
  `insert into millrace_data.commit (id, lanes, sent_at, returned_at)
   select (1::int8 << 32) + c * 8 + part, '{1,2,3,4}', ${stamp('c * 100')}, ${stamp('c * 100')}
   from generate_series(0, ${count} / 100) c, generate_series(0, 7) part`,
  `insert into millrace_data.transaction
     (id, lane_id, version_id, kafka_offset, key, event_id, envelope, produced_at, fetched_at, admitted_at, commit_id)
   select ${idOf}, n % ${partitions} + 1, 1, n / ${partitions}, 'key-' || n % 10000,
          'key-' || n % 10000 || '@${topic}/' || n % ${partitions} || '/' || n / ${partitions},
          '{"key":"key-' || n % 10000 || '","type":null,"source":null,"time":"'
            || to_char(${stamp('n')} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '","meta":{},"data":{"n":' || n
            || ',"text":"${'x'.repeat(200)}"}}',
          ${stamp('n')}, ${stamp('n')}, ${stamp('n')}, ${commitOf(0)}
   from generate_series(0, ${count} - 1) n`,
  ...[0, 1, 2].map(
    (step) => `
   insert into millrace_data.attempt
     (transaction_id, step, attempt, outcome, step_state, output, next_at, dispatched_at, received_at, commit_id)
   select t.id, ${step}, a.attempt, case when skipped then 0 when a.last then 1 else 2 end,
          case when skipped then 2 when a.last then 1 end, case when skipped or not a.last then null else '{"done":true}' end,
          case when a.last then null else t.admitted_at end, case when skipped then null else t.admitted_at end, t.admitted_at,
          t.commit_id + ${step * 2} + case when skipped then 0 when a.last then 2 else 1 end
   from millrace_data.transaction t
   cross join lateral (select ${step} = 1 and (t.kafka_offset * ${partitions} + t.lane_id - 1) % 4 = 0 as skipped) s
   cross join lateral (
     select 0 as attempt, true as last where skipped
     union all select 1, t.kafka_offset % 10 <> 0 where not skipped
     union all select 2, true where not skipped and t.kafka_offset % 10 = 0) a`,
  ),
  `insert into millrace_data.ending (transaction_id, state, ended_at, commit_id)
   select id, 1, admitted_at, commit_id + 6 from millrace_data.transaction`,
]

function look(brokers: readonly string[], databaseUrl: string): void {
  const words = [
    '--enable-source-maps',
    join(packageRoot(), 'dist/src/cli/main.js'),
    'verify',
    ...(options.deep ? ['--deep'] : []),
  ]
  const env = {
    ...process.env,
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: databaseUrl,
    MILLRACE_ENGINE: engine,
  }
  const { status, stdout, stderr } = spawnSync(
    '/usr/bin/time',
    ['-f', '%e s, %M kB at most', process.execPath, ...words, '--json'],
    {
      env,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    },
  )
  const report = JSON.parse(stdout)
  for (const each of report.checks)
    console.log(`${String(each.tookMs).padStart(7)} ms  ${each.check}  ${each.wrong || ''}`)
  console.log(
    `exit ${status}: ${report.transactions} transactions, ${report.records} records in ${report.tookMs} ms; ${stderr.trim()}`,
  )
  if (report.first) console.log(report.first)
}

await main()
