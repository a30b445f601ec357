/** Where the ledger is. */
import { EngineError } from './base/error.ts'
import type { Config } from './config.ts'

/** Throws `EngineError` `config_invalid`. */
export function databaseUrlOf(config: Config): string {
  const url = config['postgres.url']
  if (url !== null) return url
  throw new EngineError(
    'config_invalid',
    'DATABASE_URL is not set: give the ledger as postgres://user:password@host:port/database',
  )
}
