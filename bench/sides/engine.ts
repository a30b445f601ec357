/** The engine as a side: `millrace run` as users run it, all of it on, its log in a file. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../../src/base/package-root.ts'
import { migrationsDir } from '../../src/engine.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { freePorts } from '../../src/local/free-ports.ts'
import { writeProject } from '../project.ts'
import { Running } from '../running.ts'
import type { Setting, Side } from '../side.ts'

const frames = fileURLToPath(new URL('../frames.js', import.meta.url))
const main = join(packageRoot(), 'dist/src/cli/main.js')

export const engine: Side = {
  name: 'engine',
  prepare: (databaseUrl) => migrate(databaseUrl, migrationsDir()).then(() => undefined),
  async start(setting) {
    const workflowsDir = join(setting.dir, 'workflows')
    await rm(workflowsDir, { recursive: true, force: true })
    await writeProject(workflowsDir, setting.topic, setting.shape)
    await setting.files?.(workflowsDir)
    const ports = await freePorts(setting.shape.coordinators)
    return new Running(ports.map((port) => programOf(setting, workflowsDir, port)))
  },
  sql: () => ({
    admitted: 'select coalesce(sum(next_offset), 0)::int as n from millrace_data.lane_progress',
    commits: 'select count(*)::int as n from millrace_data.commit',
    endedCount: `select count(*)::int as n from millrace_data.ending where transaction_id >= ${idFrom}`,
    ended: `
      select t.produced_at, t.fetched_at, c.returned_at as ended_at
      from millrace_data.transaction t
      join millrace_data.ending e on e.transaction_id = t.id
      join millrace_data.commit c on c.id = e.commit_id
      where t.id >= ${idFrom}`,
  }),
}

/** Ids begin with the time of their record. */
const idFrom = "rpad(lpad(to_hex($1::int8), 12, '0'), 32, '0')::uuid"

function programOf(
  { dir, brokers, databaseUrl, topic, profileDir, engine: name = topic, env }: Setting,
  workflowsDir: string,
  port: number,
) {
  const profile = profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`]
  return {
    args: [...profile, '--import', frames, main, 'run', '--workflows', workflowsDir],
    env: {
      KAFKA_BROKERS: brokers.join(','),
      DATABASE_URL: databaseUrl,
      MILLRACE_ENGINE: name,
      MILLRACE_HTTP_HOST: '127.0.0.1',
      MILLRACE_HTTP_PORT: String(port),
      ...env,
    },
    logFile: join(dir, 'engine.log'),
    port,
  }
}
