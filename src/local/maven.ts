/**
 * What local servers run from, fetched by Maven, outside the checkout and shared by all projects of this user. The folder appears whole
 * or not at all (made beside it, then renamed), so two processes may do it at once.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { assert } from '../base/assert.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { packageRoot } from '../base/package-root.ts'
import { lastLines } from './last-lines.ts'
import { runToEnd } from './leash.ts'

export interface Wanted {
  /** As people call it: "Kafka". */
  readonly name: string
  /** Folder below `docker/` with the pom. */
  readonly home: string
  /** The artifact whose version is that of the whole. */
  readonly artifact: RegExp
  /** Of Maven's dependency plugin: fills the folder that its `outputDirectory` names. */
  readonly goal: string
  /** How the folder is called that it fills. */
  readonly folder: string
  /** "45 MB" */
  readonly size: string
  /** What to set where it cannot be had: "KAFKA_BROKERS to use a Kafka of your own". */
  readonly instead: string
}

export interface Fetched {
  readonly version: string
  /** Holds the folder that was asked for, and what else depends on it. */
  readonly home: string
  readonly folder: string
}

/** Fetches it unless it is cached. `cacheDir` is millrace's own, by default `~/.cache/millrace`. */
export async function fetched(
  wanted: Wanted,
  cacheDir: string = defaultCacheDir(),
  onProgress: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<Fetched> {
  const pom = join(packageRoot(), 'docker', wanted.home, 'pom.xml')
  const text = readFileSync(pom, 'utf8')
  const version = wanted.artifact.exec(text)?.[1]
  assert(version, `${pom} names a version of ${wanted.name}`)
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8)
  const home = join(cacheDir, `${wanted.home}-${version}`, hash)
  const folder = join(home, wanted.folder)
  if (!existsSync(folder)) {
    onProgress(`fetching ${wanted.name} ${version} with Maven into ${home} (${wanted.size}, once)`)
    await fetchInto(wanted, pom, home, signal)
  }
  return { version, home, folder }
}

async function fetchInto(wanted: Wanted, pom: string, home: string, signal?: AbortSignal): Promise<void> {
  mkdirSync(home, { recursive: true })
  const draft = mkdtempSync(join(home, 'fetching-'))
  try {
    await runMaven(wanted, pom, join(draft, wanted.folder), join(home, 'maven.log'), signal)
    publish(join(draft, wanted.folder), join(home, wanted.folder))
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

async function runMaven(
  wanted: Wanted,
  pom: string,
  folder: string,
  logFile: string,
  signal?: AbortSignal,
): Promise<void> {
  if (!onPath('mvn')) throw mavenMissing(wanted)
  // What it has unpacked once it notes beside the pom otherwise, and does not unpack again.
  const places = [`-DoutputDirectory=${folder}`, `-DmarkersDirectory=${folder}.markers`]
  const args = ['-q', '-B', '-Dstyle.color=never', '-f', pom, wanted.goal, ...places]
  const maven = { name: 'Maven', command: 'mvn', args, env: process.env, cwd: dirname(pom), logFile }
  try {
    await runToEnd({ ...maven, stopSignal: 'TERM', graceMs: 2000 }, signal)
  } catch (cause) {
    signal?.throwIfAborted()
    throw fetchFailed(wanted, cause, logFile)
  }
}

/** Renames the folder into place; somebody who was faster has made the same one. */
function publish(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}

function onPath(command: string): boolean {
  const folders = (process.env.PATH ?? '').split(':').filter((folder) => folder !== '')
  return folders.some((folder) => existsSync(join(folder, command)))
}

function defaultCacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace')
}

/** Maven's first complaint is its reason; the rest is advice about Maven. */
function fetchFailed({ name, instead }: Wanted, cause: unknown, logFile: string): EngineError {
  const reason = lastLines(logFile).find((line) => line.includes('[ERROR]')) ?? messageOf(cause)
  return new EngineError(
    'jars_unavailable',
    `Maven could not fetch ${name}: ${reason.replace('[ERROR] ', '')} (log: ${logFile}). Set ${instead}.`,
    { cause, retryable: true, details: { log: logFile } },
  )
}

function mavenMissing({ name, instead }: Wanted): EngineError {
  const message = `There is no Maven (mvn) on the PATH to fetch ${name} with: install Maven, or set ${instead}.`
  return new EngineError('maven_missing', message)
}
