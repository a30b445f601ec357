/** `millrace hash-key` and `hash-password`: a line of a secret that `auth` knows somebody by, made of what nobody then needs to keep. */
import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { hashKey, hashPassword } from '../auth/stored.ts'
import { usage } from './fail.ts'
import { print } from './print.ts'

export interface HashOptions {
  readonly roles?: string
  readonly generate?: boolean
}

/** With `generate` the new key goes to standard error, so that the line alone can be added to a file. */
export async function hashKeyLine(name: string, { roles, generate = false }: HashOptions): Promise<void> {
  const key = generate ? `mk_${randomBytes(32).toString('base64url')}` : await given('key')
  if (generate) process.stderr.write(`${key}\n`)
  print(lineOf(name, hashKey(key), roles))
}

export async function hashPasswordLine(name: string, { roles }: HashOptions): Promise<void> {
  print(lineOf(name, await hashPassword(await given('password')), roles))
}

/** Never an argument, which others on the machine and the shell's history would have. */
async function given(what: string): Promise<string> {
  const [line = ''] = (await text(process.stdin)).split(/\r?\n/)
  if (line !== '') return line
  throw usage(`give the ${what} on standard input, such as: printf %s "$SECRET" | millrace hash-${what} NAME`)
}

function lineOf(name: string, hash: string, roles: string | undefined): string {
  if (!/^[^\s:#][^\s:]*$/.test(name))
    throw usage(`"${name}" is no name: without spaces and colons, and not begun with #`)
  if (roles !== undefined && !/^[^\s,]+(?:,[^\s,]+)*$/.test(roles))
    throw usage(`"${roles}" are no roles: write reader,writer`)
  return [name, hash, ...(roles === undefined ? [] : [roles])].join(' ')
}
