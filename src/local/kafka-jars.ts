/**
 * The jars of the local Kafka, from Maven, outside the checkout and shared by all projects of this user. The folder
 * appears whole or not at all (copied beside it, then renamed), so two processes may do it at once.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { assert } from '../base/assert.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { packageRoot } from '../base/package-root.ts'
import { lastLines } from './last-lines.ts'
import { runToEnd } from './leash.ts'

export interface Jars {
  readonly version: string
  /** Holds jars/ and what else depends on them. */
  readonly folder: string
  readonly classpath: string
}

/** Fetches the jars unless they are cached. `cacheDir` is millrace's own, by default `~/.cache/millrace`. */
export async function kafkaJars(
  cacheDir: string = defaultCacheDir(),
  onProgress: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<Jars> {
  const pom = join(packageRoot(), 'docker', 'kafka', 'pom.xml')
  const text = readFileSync(pom, 'utf8')
  const version = /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)</.exec(text)?.[1]
  assert(version, `${pom} names a version of kafka`)
  const folder = join(cacheDir, `kafka-${version}`, createHash('sha256').update(text).digest('hex').slice(0, 8))
  if (!existsSync(join(folder, 'jars'))) {
    onProgress(`fetching Kafka ${version} with Maven into ${folder} (45 MB, once)`)
    await fetchJars(pom, folder, signal)
  }
  return { version, folder, classpath: classpathOf(join(folder, 'jars')) }
}

/** Sorted, because the order is part of what Java's class archive is checked against. */
function classpathOf(folder: string): string {
  const jars = readdirSync(folder).filter((name) => name.endsWith('.jar'))
  return jars
    .sort()
    .map((name) => join(folder, name))
    .join(':')
}

async function fetchJars(pom: string, folder: string, signal?: AbortSignal): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const draft = mkdtempSync(join(folder, 'fetching-'))
  try {
    await runMaven(pom, join(draft, 'jars'), join(folder, 'maven.log'), signal)
    publish(join(draft, 'jars'), join(folder, 'jars'))
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

async function runMaven(pom: string, jars: string, logFile: string, signal?: AbortSignal): Promise<void> {
  if (!onPath('mvn')) throw mavenMissing()
  const args = [
    '-q',
    '-B',
    '-Dstyle.color=never',
    '-f',
    pom,
    'dependency:copy-dependencies',
    `-DoutputDirectory=${jars}`,
  ]
  const maven = { name: 'Maven', command: 'mvn', args, env: process.env, cwd: dirname(pom), logFile }
  try {
    await runToEnd({ ...maven, stopSignal: 'TERM', graceMs: 2000 }, signal)
  } catch (cause) {
    signal?.throwIfAborted()
    throw fetchFailed(cause, logFile)
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
function fetchFailed(cause: unknown, logFile: string): EngineError {
  const reason = lastLines(logFile).find((line) => line.includes('[ERROR]')) ?? messageOf(cause)
  return new EngineError(
    'jars_unavailable',
    `Maven could not fetch Kafka: ${reason.replace('[ERROR] ', '')} (log: ${logFile}). Set KAFKA_BROKERS to use a Kafka of your own.`,
    { cause, retryable: true, details: { log: logFile } },
  )
}

function mavenMissing(): EngineError {
  return new EngineError(
    'maven_missing',
    'There is no Maven (mvn) on the PATH to fetch Kafka with: install Maven, or set KAFKA_BROKERS to use a Kafka of your own.',
  )
}
