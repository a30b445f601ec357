/** A real Kafka for one machine: KRaft in one process, on a leash, its data kept between runs. */
import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf } from '../base/error.ts'
import { kafkaAnswers } from './ask.ts'
import { type Claim, claim, inUse } from './claim.ts'
import { type ClassArchive, classArchive } from './class-archive.ts'
import { findJava } from './java.ts'
import { kafkaJars } from './kafka-jars.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { launch, type StartOptions } from './launch.ts'
import { type Program, runToEnd } from './leash.ts'
import { once } from './once.ts'

export interface KafkaOptions extends StartOptions {
  /** Where jars are kept; by default $XDG_CACHE_HOME/millrace or ~/.cache/millrace. */
  readonly cacheDir?: string | undefined
}

export interface LocalKafka extends AsyncDisposable {
  readonly brokers: string[]
  readonly pid: number
  /** Resolves when the server has ended, asked to or not. */
  readonly exited: Promise<number>
  stop(graceMs?: number): Promise<void>
}

/** A clean stop takes 0.3 s; with much unflushed data more. Data survives a kill, the next start is just slower. */
const graceMs = 8000

/**
 * Resolves when the broker answers. Throws `java_missing`, `java_too_old`, `maven_missing`, `data_dir_in_use`,
 * `port_in_use` or `local_start_failed`.
 */
export async function startKafka(options: KafkaOptions): Promise<LocalKafka> {
  const dataDir = resolve(options.dataDir)
  const java = await findJava()
  const jars = await kafkaJars(options.cacheDir, options.onProgress, options.signal)
  const claimed = await claim(dataDir, options.signal)
  try {
    const archive = classArchive(jars.folder, java.version, dataDir)
    const jvm = { command: java.command, classpath: jars.classpath, dataDir }
    await format(jvm, options.signal)
    return await serve(options, jvm, claimed, archive)
  } catch (error) {
    claimed.release()
    throw messageOf(error).includes('Failed to acquire lock on file') ? inUse(dataDir, 'another Kafka') : error
  }
}

interface Jvm {
  readonly command: string
  readonly classpath: string
  readonly dataDir: string
}

/** Formats the storage once; it appears formatted or not at all. */
async function format(jvm: Jvm, signal: AbortSignal | undefined): Promise<void> {
  if (existsSync(logsDir(jvm.dataDir))) return
  const draft = join(jvm.dataDir, 'formatting')
  rmSync(draft, { recursive: true, force: true })
  const settings = join(jvm.dataDir, 'format.properties')
  // The ports are not kept in the storage; the tool only wants to read some.
  writeFileSync(settings, kafkaSettings(draft, 1, 2))
  const args = ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', settings]
  await runToEnd(javaProgram(jvm, 'format', ['-XX:TieredStopAtLevel=1'], args), signal)
  renameSync(draft, logsDir(jvm.dataDir))
}

/** Sixteen bytes as Kafka writes them; the first bit is zero, so that no id begins with the dash of an option. */
export function newClusterId(bytes = randomBytes(16)): string {
  bytes[0]! &= 0x7f
  return bytes.toString('base64url')
}

async function serve(options: KafkaOptions, jvm: Jvm, claimed: Claim, archive: ClassArchive): Promise<LocalKafka> {
  const settings = join(jvm.dataDir, 'server.properties')
  const program = ([port = 0, controllerPort = 0]: number[]) => {
    writeFileSync(settings, kafkaSettings(logsDir(jvm.dataDir), port, controllerPort))
    return javaProgram(jvm, 'Kafka', ['-Xmx512m', ...archive.flags], ['kafka.Kafka', settings])
  }
  const { server, ports } = await launch(options, 2, program, ([port = 0]) => kafkaAnswers(port), claimed.runs)
  const stop = once(async (graceMs?: number) => {
    await server.stop(graceMs)
    archive.keep()
    claimed.release()
  })
  return {
    brokers: [`127.0.0.1:${ports[0]}`],
    pid: server.pid,
    exited: server.exited,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

/** One processor's collector, no files in /tmp, no window system; warnings only, because a quiet log stays small. */
const jvmFlags = [
  '-XX:+UseSerialGC',
  '-XX:-UsePerfData',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
  '-Dorg.apache.logging.log4j.level=WARN',
]

function javaProgram(jvm: Jvm, name: string, flags: string[], args: string[]): Program {
  return {
    name,
    command: jvm.command,
    args: [...jvmFlags, ...flags, '-cp', jvm.classpath, ...args],
    env: process.env,
    cwd: jvm.dataDir,
    logFile: join(jvm.dataDir, `${name.toLowerCase()}.log`),
    stopSignal: 'TERM',
    graceMs,
  }
}

const logsDir = (dataDir: string) => join(dataDir, 'logs')
