/** `millrace dev`: everything on one machine, and what is saved is run at once. */
import type { Config } from '../config.ts'
import { Engine, migrationsDir } from '../engine.ts'
import { migrate } from '../ledger/migrate.ts'
import { databaseUrlOf } from '../ledger-settings.ts'
import { publish } from '../telemetry/channels.ts'
import { loadCatalogue } from '../workflow/catalogue.ts'
import type { Plan } from '../workflow/plan.ts'
import { claimDevFolder, type DevFile, devFolder, writeDevFile } from './dev-folder.ts'
import { configFor, type DevPorts, devConfig, startDevServers } from './dev-servers.ts'
import { tellFunctionProblems } from './function-problems.ts'
import { formatOf, logsTo } from './log.ts'
import { patiently } from './patiently.ts'
import { readyMessage } from './ready-message.ts'
import { serveEngineHealth } from './serve-health.ts'
import { type Interruption, untilInterrupted } from './signals.ts'
import { supervise } from './supervise.ts'
import { createTopics } from './topics.ts'
import { watch } from './watch.ts'
import { workflowsFolder } from './workflows-folder.ts'

export interface DevOptions extends DevPorts {
  readonly workflows: string
  readonly json?: boolean
}

export async function dev(options: DevOptions): Promise<void> {
  const named = devConfig()
  const workflowsDir = workflowsFolder(options.workflows)
  await untilInterrupted(async (interruption) => {
    using _logs = logsTo(named, options.json ? process.stderr : process.stdout)
    interruption.signal.addEventListener('abort', () => say('stopping: what runs is finished, nothing new is begun'))
    using _claimed = await claimed()
    say(`starting; data is kept in ${devFolder}/`)
    await using servers = await startDevServers(named, options, interruption.signal, say)
    await serve(configFor(named, servers), workflowsDir, options, interruption)
  })
}

async function serve(config: Config, workflowsDir: string, options: DevOptions, interruption: Interruption) {
  const { signal, came } = interruption
  const files = await patiently(config, signal, () => migrate(databaseUrlOf(config), migrationsDir()))
  if (files.length > 0) say(`the ledger was brought up to date: ${files.join(', ')}`)
  await patiently(config, signal, () => makeTopics(config, workflowsDir))
  await using engine = new Engine({ config, workflowsDir, lenient: true })
  await using health = await serveEngineHealth(config, engine)
  signal.addEventListener('abort', () => void engine.stop().catch(() => undefined))
  await engine.start()
  signal.throwIfAborted()
  const file = devFile(config, `http://${config['http.host']}:${health.port}`)
  using _written = writeDevFile(file)
  tellReady(file, engine.plans, config, options)
  await tellFunctionProblems(workflowsDir, engine.plans)
  const watching = watch(workflowsDir, signal, (paths) => reload(engine, config, workflowsDir, paths))
  await Promise.race([supervise(engine, came), watching])
}

async function reload(engine: Engine, config: Config, workflowsDir: string, paths: readonly string[]): Promise<void> {
  say(`changed: ${paths.join(', ')}`)
  try {
    await makeTopics(config, workflowsDir)
    await engine.reload()
    await tellFunctionProblems(workflowsDir, engine.plans)
  } catch (error) {
    const message = `the changed files could not be taken over: ${error instanceof Error ? error.message : error}`
    publish('notice', { level: 'error', message })
  }
}

/** Before the engine is told of the workflows, so that it finds what they name. */
async function makeTopics(config: Config, workflowsDir: string): Promise<void> {
  const { plans } = await loadCatalogue(workflowsDir)
  const made = await createTopics(config, plans)
  if (made.length > 0) say(`topics made: ${made.join(', ')}`)
}

async function claimed(): Promise<Disposable> {
  const claim = await claimDevFolder()
  return { [Symbol.dispose]: () => claim.release() }
}

function devFile(config: Config, httpUrl: string): DevFile {
  const kafkaBrokers = config['kafka.brokers'].join(',')
  const registryUrl = config['registry.url']
  return { kafkaBrokers, databaseUrl: databaseUrlOf(config), registryUrl, pid: process.pid, httpUrl }
}

function tellReady(file: DevFile, plans: readonly Plan[], config: Config, { json }: DevOptions): void {
  if (json) process.stdout.write(`${JSON.stringify(file)}\n`)
  else if (formatOf(config, process.stdout) === 'text') process.stdout.write(readyMessage(file, plans))
  else say('ready')
}

function say(message: string): void {
  publish('notice', { level: 'info', message })
}
