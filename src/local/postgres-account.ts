/** Whom the local Postgres runs as: ourselves, or somebody without privileges when we are root, as which it refuses to run. */
import { spawnSync } from 'node:child_process'
import { EngineError } from '../base/error.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Accounts made for a Postgres, then the one that every system has. */
const names = ['postgres', '_postgres', 'nobody']

/** Undefined is ourselves. Throws `postgres_account_missing` when we are root and nobody else is there. */
export function accountForServer(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of names) {
    const [uid, gid] = [idOf('-u', name), idOf('-g', name)]
    if (uid !== null && gid !== null) return { name, uid, gid }
  }
  throw new EngineError(
    'postgres_account_missing',
    `Postgres does not run as root and there is no user ${names.join(' or ')} to run it as: make one, or set DATABASE_URL to use a Postgres of your own.`,
  )
}

/** Whether the account may execute a program, or go through a folder; asked of the system itself. */
export function mayExecute(account: Account | undefined, path: string): boolean {
  const { uid, gid } = account ?? {}
  const asked = spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { cwd: '/', env: {}, uid, gid })
  return asked.status === 0
}

function idOf(flag: '-u' | '-g', name: string): number | null {
  const id = spawnSync('id', [flag, name], { encoding: 'utf8' })
  return id.status === 0 ? Number.parseInt(id.stdout, 10) : null
}
