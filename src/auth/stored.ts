/**
 * Keys and passwords as they are stored: a line each, `name sha256:… role,role`, of which nobody can make the key again. SHA-256 is for
 * keys of chance, which nobody can guess; scrypt for what people think of.
 */
import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { parsedBy, type Secret, secretInvalid } from './secret.ts'

export interface Stored {
  readonly name: string
  readonly hash: FastHash | SlowHash
  readonly roles: readonly string[]
}

export interface FastHash {
  readonly kind: 'sha256'
  readonly digest: Buffer
}

export interface SlowHash {
  readonly kind: 'scrypt'
  readonly cost: Cost
  readonly salt: Buffer
  readonly digest: Buffer
}

type Cost = Readonly<Required<Pick<ScryptOptions, 'N' | 'r' | 'p'>>>

/** Throws `secret_invalid` with the number of the line that cannot be read. */
export const storedIn = parsedBy((secret: Secret): readonly Stored[] => {
  const lines = secret.text.split(/\r?\n/)
  const stored = lines.flatMap((line, at) => lineOf(secret, line, at + 1) ?? [])
  if (stored.length > linesMax)
    throw secretInvalid(secret, `it has ${stored.length} lines, at most ${linesMax} are read`)
  return stored
})

function lineOf(secret: Secret, line: string, number: number): Stored | null {
  if (/^\s*(?:#|$)/.test(line)) return null
  const [name, hash, roles = '', ...rest] = line.trim().split(/\s+/)
  const read = hashOf(hash ?? '')
  if (!name || read === null || rest.length > 0 || name.includes(':')) {
    throw secretInvalid(secret, `line ${number} is not “name sha256:… role,role” or “name scrypt:… role,role”`)
  }
  return { name, hash: read, roles: roles.split(',').filter((role) => role !== '') }
}

function hashOf(text: string): Stored['hash'] | null {
  const fast = /^sha256:([0-9a-fA-F]{64})$/.exec(text)
  if (fast) return { kind: 'sha256', digest: Buffer.from(fast[1] as string, 'hex') }
  const slow = /^scrypt:(\d{1,7}):(\d{1,2}):(\d{1,2}):([\w-]{16,}):([\w-]{43})$/.exec(text)
  if (!slow) return null
  const [N, r, p] = slow.slice(1, 4).map(Number) as [number, number, number]
  if (N < 2 || N > costMax || (N & (N - 1)) !== 0 || r < 1 || r > 16 || p < 1 || p > 16) return null
  const [salt, digest] = slow.slice(4).map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
  return { kind: 'scrypt', cost: { N, r, p }, salt, digest }
}

export function sha256(key: string): Buffer {
  return createHash('sha256').update(key, 'utf8').digest()
}

export function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export async function isOf(password: string, { cost, salt, digest }: SlowHash): Promise<boolean> {
  return sameBytes(await derive(password, salt, cost), digest)
}

/** As it takes as long, whoever asks cannot tell which names there are. */
export const nobodys: SlowHash = {
  kind: 'scrypt',
  cost: { N: 32_768, r: 8, p: 3 },
  salt: randomBytes(16),
  digest: randomBytes(32),
}

/** The line's second word for a key of chance. */
export function hashKey(key: string): string {
  return `sha256:${sha256(key).toString('hex')}`
}

/** The line's second word for a password. */
export async function hashPassword(password: string): Promise<string> {
  const { N, r, p } = nobodys.cost
  const salt = randomBytes(16)
  const digest = await derive(password, salt, { N, r, p })
  return `scrypt:${N}:${r}:${p}:${salt.toString('base64url')}:${digest.toString('base64url')}`
}

/** In Unicode's composed form: keyboards differ in how they write é. */
function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  return run(password.normalize('NFC'), salt, 32, { ...cost, maxmem: 256 * 1024 * 1024 })
}

const run = promisify(scrypt) as (
  password: string,
  salt: Buffer,
  length: number,
  options: ScryptOptions,
) => Promise<Buffer>

/** Each is compared with each key that comes. */
const linesMax = 10_000
const costMax = 2 ** 17
