/** A real schema registry for one machine (Apicurio, by Confluent's API), on a leash, its schemas kept between runs. */
import { join, resolve } from 'node:path'
import { claim } from './claim.ts'
import { findJava } from './java.ts'
import { launch, type StartOptions } from './launch.ts'
import type { Program } from './leash.ts'
import { fetched } from './maven.ts'
import { once } from './once.ts'

export interface RegistryOptions extends StartOptions {
  /** Where it is kept that is fetched; by default $XDG_CACHE_HOME/millrace or ~/.cache/millrace. */
  readonly cacheDir?: string | undefined
}

export interface LocalRegistry extends AsyncDisposable {
  /** Where Confluent's API begins. */
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, asked to or not. */
  readonly exited: Promise<number>
  stop(graceMs?: number): Promise<void>
}

const instead = 'SCHEMA_REGISTRY_URL to use a registry of your own'

const apicurio = {
  name: 'the schema registry',
  home: 'registry',
  artifact: /<artifactId>apicurio-registry-app<\/artifactId>\s*<version>([^<]+)</,
  goal: 'dependency:unpack-dependencies',
  folder: 'app',
  size: '145 MB',
  instead,
}

/** Its database is written at every change: a stop takes a second, and a kill loses nothing. */
const graceMs = 4000

/**
 * Resolves when it answers. Throws `java_missing`, `java_too_old`, `maven_missing`, `data_dir_in_use`, `port_in_use` or
 * `local_start_failed`.
 */
export async function startRegistry(options: RegistryOptions): Promise<LocalRegistry> {
  const dataDir = resolve(options.dataDir)
  const java = await findJava('the schema registry', instead)
  const { version, folder } = await fetched(apicurio, options.cacheDir, options.onProgress, options.signal)
  const jar = join(folder, `apicurio-registry-app-${version}-runner.jar`)
  const claimed = await claim(dataDir, options.signal)
  try {
    const program = ([port = 0]: number[]) => registryProgram(java.command, jar, dataDir, port)
    const { server, ports } = await launch(options, 1, program, ([port = 0]) => answers(port), claimed.runs)
    const stop = once(async (ms?: number) => {
      await server.stop(ms)
      claimed.release()
    })
    const url = urlOf(ports[0] as number)
    return { url, pid: server.pid, exited: server.exited, stop, [Symbol.asyncDispose]: () => stop() }
  } catch (error) {
    claimed.release()
    throw error
  }
}

function registryProgram(command: string, jar: string, dataDir: string, port: number): Program {
  const settings = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': port,
    'quarkus.datasource.jdbc.url': `jdbc:h2:file:${join(dataDir, 'registry')}`,
    'quarkus.datasource.jdbc.initial-size': 2,
    'quarkus.datasource.jdbc.min-size': 2,
    'quarkus.datasource.jdbc.max-size': 20,
    'quarkus.log.level': 'WARN',
    // Each request would be a line.
    'quarkus.log.category."io.apicurio.common.apps.logging.audit".level': 'OFF',
    'quarkus.banner.enabled': false,
  }
  return {
    name: 'Schema registry',
    command,
    args: [...jvmFlags, ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`), '-jar', jar],
    env: process.env,
    cwd: dataDir,
    logFile: join(dataDir, 'registry.log'),
    stopSignal: 'TERM',
    graceMs,
  }
}

/** It serves a few schemas to a few clients: quick to start and small is all it need be (200 MB resident, measured). */
const jvmFlags = [
  '-Xmx192m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-XX:+ExitOnOutOfMemoryError',
  '-Djava.awt.headless=true',
]

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`
}

/** A server that listens and does not answer this long is asked anew, in milliseconds. */
const answerWithinMs = 1000

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`${urlOf(port)}/subjects`, { signal: AbortSignal.timeout(answerWithinMs) })
    return response.ok && Array.isArray(await response.json())
  } catch {
    return false
  }
}
