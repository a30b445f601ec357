/**
 * The folder where Postgres keeps its data, its password beside it: the asked one, or, when we are root and the
 * server's account cannot go there (below /root, say), one of its own that a link in the asked folder points at.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../base/error.ts'
import { type Account, mayExecute } from './postgres-account.ts'

export interface Home {
  readonly folder: string
  /** The cluster; there once initdb is through. */
  readonly data: string
  readonly passwordFile: string
  readonly account: Account | undefined
}

/** Not in a cache or a temp folder: systems empty those. */
const elsewhere = '/var/lib/millrace'

/** The home of `dataDir`, made when missing; says in `notes` when it is somewhere else. */
export function postgresHome(dataDir: string, account: Account | undefined, notes: string[]): Home {
  const folder = account ? folderFor(dataDir, account, notes) : dataDir
  const data = join(folder, 'data')
  return { folder, data, passwordFile: join(folder, 'password'), account: ownerOf(data, account) }
}

/** The password for good, chosen at first; readable by its owner alone. */
export function passwordOf(home: Home): string {
  if (!existsSync(home.passwordFile)) {
    if (existsSync(home.data)) throw passwordMissing(home)
    writeFileSync(home.passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 })
    give(home, home.passwordFile)
  }
  return readFileSync(home.passwordFile, 'utf8')
}

/** Makes a file or folder the server's account's own. */
export function give(home: Home, path: string): void {
  if (home.account) chownSync(path, home.account.uid, home.account.gid)
}

/** Removes the data of `dataDir`, wherever it lies. The server must not run. */
export function erasePostgres(dataDir: string): void {
  const link = linkIn(dataDir)
  if (existsSync(link)) rmSync(realpathSync(link), { recursive: true, force: true })
  rmSync(dataDir, { recursive: true, force: true })
}

function folderFor(dataDir: string, account: Account, notes: string[]): string {
  const link = linkIn(dataDir)
  if (!existsSync(link)) {
    if (existsSync(join(dataDir, 'data')) || mayExecute(account, dataDir)) return dataDir
    rmSync(link, { force: true })
    symlinkSync(folderElsewhere(dataDir, account), link)
  }
  const folder = realpathSync(link)
  notes.push(`Postgres keeps its data in ${folder}: it runs as the user ${account.name}, who cannot go to ${dataDir}`)
  return folder
}

/** Named for the asked folder, and never taken twice: whoever removes the asked folder begins anew. */
function folderElsewhere(dataDir: string, account: Account): string {
  mkdirSync(elsewhere, { recursive: true })
  chmodSync(elsewhere, 0o755)
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  const folder = mkdtempSync(join(elsewhere, `postgres-${hash}-`))
  chownSync(folder, account.uid, account.gid)
  return folder
}

/** Data that another account has made, in a run without root's rights, goes on under that account. */
function ownerOf(data: string, account: Account | undefined): Account | undefined {
  if (!account || !existsSync(data)) return account
  const { uid, gid } = statSync(data)
  return uid === 0 || uid === account.uid ? account : { name: `with id ${uid}`, uid, gid }
}

function passwordMissing(home: Home): EngineError {
  return new EngineError(
    'password_missing',
    `The password of the local Postgres is gone: there is data in ${home.data}, but no ${home.passwordFile}. Restore the file, or remove ${home.folder} to begin anew.`,
  )
}

const linkIn = (dataDir: string) => join(dataDir, 'elsewhere')
