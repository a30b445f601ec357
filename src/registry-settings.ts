/** The settings of the schema registry as its client takes them. */
import { tlsFiles } from './base/tls.ts'
import type { Config } from './config.ts'
import type { TransportOptions } from './registry/transport.ts'

/** Null: none is set. Throws `EngineError` `config_invalid` for files that are none. */
export function registryOptions(config: Config): TransportOptions | null {
  const url = config['registry.url']
  if (url === null) return null
  return {
    url,
    user: config['registry.user'],
    password: config['registry.password'],
    tls: tlsFiles({
      ca: ['SCHEMA_REGISTRY_TLS_CA_FILE', config['registry.tlsCaFile']],
      cert: ['SCHEMA_REGISTRY_TLS_CERT_FILE', config['registry.tlsCertFile']],
      key: ['SCHEMA_REGISTRY_TLS_KEY_FILE', config['registry.tlsKeyFile']],
    }),
    answerMsMax: config['registry.answerTimeout'],
  }
}
