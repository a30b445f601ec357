/** The settings of the schema registry as its client takes them. */
import type { Config } from './config.ts'
import type { TransportOptions } from './registry/transport.ts'

/** Null: none is set. */
export function registryOptions(config: Config): TransportOptions | null {
  const url = config['registry.url']
  if (url === null) return null
  return {
    url,
    user: config['registry.user'],
    password: config['registry.password'],
    tlsCaFile: config['registry.tlsCaFile'],
    tlsCertFile: config['registry.tlsCertFile'],
    tlsKeyFile: config['registry.tlsKeyFile'],
    answerMsMax: config['registry.answerTimeout'],
  }
}
