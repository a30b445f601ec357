/** The configuration's words for Kafka -> the intake's settings. */
import { EngineError } from './base/error.ts'
import { type TlsFiles, tlsFiles } from './base/tls.ts'
import type { Config } from './config.ts'
import type { KafkaSettings, Login } from './intake/settings.ts'
import { Tokens } from './intake/tokens.ts'

/** Throws `EngineError` `config_invalid` when brokers are missing, a file cannot be read or a login is half said. */
export function kafkaSettings(config: Config): KafkaSettings {
  const brokers = config['kafka.brokers']
  if (brokers.length === 0) throw invalid('KAFKA_BROKERS is not set: give at least one broker as host:port')
  return {
    brokers,
    groupId: config.engine,
    clientId: config['kafka.clientId'],
    tls: tlsOf(config),
    sasl: loginOf(config),
    sessionTimeoutMs: config['kafka.sessionTimeout'],
  }
}

function tlsOf(config: Config): boolean | TlsFiles {
  if (!config['kafka.tls']) return false
  const { 'kafka.tlsCertFile': certFile, 'kafka.tlsKeyFile': keyFile } = config
  const files = tlsFiles({
    ca: ['KAFKA_TLS_CA_FILE', config['kafka.tlsCaFile']],
    cert: ['KAFKA_TLS_CERT_FILE', certFile],
    key: ['KAFKA_TLS_KEY_FILE', keyFile],
  })
  return Object.keys(files).length === 0 ? true : files
}

function loginOf(config: Config): Login | null {
  const mechanism = config['kafka.saslMechanism']
  if (mechanism === null) return null
  if (mechanism === 'oauthbearer') return { mechanism, tokens: tokensOf(config) }
  const username = config['kafka.saslUsername']
  const password = config['kafka.saslPassword']
  if (username !== null && password !== null) return { mechanism, username, password }
  throw invalid('KAFKA_SASL_MECHANISM is set, so KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be too')
}

function tokensOf(config: Config): Tokens {
  const url = config['kafka.oauth.tokenUrl']
  const clientId = config['kafka.oauth.clientId']
  const clientSecret = config['kafka.oauth.clientSecret']
  if (url === null || clientId === null || clientSecret === null) {
    const needed = 'KAFKA_OAUTH_TOKEN_URL, KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET'
    throw invalid(`KAFKA_SASL_MECHANISM is oauthbearer, so ${needed} must be set too`)
  }
  const tls = tlsFiles({ ca: ['KAFKA_OAUTH_TLS_CA_FILE', config['kafka.oauth.tlsCaFile']] })
  return new Tokens({ url: checkedUrl(url), clientId, clientSecret, scope: config['kafka.oauth.scope'], tls })
}

/** A URL is told in errors, so it has no password in it. */
function checkedUrl(url: string): string {
  const { protocol, username, password } = URL.canParse(url)
    ? new URL(url)
    : { protocol: '', username: '', password: '' }
  if (/^https?:$/.test(protocol) && username + password === '') return url
  throw invalid('KAFKA_OAUTH_TOKEN_URL: expected https://host/path, without a user or password in it')
}

function invalid(message: string): EngineError {
  return new EngineError('config_invalid', message)
}
