/** `millrace run`: a coordinator alone, on servers that other people run. */
import { loadConfig } from '../config.ts'
import { Engine } from '../engine.ts'
import { kafkaSettings } from '../kafka-settings.ts'
import { databaseUrlOf } from '../ledger-settings.ts'
import { publish } from '../telemetry/channels.ts'
import { loadCatalogue } from '../workflow/catalogue.ts'
import { Told } from './fail.ts'
import { logsTo } from './log.ts'
import { tellProblems } from './problems.ts'
import { serveEngineHealth } from './serve-health.ts'
import { untilInterrupted } from './signals.ts'
import { supervise } from './supervise.ts'
import { workflowsFolder } from './workflows-folder.ts'

export async function run(options: { workflows: string }): Promise<void> {
  const config = loadConfig()
  kafkaSettings(config)
  databaseUrlOf(config)
  const workflowsDir = workflowsFolder(options.workflows)
  const { problems } = await loadCatalogue(workflowsDir)
  if (problems.length > 0) throw told(problems)
  await untilInterrupted(async ({ signal, came }) => {
    using _logs = logsTo(config, process.stdout)
    await using engine = new Engine({ config, workflowsDir })
    await using health = await serveEngineHealth(config, engine)
    signal.addEventListener('abort', () => {
      publish('notice', { level: 'info', message: 'stopping: what runs is finished, nothing new is begun' })
      // What it throws is met below, where it is stopped again.
      void engine.stop().catch(() => undefined)
    })
    publish('notice', { level: 'info', message: `starting; /healthz and /readyz on port ${health.port}` })
    await engine.start()
    publish('notice', { level: 'info', message: 'started' })
    await supervise(engine, came)
    await engine.stop()
    publish('notice', { level: 'info', message: 'stopped' })
  })
}

function told(problems: Parameters<typeof tellProblems>[0]): Told {
  tellProblems(problems, process.stderr)
  return new Told()
}
