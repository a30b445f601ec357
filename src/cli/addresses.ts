/** Which Kafka and which ledger a command speaks to: those of the settings, else those of the `dev` that runs here. */
import { EngineError } from '../base/error.ts'
import { type Config, loadConfig } from '../config.ts'
import { readDevFile } from './dev-folder.ts'

export function kafkaConfig(): Config {
  const config = loadConfig()
  if (config['kafka.brokers'].length > 0) return config
  const dev = readDevFile()
  if (dev === null) throw nowhere('Kafka', 'KAFKA_BROKERS')
  return { ...config, 'kafka.brokers': dev.kafkaBrokers.split(','), 'kafka.tls': false, 'kafka.saslMechanism': null }
}

export function databaseUrl(): string {
  const url = loadConfig()['postgres.url'] ?? readDevFile()?.databaseUrl
  if (url === undefined) throw nowhere('Postgres', 'DATABASE_URL')
  return url
}

function nowhere(server: string, variable: string): EngineError {
  const message = `which ${server}? ${variable} is not set, and no \`millrace dev\` runs in this folder`
  return new EngineError('config_invalid', message)
}
