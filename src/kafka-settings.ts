/** The configuration's words for Kafka -> the intake's settings. */
import { readFileSync } from 'node:fs'
import { EngineError, messageOf } from './base/error.ts'
import type { Config, SettingName } from './config.ts'
import type { KafkaSettings, SaslSettings, TlsFiles } from './intake/settings.ts'

/** Throws `EngineError` `config_invalid` when brokers are missing, a file cannot be read or a login is half said. */
export function kafkaSettings(config: Config): KafkaSettings {
  const brokers = config['kafka.brokers']
  if (brokers.length === 0) throw invalid('KAFKA_BROKERS is not set: give at least one broker as host:port')
  return {
    brokers,
    groupId: config.engine,
    clientId: config['kafka.clientId'],
    tls: tlsOf(config),
    sasl: saslOf(config),
    sessionTimeoutMs: config['kafka.sessionTimeout'],
  }
}

function tlsOf(config: Config): boolean | TlsFiles {
  if (!config['kafka.tls']) return false
  const ca = pem(config, 'kafka.tlsCaFile')
  const cert = pem(config, 'kafka.tlsCertFile')
  const key = pem(config, 'kafka.tlsKeyFile')
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) }
  return Object.keys(files).length === 0 ? true : files
}

function pem(config: Config, name: SettingName & `kafka.tls${string}File`): string | null {
  const file = config[name]
  if (file === null) return null
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw invalid(`${name}: ${messageOf(cause)}`)
  }
}

function saslOf(config: Config): SaslSettings | null {
  const mechanism = config['kafka.saslMechanism']
  if (mechanism === null) return null
  const username = config['kafka.saslUsername']
  const password = config['kafka.saslPassword']
  if (username !== null && password !== null) return { mechanism, username, password }
  throw invalid('KAFKA_SASL_MECHANISM is set, so KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be too')
}

function invalid(message: string): EngineError {
  return new EngineError('config_invalid', message)
}
