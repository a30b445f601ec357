/**
 * Runs the integration suite against Kafka and Postgres in containers, for machines that have a Docker engine.
 * `npm run test:containers -- PATTERN…` runs other test files instead, chosen as `npm test` chooses.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { getContainerRuntimeClient } from 'testcontainers'
import { messageOf } from '../src/base/error.ts'
import { startKafka } from './containers/kafka.ts'
import { startPostgres } from './containers/postgres.ts'
import { optionsOf } from './options.ts'

const integration = ['/test/integration/']

/** An engine on this machine answers within milliseconds; one that says nothing for so long is none. */
const engineAnswersMsMax = 10_000

/** What a shell answers for a program that Ctrl-C has ended. */
const interruptedCode = 130

/** Answers with the exit code: the suite's own, or 0 when there is nothing to run it on. */
async function testContainers(patterns: readonly string[]): Promise<number> {
  if (!(await engineAnswers())) {
    console.log('test:containers skipped: no Docker engine answers (DOCKER_HOST names one that is elsewhere)')
    return 0
  }
  const interrupted = interruption()
  const starts = [startKafka(console.log), startPostgres(console.log)] as const
  try {
    const [kafka, postgres] = await Promise.all(starts)
    return await runTests(patterns, { KAFKA_BROKERS: kafka.broker, DATABASE_URL: postgres.url }, interrupted)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  } finally {
    await Promise.all(starts.map(stopIfStarted))
  }
}

async function engineAnswers(): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, engineAnswersMsMax, false).unref())
  const answer = getContainerRuntimeClient().then(
    () => true,
    () => false,
  )
  return Promise.race([answer, late])
}

/** The first Ctrl-C or SIGTERM ends the tests and then the containers; the second ends this process as it stands. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}

/** In a process group of their own, so that one signal reaches every process of theirs. */
async function runTests(patterns: readonly string[], env: NodeJS.ProcessEnv, interrupted: AbortSignal) {
  if (interrupted.aborted) return interruptedCode
  const program = join(import.meta.dirname, 'test.js')
  const tests = spawn(process.execPath, [program, ...patterns], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  interrupted.addEventListener('abort', () => endGroup(tests))
  const [code] = await once(tests, 'exit')
  return interrupted.aborted ? interruptedCode : (code ?? 1)
}

function endGroup(tests: ChildProcess): void {
  if (tests.pid && tests.exitCode === null) process.kill(-tests.pid, 'SIGTERM')
}

/** A start that failed has left nothing, and has been told of. */
async function stopIfStarted(start: Promise<{ stop(): Promise<unknown> }>): Promise<void> {
  const server = await start.catch(() => null)
  await server?.stop().catch((error) => console.error(`a container was not stopped: ${messageOf(error)}`))
}

const help = `npm run test:containers -- [PATTERN…]

Runs the integration suite on Kafka and Postgres in containers; with patterns, the test files whose path contains one.

  --help  this text`

const { positionals: words } = optionsOf(help, {}, true)
process.exit(await testContainers(words.length > 0 ? words : integration))
