/** Everything the demo runs on, started in order and taken down in reverse; half a stage is taken down too. */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert } from '../src/base/assert.ts'
import { packageRoot } from '../src/base/package-root.ts'
import { loadConfig } from '../src/config.ts'
import { Engine, migrationsDir } from '../src/engine.ts'
import { migrate } from '../src/ledger/migrate.ts'
import { eraseServers, startServers } from '../src/local/servers.ts'
import { avroBy } from './avro.ts'
import type { DemoOptions } from './options.ts'
import { type Provider, startProvider } from './provider/spawn.ts'
import { ensureTopics } from './publish.ts'
import { locations, teardowns } from './viewers.ts'
import type { ToAvro } from './world/requests.ts'
import { type DemoWorld, makeWorld, writeSecrets, writeWorld } from './world/world.ts'

export const topic = 'video.requests'

export interface Stage {
  readonly brokers: readonly string[]
  readonly databaseUrl: string
  readonly world: DemoWorld
  readonly provider: Provider
  readonly engine: Engine
  /** Where the engine's HTTP door is. */
  readonly doorUrl: string
  readonly avro: ToAvro
  /** The payment provider's own book. */
  readonly bookFile: string
}

/** What is set up is pushed on `teardown`, to be undone from its end. */
export async function setStage(
  options: DemoOptions,
  teardown: (() => Promise<unknown>)[],
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-demo-'))
  // The server's own user must be able to go through it.
  await chmod(dir, 0o755)
  teardown.push(() => rm(dir, { recursive: true, force: true }))
  const { brokers, databaseUrl, registryUrl, own } = await servers(join(dir, 'servers'), teardown, signal, say)
  const run = own ? options.seed : `${options.seed}-${Date.now().toString(36)}`
  const world = await makeWorld({ seed: options.seed, run, events: options.events })
  const bookFile = join(dir, 'provider-book.jsonl')
  const provider = await startProvider({ book: bookFile })
  teardown.push(() => provider.stop())
  await provider.controlAds({ mode: 'down', countries: [...world.adsDownIn] })
  await provider.control({ mode: 'lose-connection', share: 0.03, seed: options.seed })
  const worldFile = join(dir, 'world.json')
  await writeWorld(world, worldFile)
  const secretsDir = join(dir, 'secrets')
  await writeSecrets(world, secretsDir)
  say('migrating the ledger')
  await migrate(databaseUrl, migrationsDir())
  await ensureTopics(brokers, [topic, locations, teardowns, 'video.receipts', 'video.failures'])
  say('starting the coordinator')
  const { url, adsUrl, sessionsUrl } = provider
  Object.assign(process.env, {
    DEMO_WORLD: worldFile,
    PROVIDER_URL: url,
    ADS_URL: adsUrl,
    SESSIONS_URL: sessionsUrl,
  })
  const engine = new Engine({
    config: demoConfig({ brokers, databaseUrl, registryUrl }, secretsDir),
    workflowsDir: await shortFilms(join(dir, 'workflows')),
  })
  teardown.push(() => engine.stop())
  await engine.start()
  const doorUrl = `http://127.0.0.1:${engine.doorPort}`
  const avro = await avroBy(registryUrl, `${topic}-value`)
  return { brokers, databaseUrl, world, provider, engine, doorUrl, avro, bookFile }
}

/** The workflow as it is, but that nobody is waited for as long as for a film. */
async function shortFilms(dir: string): Promise<string> {
  const own = join(packageRoot(), 'workflows')
  const text = await readFile(join(own, 'video-stream.yaml'), 'utf8')
  const short = text.replace('timeout: 4h', 'timeout: 15s')
  assert(short !== text, 'the film is waited for four hours')
  await mkdir(dir)
  await writeFile(join(dir, 'video-stream.yaml'), short)
  await symlink(join(own, 'functions'), join(dir, 'functions'))
  return dir
}

async function servers(
  dir: string,
  teardown: (() => Promise<unknown>)[],
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Servers & { own: boolean }> {
  const { KAFKA_BROKERS, DATABASE_URL, SCHEMA_REGISTRY_URL } = process.env
  if (KAFKA_BROKERS && DATABASE_URL) say(`using Kafka at ${KAFKA_BROKERS} and the Postgres of DATABASE_URL`)
  const wanted = { kafka: !KAFKA_BROKERS, postgres: !DATABASE_URL, registry: !SCHEMA_REGISTRY_URL }
  const started = [wanted.kafka && 'Kafka', wanted.postgres && 'Postgres', wanted.registry && 'a schema registry']
  say(`starting ${started.filter((name) => name !== false).join(', ') || 'nothing'}`)
  const local = await startServers({ dir, ...wanted, signal, onProgress: say })
  teardown.push(async () => {
    await local.stop()
    eraseServers(dir)
  })
  const brokers = KAFKA_BROKERS?.split(',') ?? local.kafkaBrokers ?? []
  const databaseUrl = DATABASE_URL ?? local.databaseUrl ?? ''
  const registryUrl = SCHEMA_REGISTRY_URL ?? local.registryUrl ?? ''
  return { brokers, databaseUrl, registryUrl, own: !KAFKA_BROKERS && !DATABASE_URL }
}

interface Servers {
  readonly brokers: readonly string[]
  readonly databaseUrl: string
  readonly registryUrl: string
}

function demoConfig({ brokers, databaseUrl, registryUrl }: Servers, secretsDir: string) {
  return loadConfig({
    ...process.env,
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: databaseUrl,
    SCHEMA_REGISTRY_URL: registryUrl,
    MILLRACE_ENGINE: process.env.MILLRACE_ENGINE || 'demo',
    MILLRACE_SEAL_KEY: process.env.MILLRACE_SEAL_KEY || randomBytes(32).toString('hex'),
    MILLRACE_SECRETS_DIR: secretsDir,
    MILLRACE_DOOR_HOST: process.env.MILLRACE_DOOR_HOST || '127.0.0.1',
    MILLRACE_DOOR_PORT: process.env.MILLRACE_DOOR_PORT || '0',
    MILLRACE_FUNCTIONS_ENV: 'DEMO_WORLD,PROVIDER_URL,ADS_URL,SESSIONS_URL',
    MILLRACE_DRAIN_TIMEOUT: process.env.MILLRACE_DRAIN_TIMEOUT || '3s',
  })
}
