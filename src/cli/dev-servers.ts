/** The servers of `dev`: those that the settings name, and embedded ones for the rest. */
import { type Config, loadConfig } from '../config.ts'
import { type LocalServers, startServers } from '../local/servers.ts'
import { devFolder, sealKey } from './dev-folder.ts'

export interface DevPorts {
  readonly kafkaPort?: number
  readonly postgresPort?: number
  /** Also start a schema registry, unless the settings name one. */
  readonly registry?: boolean
}

/** On one machine nobody else is to ask how we are, and a port that is fixed is in the way of a second project. */
export function devConfig(): Config {
  return loadConfig(process.env, undefined, { 'http.host': '127.0.0.1', 'http.port': 0 })
}

export function startDevServers(
  config: Config,
  ports: DevPorts,
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<LocalServers> {
  const kafka = config['kafka.brokers'].length === 0
  const postgres = config['postgres.url'] === null
  const registry = ports.registry === true && config['registry.url'] === null
  return startServers({ dir: devFolder, signal, onProgress, ...ports, kafka, postgres, registry })
}

/** How the engine reaches them. Ours speak neither TLS nor SASL. */
export function configFor(config: Config, servers: LocalServers): Config {
  const ours = { 'kafka.brokers': servers.kafkaBrokers ?? [], 'kafka.tls': false, 'kafka.saslMechanism': null }
  return {
    ...config,
    ...(servers.kafkaBrokers && ours),
    'postgres.url': servers.databaseUrl ?? config['postgres.url'],
    'registry.url': servers.registryUrl ?? config['registry.url'],
    sealKey: config.sealKey ?? sealKey(),
  }
}
