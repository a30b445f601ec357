/**
 * Runs the integration suite against Kafka and Postgres in containers, for machines that have a Docker engine. What
 * follows on the command line goes to `node --test`, such as `--test-name-pattern=kill`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { getContainerRuntimeClient } from 'testcontainers'
import { startKafka } from './containers/kafka.ts'
import { startPostgres } from './containers/postgres.ts'

/** An engine on this machine answers within milliseconds; one far away that says nothing for so long is none. */
const engineAnswersMsMax = 10_000

process.exit(await testContainers(process.argv.slice(2)))

/** Answers with the exit code: the suite's own, or 0 when there is nothing to run it on. */
async function testContainers(options: readonly string[]): Promise<number> {
  if (!(await engineAnswers())) {
    console.log('test:containers skipped: no Docker engine answers (DOCKER_HOST names one that is elsewhere).')
    return 0
  }
  const interrupted = interruption()
  const starts = [startKafka(console.log), startPostgres(console.log)] as const
  try {
    const [kafka, postgres] = await Promise.all(starts)
    if (interrupted.aborted) return interruptedCode
    return await runSuite(options, { KAFKA_BROKERS: kafka.broker, DATABASE_URL: postgres.url }, interrupted)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  } finally {
    await Promise.allSettled(starts.map((start) => start.then((container) => container.stop())))
  }
}

/** What a shell answers for a program that Ctrl-C has ended. */
const interruptedCode = 130

/** The first Ctrl-C or SIGTERM ends the suite and then the containers; the second ends this process as it stands. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}

async function engineAnswers(): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, engineAnswersMsMax, false).unref())
  const answer = getContainerRuntimeClient().then(
    () => true,
    () => false,
  )
  return Promise.race([answer, late])
}

async function runSuite(options: readonly string[], env: NodeJS.ProcessEnv, interrupted: AbortSignal): Promise<number> {
  const suite = spawn(process.execPath, ['--enable-source-maps', '--test', ...options, ...testFiles()], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  interrupted.addEventListener('abort', () => suite.kill('SIGTERM'))
  const [code] = await once(suite, 'exit')
  return interrupted.aborted ? interruptedCode : (code ?? 1)
}

/** Throws when there are none, for `node --test` without files would run whatever it finds. */
function testFiles(): string[] {
  const folder = new URL('../test/integration/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.js'))
  if (files.length === 0) throw new Error(`there is no test in ${folder.pathname}: run npm run build first`)
  return files.sort().map((name) => new URL(name, folder).pathname)
}
