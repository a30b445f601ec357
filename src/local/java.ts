/** The Java that local servers run on: JAVA_HOME's, else the one on the PATH, and new enough. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { EngineError } from '../base/error.ts'

/** Kafka 4 brokers need it: https://kafka.apache.org/documentation/#java */
const javaMin = 17

const insteadOfKafka = 'KAFKA_BROKERS to use a Kafka of your own'

export interface Java {
  /** The program to run. */
  readonly command: string
  /** What `java -version` says: tells one build of Java from another. */
  readonly version: string
}

/** Throws `java_missing` or `java_too_old`, each saying what to do. `name`: who needs it; `instead`: what to set to do without. */
export async function findJava(name = 'Kafka', instead = insteadOfKafka): Promise<Java> {
  const home = process.env.JAVA_HOME
  const command = home ? join(home, 'bin', 'java') : 'java'
  const version = await versionOf(command)
  if (version === null) throw missing(home, instead)
  const major = majorOf(version)
  if (major < javaMin) {
    const message = `Java ${major} (${command}) is too old for ${name}: install Java ${javaMin} or newer, point JAVA_HOME at one, or set ${instead}.`
    throw new EngineError('java_too_old', message, { details: { command, major } })
  }
  return { command, version }
}

/** `1.8.0_402` is Java 8, `17.0.15` and `24-ea` are 17 and 24. */
export function majorOf(version: string): number {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(version) ?? []
  return Number(first === '1' ? second : first)
}

/** Null when there is no Java behind the command; macOS has a `java` that only says where to get one. */
function versionOf(command: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, ['-version'], { timeout: 20_000 }, (error, _, stderr) => {
      resolve(error || Number.isNaN(majorOf(stderr)) ? null : stderr)
    })
  })
}

function missing(home: string | undefined, instead: string): EngineError {
  const where = home ? `JAVA_HOME is ${home}, but there is no Java in it` : 'There is no Java on the PATH'
  return new EngineError(
    'java_missing',
    `${where}: install Java ${javaMin} or newer, set JAVA_HOME to it, or set ${instead}.`,
  )
}
