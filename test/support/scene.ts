/** One engine's world for a test: a ledger, a folder of workflows, and coordinators at work on them. */
import assert from 'node:assert/strict'
import { until } from '../../src/base/poll.ts'
import { type RunningCoordinator, runCoordinator } from './coordinator.ts'
import { freshProject } from './project.ts'
import { freshLedger, servers, type TestLedger, unique } from './servers.ts'

export interface Scene {
  /** The workflows folder. */
  readonly dir: string
  readonly ledger: TestLedger
  readonly engine: string
  /** `env` goes over that of the scene. */
  start(env?: Readonly<Record<string, string>>): RunningCoordinator
  /** Waits until the SQL's first column is true in its first row; says what the coordinators logged if it never is. */
  until(what: string, sql: string, forMs?: number): Promise<void>
  /** Waits until so many transactions have ended, of one workflow or of all. */
  ended(count: number, options?: { workflow?: string; forMs?: number }): Promise<void>
  /** Waits until every one of these topics' partitions has an owner. */
  opened(lanes: number, forMs?: number): Promise<void>
}

/** `files`: path below the workflows folder -> text. */
export async function freshScene(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const { brokers } = await servers()
  const ledger = await freshLedger()
  const dir = await freshProject(files)
  const engine = unique('engine')
  const common = {
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: ledger.databaseUrl,
    MILLRACE_ENGINE: engine,
    ...env,
  }
  const started: RunningCoordinator[] = []
  const gone = new Set<RunningCoordinator>()
  const scene: Scene = {
    dir,
    ledger,
    engine,
    start(more = {}) {
      const coordinator = runCoordinator(dir, { ...common, ...more })
      started.push(coordinator)
      void coordinator.exited.then(() => gone.add(coordinator))
      return coordinator
    },
    async until(what, sql, forMs = 30_000) {
      const holds = async () => {
        if (started.length > 0 && started.every((each) => gone.has(each)))
          throw new Error(`no coordinator lives to see ${what}`)
        return Object.values((await ledger.query(sql))[0] ?? {})[0] === true
      }
      try {
        await until(what, holds, { forMs, everyMs: 50 })
      } catch (error) {
        const logs = started.map((each, at) => `coordinator ${at}:\n${each.logs().slice(-4000)}`)
        throw new Error(`${(error as Error).message}\n${logs.join('\n')}`)
      }
    },
    ended(count, { workflow, forMs } = {}) {
      const of = workflow === undefined ? '' : `and workflow = '${workflow}'`
      const sql = `select count(*) >= ${count} from millrace.transactions where ended_at is not null ${of}`
      return scene.until(`${count} transactions ${of} to end`, sql, forMs)
    },
    opened(lanes, forMs) {
      return scene.until(
        `${lanes} lanes`,
        `select count(*) >= ${lanes} from millrace.lanes where owner is not null`,
        forMs,
      )
    },
  }
  return scene
}

/** Stops it as a supervisor does, and holds it to ending well. Answers with how long it took, in milliseconds. */
export async function terminate(coordinator: RunningCoordinator): Promise<number> {
  const from = performance.now()
  coordinator.signal('SIGTERM')
  assert.deepEqual(await coordinator.exited, { code: 0, signal: null }, coordinator.logs())
  return performance.now() - from
}

/** As `kill -9` does it. */
export async function kill(coordinator: RunningCoordinator): Promise<void> {
  coordinator.signal('SIGKILL')
  await coordinator.exited
}
