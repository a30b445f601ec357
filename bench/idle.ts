/**
 * `npm run bench -- --idle`: what an engine costs that has nothing to do, and how long the first event takes then, when
 * its worker processes have gone. One workflow of one step, and one of five whose functions differ, so that each of the
 * five must be started.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { until } from '../src/base/poll.ts'
import { median } from './compare.ts'
import { descendants, treeSeconds } from './cpu.ts'
import type { Ground } from './ground.ts'
import { pace, type Subject } from './measure.ts'
import type { Running } from './running.ts'
import { engine } from './sides/engine.ts'
import { held, type Verdict } from './verdict.ts'

/** A worker process goes after this. The default of a minute costs the same, and only takes longer to see. */
const idleSetting = '500ms'
/** Postgres counts what an idle connection did before within ten seconds. */
const countedMs = 12_000
const shape = { steps: 1, waitMs: 0, coordinators: 1 }
const events = { bytes: 300, keys: 1 }
const wakesOf = [
  { steps: 1, limitMs: 150 },
  { steps: 5, limitMs: 400 },
]

export async function idle(
  ground: Ground,
  seconds: number,
  wakes: number,
  tell: (line: string) => void,
): Promise<Verdict[]> {
  const name = `bench_${process.pid}_idle`
  const databaseUrl = await ground.createDatabase(name)
  await engine.prepare(databaseUrl)
  for (const { steps } of wakesOf) await ground.createTopic(topicOf(name, steps), 4)
  const db = new pg.Client(databaseUrl)
  await db.connect()
  const running = await engine.start({
    dir: ground.dir,
    brokers: ground.brokers,
    databaseUrl,
    topic: topicOf(name, 1),
    shape,
    profileDir: null,
    engine: name,
    env: { MILLRACE_FUNCTIONS_IDLE: idleSetting },
    files: (workflowsDir) => writeFive(workflowsDir, topicOf(name, 5)),
  })
  const subject: Subject = { db, sql: engine.sql(shape), running, postgresPid: ground.postgresPid }
  const asleep = () => untilAsleep(running)
  try {
    await until('the engine to be ready', async () => (await running.health())?.ready === true, { forMs: 30_000 })
    tell('each function is built and run once')
    for (const { steps } of wakesOf) await wake(ground, subject, topicOf(name, steps))
    await asleep()
    tell('what it did is counted')
    await sleep(countedMs)
    tell(`nothing happens for ${seconds} s`)
    const rows = await watch(ground, name, subject, seconds)
    for (const { steps, limitMs } of wakesOf) {
      const times: number[] = []
      for (let n = 1; n <= wakes; n++) {
        tell(`${steps} steps: event ${n} of ${wakes} after a rest`)
        times.push(await wake(ground, subject, topicOf(name, steps)))
        await asleep()
      }
      rows.push(wakeRow(steps, limitMs, times))
    }
    return rows
  } finally {
    await running.stop()
    await db.end()
    await ground.dropDatabase(name)
  }
}

const topicOf = (name: string, steps: number) => `${name}.${steps}`

/** Milliseconds from its publishing to the return of the commit that ended it. */
async function wake(ground: Ground, subject: Subject, topic: string): Promise<number> {
  return (await pace(subject, ground.pacer, { topic, events, perSecond: 1, count: 1 })).max
}

async function untilAsleep(running: Running): Promise<void> {
  const gone = async () => (await running.health())?.workers.processes === 0
  await until('the worker processes to go', gone, { forMs: 30_000, everyMs: 100 })
  await sleep(1000)
}

/** Asked from another database, so that our own queries do not count. */
export async function watch(
  ground: Ground,
  database: string,
  { running }: Pick<Subject, 'running'>,
  seconds: number,
): Promise<Verdict[]> {
  const count = async () => {
    const sql = `select (xact_commit + xact_rollback)::int as n from pg_stat_database where datname = '${database}'`
    return (await ground.ask(sql)).rows[0].n as number
  }
  const now = async () => ({
    ...running.cpu(),
    postgres: ground.postgresPid === null ? null : treeSeconds(ground.postgresPid),
    queries: await count(),
  })
  const before = await now()
  await sleep(seconds * 1000)
  const after = await now()
  const share = (name: 'coordinator' | 'workers') => ((after[name] - before[name]) / seconds) * 100
  const postgres = after.postgres === null ? null : ((after.postgres - (before.postgres ?? 0)) / seconds) * 100
  const processes = (await running.health())?.workers.processes ?? 0
  const others = descendants(running.pids[0] as number) - processes
  const hundredths = (value: number) => value.toFixed(2)
  const figure = (row: string, measured: string) => ({ row, limit: '', measured, passed: true })
  return [
    held('queries a second', (after.queries - before.queries) / seconds, 1, hundredths),
    held('coordinator and workers, % of a core', share('coordinator') + share('workers'), 1, hundredths),
    ...(postgres === null ? [] : [figure('Postgres, % of a core', postgres.toFixed(2))]),
    held('worker processes', processes, 0, String),
    figure('other processes of it', String(others)),
  ]
}

function wakeRow(steps: number, limitMs: number, times: readonly number[]): Verdict {
  const measured = median(times)
  const all = times.map((ms) => ms.toFixed(0)).join(' ')
  return held(
    `first event, ${steps} step${steps > 1 ? 's' : ''}, ms`,
    measured,
    limitMs,
    (ms) => `${ms.toFixed(0)} (${all})`,
  )
}

async function writeFive(workflowsDir: string, topic: string): Promise<void> {
  await mkdir(join(workflowsDir, 'functions'), { recursive: true })
  const names = ['one', 'two', 'three', 'four', 'five']
  const steps = names.map((name, at) => {
    const n = at === 0 ? 'event.data.n' : `steps.${names[at - 1]}.output.n`
    return `  - { id: ${name}, uses: ${name}, with: { n: '\${{ ${n} }}' } }\n`
  })
  await writeFile(join(workflowsDir, 'five.yaml'), `name: five\non: { kafka: ${topic} }\nsteps:\n${steps.join('')}`)
  const text = `import { defineFunction, z } from 'millrace'

export default defineFunction({
  input: z.object({ n: z.number() }),
  output: z.object({ n: z.number() }),
  run: ({ input }) => ({ n: input.n }),
})
`
  for (const name of names) await writeFile(join(workflowsDir, 'functions', `${name}.ts`), `${text}// ${name}\n`)
}
