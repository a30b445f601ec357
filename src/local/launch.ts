/** From a spawned program to a server that answers, or to an error that quotes it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { checkFree, freePorts } from './free-ports.ts'
import { lastLines } from './last-lines.ts'
import { type Leashed, leash, type Program, startFailed } from './leash.ts'

/** What startKafka and startPostgres take in common. */
export interface StartOptions {
  /** Made when missing, kept between runs. */
  readonly dataDir: string
  /** Without it, a free one. */
  readonly port?: number | undefined
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal | undefined
  /** One line for a person, when something takes long. */
  readonly onProgress?: ((line: string) => void) | undefined
}

/** A cold JVM on a machine that does ten other things needs 20 s; recovery of a large log after a power cut needs more. */
const answersWithinMs = 120_000
const askEveryMs = 25
/** Somebody was faster than the server at the port it was told; three times in a row is not chance any more. */
const portTriesMax = 3

/**
 * Starts the program that `programFor` makes of free ports, as many as `count`, the first one being `port` if given.
 * Resolves with the ports when `answers` says so; when it throws, nothing runs any more.
 */
export async function launch(
  options: StartOptions,
  count: number,
  programFor: (ports: number[]) => Program,
  answers: (ports: number[]) => Promise<boolean>,
  onPid: (pid: number) => void,
): Promise<{ server: Leashed; ports: number[] }> {
  for (let attempt = 1; ; attempt++) {
    const ports = await choosePorts(options, count, programFor)
    const program = programFor(ports)
    const server = await leash(program)
    onPid(server.pid)
    try {
      await untilAnswers(program, server, () => answers(ports), options.signal)
      return { server, ports }
    } catch (error) {
      await server.stop()
      if (attempt === portTriesMax || !lostItsPort(program)) throw error
    }
  }
}

async function choosePorts(options: StartOptions, count: number, programFor: (ports: number[]) => Program) {
  if (options.port === undefined) return freePorts(count)
  const ports = [options.port, ...(await freePorts(count - 1))]
  await checkFree(options.port, programFor(ports).name)
  return ports
}

async function untilAnswers(
  program: Program,
  server: Leashed,
  answers: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let code: number | undefined
  void server.exited.then((exitCode) => {
    code = exitCode
  })
  const endsAt = performance.now() + answersWithinMs
  while (!(await answers())) {
    signal?.throwIfAborted()
    if (code !== undefined) throw startFailed(program, `ended with code ${code} while starting`)
    if (performance.now() > endsAt) throw startFailed(program, `did not answer within ${answersWithinMs / 1000} s`)
    await sleep(askEveryMs)
  }
}

function lostItsPort(program: Program): boolean {
  return lastLines(program.logFile).some((line) => /address already in use/i.test(line))
}
