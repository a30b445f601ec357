/**
 * `npm run bench -- --http`: a load of requests on a workflow of one step; how long each waits for its 202, and whether all of them are in
 * the ledger, each once.
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { until } from '../../src/base/poll.ts'
import { freePorts } from '../../src/local/free-ports.ts'
import { treeSeconds } from '../cpu.ts'
import type { Ground } from '../ground.ts'
import { engine } from '../sides/engine.ts'
import { held, type Verdict } from '../verdict.ts'
import type { Generated } from './generator.ts'

export interface HttpLoad {
  readonly perSecond: number
  readonly seconds: number
}

const generator = fileURLToPath(new URL('./generator.js', import.meta.url))
const connections = 128
const p99MsMax = 50
const shape = { steps: 1, waitMs: 0, coordinators: 1 }

export async function http(
  ground: Ground,
  { perSecond, seconds }: HttpLoad,
  profileDir: string | null,
  tell: (line: string) => void,
): Promise<Verdict[]> {
  const name = `bench_${process.pid}_http`
  const databaseUrl = await ground.createDatabase(name)
  await engine.prepare(databaseUrl)
  await ground.createTopic(name, 4)
  const [port = 0] = await freePorts(1)
  const db = new pg.Client(databaseUrl)
  await db.connect()
  const running = await engine.start({
    ...{ dir: ground.dir, brokers: ground.brokers, databaseUrl, topic: name, shape, profileDir, engine: name },
    env: { MILLRACE_DOOR_PORT: String(port), MILLRACE_DOOR_HOST: '127.0.0.1' },
    files: (workflowsDir) => writeWorkflow(workflowsDir, name),
  })
  try {
    await until('the engine to be ready', async () => (await running.health())?.ready === true, { forMs: 60_000 })
    tell('a quarter of the load for 5 s first')
    const warmed = (await generate(port, Math.ceil(perSecond / 4), 5)).statuses['202'] ?? 0
    await until('those to end', async () => (await endedOf(db)) >= warmed, { forMs: 60_000, everyMs: 200 })
    const postgres = () => (ground.postgresPid === null ? null : treeSeconds(ground.postgresPid))
    const before = { ...running.cpu(), postgres: postgres(), ended: await endedOf(db) }
    tell(`${perSecond} requests a second for ${seconds} s`)
    const seen = await generate(port, perSecond, seconds)
    const accepted = seen.statuses['202'] ?? 0
    tell('what was accepted comes to its end')
    const all = async () => (await endedOf(db)) - before.ended >= accepted
    const missing = await until('all to end', all, { forMs: 60_000, everyMs: 200 }).then(
      () => 0,
      async () => accepted - ((await endedOf(db)) - before.ended),
    )
    const more = (await endedOf(db)) - before.ended - accepted + missing
    const after = { ...running.cpu(), postgres: postgres() }
    return verdicts(seen, { missing, more }, (of) => cpuPer1000(before[of], after[of], accepted))
  } finally {
    await running.stop()
    await db.end()
    await ground.dropDatabase(name)
  }
}

type Part = 'coordinator' | 'workers' | 'postgres'

function verdicts(
  seen: Generated,
  { missing, more }: { missing: number; more: number },
  cpuOf: (part: Part) => string,
): Verdict[] {
  const ms = (value: number) => value.toFixed(1)
  const others = Object.entries(seen.statuses).filter(([status]) => status !== '202')
  const figure = (row: string, measured: string) => ({ row, limit: '', measured, passed: true })
  return [
    figure('requests', `${seen.sent} in ${seen.seconds.toFixed(1)} s`),
    held(
      'answered otherwise than 202',
      others.reduce((sum, [, count]) => sum + count, 0),
      0,
      (count) => (count === 0 ? '0' : JSON.stringify(Object.fromEntries(others))),
    ),
    held('202, p99, ms', seen.p99, p99MsMax, ms),
    figure('202, p50, p95 and max, ms', [seen.p50, seen.p95, seen.max].map(ms).join(' ')),
    held('accepted and not in the ledger', missing, 0, String),
    held('in the ledger and not accepted', more, 0, String),
    held('ids told twice', (seen.statuses['202'] ?? 0) - seen.ids, 0, String),
    figure('coordinator, CPU s per 1,000', cpuOf('coordinator')),
    figure('workers, CPU s per 1,000', cpuOf('workers')),
    figure('Postgres, CPU s per 1,000', cpuOf('postgres')),
    figure('the generator’s own CPU, % of a core', ((seen.cpuS / seen.seconds) * 100).toFixed(0)),
    figure('the generator was late at worst, ms', ms(seen.lateMs)),
  ]
}

function cpuPer1000(before: number | null, after: number | null, count: number): string {
  return before === null || after === null ? 'not ours to see' : (((after - before) / count) * 1000).toFixed(3)
}

async function generate(port: number, perSecond: number, seconds: number): Promise<Generated> {
  const words = [generator, port, perSecond, seconds, connections].map(String)
  const { stdout } = await promisify(execFile)(process.execPath, words, { maxBuffer: 1024 * 1024 })
  return JSON.parse(stdout)
}

async function endedOf(db: pg.Client): Promise<number> {
  return (await db.query('select count(*)::int as n from millrace_data.ending')).rows[0].n
}

async function writeWorkflow(workflowsDir: string, topic: string): Promise<void> {
  const text = `name: chain
on:
  http: { path: /work, topic: ${topic} }
steps:
  - { id: s1, uses: work, with: { n: '\${{ event.data.n }}' } }
`
  await mkdir(workflowsDir, { recursive: true })
  await writeFile(join(workflowsDir, 'chain.yaml'), text)
}
