/** `.millrace/` of the current folder: the data that `dev` keeps between runs, and where its servers are just now. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../base/error.ts'
import { type Claim, claim } from '../local/claim.ts'
import { isAlive } from '../local/life.ts'

export const devFolder = '.millrace'

/** What `dev.json` says. Programs may read it; names are only ever added. */
export interface DevFile {
  /** As `KAFKA_BROKERS` takes it: host:port, several separated by commas. */
  readonly kafkaBrokers: string
  readonly databaseUrl: string
  /** Null: there is no schema registry. */
  readonly registryUrl: string | null
  readonly pid: number
  /** Where `/healthz` and `/readyz` are. */
  readonly httpUrl: string
}

/** One `dev` a folder. Throws `EngineError` `already_running`. */
export async function claimDevFolder(): Promise<Claim> {
  mkdirSync(devFolder, { recursive: true })
  writeFileSync(join(devFolder, '.gitignore'), '*\n')
  try {
    return await claim(devFolder)
  } catch (cause) {
    if (!(cause instanceof EngineError) || cause.code !== 'data_dir_in_use') throw cause
    const message = `millrace dev runs in this folder already: ${cause.message}`
    throw new EngineError('already_running', message, { cause })
  }
}

/** Seals credentials in the ledger; made once, since what it has sealed is opened by no other. */
export function sealKey(): string {
  const file = join(devFolder, 'seal.key')
  if (!existsSync(file)) put(file, `${randomBytes(32).toString('base64url')}\n`)
  return readFileSync(file, 'utf8').trim()
}

/** The database's password is in it, so it is for the owner's eyes. */
export function writeDevFile(content: DevFile): Disposable {
  put(devFile, `${JSON.stringify(content, null, 2)}\n`)
  return { [Symbol.dispose]: () => rmSync(devFile, { force: true }) }
}

/** Null when no `dev` runs in this folder; one that was killed has left its file. */
export function readDevFile(): DevFile | null {
  try {
    const content = JSON.parse(readFileSync(devFile, 'utf8')) as DevFile
    return isAlive(content.pid) ? content : null
  } catch {
    return null
  }
}

const devFile = join(devFolder, 'dev.json')

/** Whoever looks sees the whole file or none. */
function put(file: string, text: string): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, file)
}
