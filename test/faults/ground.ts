/**
 * The servers under the arenas: real ones, started once for many rows. Those of ours can be killed and come back on the
 * same port with what they had made durable.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka } from '../../src/local/kafka.ts'
import { startPostgres } from '../../src/local/postgres.ts'
import { eraseServers } from '../../src/local/servers.ts'

/** A server that a row may break. */
export interface Breakable {
  pid(): number
  /** As `kill -9` does it; resolves when it is gone. */
  kill(): Promise<void>
  /** On the same port, with the same data; resolves when it answers. */
  start(): Promise<void>
}

export interface Ground {
  readonly dir: string
  readonly brokers: readonly string[]
  /** Of a superuser. */
  readonly databaseUrl: string
  /** Null: it is other people's. */
  readonly kafka: Breakable | null
  readonly postgres: Breakable | null
  /** `keepData`: the folder stays, for whoever looks into a failure. */
  stop(keepData?: boolean): Promise<void>
}

/** Servers that `KAFKA_BROKERS` and `DATABASE_URL` name are used, unless they are to be broken. */
export async function startGround(options: { own: boolean }): Promise<Ground> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-faults-'))
  await chmod(dir, 0o755) // the server's own user must be able to go through it
  const { KAFKA_BROKERS, DATABASE_URL } = options.own ? {} : process.env
  const [kafka, postgres] = await Promise.all([
    KAFKA_BROKERS ? null : ownKafka(join(dir, 'kafka')),
    DATABASE_URL ? null : ownPostgres(join(dir, 'postgres')),
  ])
  return {
    dir,
    brokers: kafka?.brokers ?? (KAFKA_BROKERS ?? '').split(','),
    databaseUrl: postgres?.url ?? DATABASE_URL ?? '',
    kafka,
    postgres,
    async stop(keepData = false) {
      await kafka?.stop()
      await postgres?.stop()
      if (keepData) return
      eraseServers(dir)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function ownKafka(dataDir: string) {
  let server = await startKafka({ dataDir })
  const { brokers } = server
  return {
    brokers,
    stop: () => server.stop(3000),
    ...breakable(
      () => server,
      async () => {
        server = await startKafka({ dataDir, port: Number(brokers[0]?.split(':')[1]) })
      },
    ),
  }
}

export async function ownPostgres(dataDir: string) {
  let server = await startPostgres({ dataDir })
  const { url } = server
  return {
    url,
    stop: () => server.stop(3000),
    ...breakable(
      () => server,
      async () => {
        server = await startPostgres({ dataDir, port: Number(new URL(url).port) })
      },
    ),
  }
}

function breakable(now: () => { pid: number; stop(): Promise<void> }, start: () => Promise<void>): Breakable {
  return {
    pid: () => now().pid,
    async kill() {
      process.kill(now().pid, 'SIGKILL')
      await now().stop()
    },
    start,
  }
}
