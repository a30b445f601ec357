/** Kafka and Postgres together, and a schema registry where one is asked for, in one folder: what `millrace dev`, the demo and the tests start. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type LocalKafka, startKafka } from './kafka.ts'
import { once } from './once.ts'
import { type LocalPostgres, startPostgres } from './postgres.ts'
import { erasePostgres } from './postgres-home.ts'
import { type LocalRegistry, startRegistry } from './registry.ts'

export interface ServersOptions {
  /** Holds `kafka/`, `postgres/` and `registry/`. */
  readonly dir: string
  readonly kafka?: boolean | undefined
  readonly postgres?: boolean | undefined
  /** Only where it is true: it takes seconds to start, and few want one. */
  readonly registry?: boolean | undefined
  /** Without them, free ones. */
  readonly kafkaPort?: number | undefined
  readonly postgresPort?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((line: string) => void) | undefined
}

export interface LocalServers extends AsyncDisposable {
  /** Null when it was not asked for. */
  readonly kafkaBrokers: string[] | null
  readonly databaseUrl: string | null
  readonly registryUrl: string | null
  readonly pids: readonly number[]
  /** Kafka first, so that what still arrives can be written; each is killed when its time is over. */
  stop(): Promise<void>
}

/** Together 10 s, then all are killed: longer than that nobody waits for a terminal. The registry stops beside Kafka. */
const kafkaGraceMs = 6000
const postgresGraceMs = 4000

/** Starts those that are asked for in parallel. When one fails, the others are stopped before this throws. */
export async function startServers(options: ServersOptions): Promise<LocalServers> {
  const giveUp = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, giveUp.signal]) : giveUp.signal
  const common = { signal, onProgress: options.onProgress }
  const starts = [
    options.kafka === false ? null : startKafka({ dataDir: kafkaDir(options.dir), port: options.kafkaPort, ...common }),
    options.postgres === false
      ? null
      : startPostgres({ dataDir: postgresDir(options.dir), port: options.postgresPort, ...common }),
    options.registry === true ? startRegistry({ dataDir: registryDir(options.dir), ...common }) : null,
  ] as const
  try {
    const [kafka, postgres, registry] = await Promise.all(starts)
    for (const note of postgres?.notes ?? []) options.onProgress?.(note)
    return allOf(kafka, postgres, registry)
  } catch (error) {
    giveUp.abort(error)
    await Promise.all(starts.map((start) => start?.then((server) => server.stop()).catch(() => {})))
    throw error
  }
}

/** Removes the data of all servers, which must not run. */
export function eraseServers(dir: string): void {
  erasePostgres(postgresDir(dir))
  rmSync(kafkaDir(dir), { recursive: true, force: true })
  rmSync(registryDir(dir), { recursive: true, force: true })
}

function allOf(kafka: LocalKafka | null, postgres: LocalPostgres | null, registry: LocalRegistry | null): LocalServers {
  const stop = once(async () => {
    await Promise.all([kafka?.stop(kafkaGraceMs), registry?.stop()])
    await postgres?.stop(postgresGraceMs)
  })
  return {
    kafkaBrokers: kafka?.brokers ?? null,
    databaseUrl: postgres?.url ?? null,
    registryUrl: registry?.url ?? null,
    pids: [kafka, postgres, registry].flatMap((server) => server?.pid ?? []),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const kafkaDir = (dir: string) => join(dir, 'kafka')
const registryDir = (dir: string) => join(dir, 'registry')
const postgresDir = (dir: string) => join(dir, 'postgres')
