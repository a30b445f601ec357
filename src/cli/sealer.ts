/** The seal key of the engine whose ledger is looked at: from the settings, or from the `dev` that runs in this folder. */
import { loadConfig } from '../config.ts'
import { createSealer, type Sealer } from '../envelope/seal.ts'
import { readDevFile, sealKey } from './dev-folder.ts'

/** Null: there is none. */
export function findSealer(): Sealer | null {
  const key = loadConfig().sealKey ?? (readDevFile() === null ? null : sealKey())
  return key === null ? null : createSealer(key)
}
