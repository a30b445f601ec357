/** The jars of the local Kafka, from Maven. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fetched } from './maven.ts'

export interface Jars {
  readonly version: string
  /** Holds jars/ and what else depends on them. */
  readonly folder: string
  readonly classpath: string
}

/** Fetches the jars unless they are cached. */
export async function kafkaJars(
  cacheDir?: string,
  onProgress?: (line: string) => void,
  signal?: AbortSignal,
): Promise<Jars> {
  const kafka = {
    name: 'Kafka',
    home: 'kafka',
    artifact: /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)</,
    goal: 'dependency:copy-dependencies',
    folder: 'jars',
    size: '45 MB',
    instead: 'KAFKA_BROKERS to use a Kafka of your own',
  }
  const { version, home, folder } = await fetched(kafka, cacheDir, onProgress, signal)
  return { version, folder: home, classpath: classpathOf(folder) }
}

/** Sorted, because the order is part of what Java's class archive is checked against. */
function classpathOf(folder: string): string {
  const jars = readdirSync(folder).filter((name) => name.endsWith('.jar'))
  return jars
    .sort()
    .map((name) => join(folder, name))
    .join(':')
}
