/**
 * The keys that tokens are verified with: an issuer's, from its address (fetched when they are first needed, every ten minutes, and when a
 * token names one that is not known), or those of a secret. An issuer that is away is an outage; for an hour its last keys do.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  importSPKI,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
  type RemoteJWKSet,
} from 'jose'
import { EngineError, messageOf } from '../base/error.ts'
import { parsedBy, type Secret, type Secrets, secretInvalid } from './secret.ts'

export interface KeyTimes {
  /** How often its address is asked at most, for keys that are not known. */
  readonly cooldownMs: number
  readonly freshMs: number
  /** How long its last keys do while it is away. */
  readonly staleMs: number
  readonly fetchMs: number
}

const usual: KeyTimes = { cooldownMs: 5000, freshMs: 10 * 60 * 1000, staleMs: 60 * 60 * 1000, fetchMs: 5000 }

export function keysAt(url: string, times: KeyTimes = usual): JWTVerifyGetKey {
  const { cooldownMs, freshMs, staleMs, fetchMs } = times
  const set = createRemoteJWKSet(new URL(url), {
    cooldownDuration: cooldownMs,
    cacheMaxAge: freshMs,
    timeoutDuration: fetchMs,
  })
  let goodMs = Number.NEGATIVE_INFINITY
  let pause: Promise<void> | null = null
  const cooled = () => {
    pause ??= new Promise<void>((resolve) => setTimeout(resolve, cooldownMs).unref()).finally(() => (pause = null))
    return pause
  }
  const find: JWTVerifyGetKey = async (header, token) => {
    try {
      const key = await set(header, token)
      if (set.fresh) goodMs = performance.now()
      return key
    } catch (error) {
      if (isAnswer(error)) throw error
      if (performance.now() - goodMs < staleMs) return lastKnown(set, url, error)(header, token)
      throw away(url, error)
    }
  }
  return async (header, token) => {
    try {
      return await find(header, token)
    } catch (error) {
      // It may be new, and was not asked for just now because others were.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !set.coolingDown) throw error
      await cooled()
      return find(header, token)
    }
  }
}

/** What the keys say of a token; anything else says that they could not be had. */
function isAnswer(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}

function lastKnown(set: RemoteJWKSet, url: string, error: unknown): JWTVerifyGetKey {
  const known = set.jwks()
  if (known === undefined) throw away(url, error)
  const local = createLocalJWKSet(known)
  return async (header, token) => {
    try {
      return await local(header, token)
    } catch (cause) {
      throw cause instanceof errors.JWKSNoMatchingKey ? away(url, error) : cause
    }
  }
}

function away(url: string, cause: unknown): EngineError {
  const details = { service: 'issuer', address: url }
  const message = `the issuer's keys cannot be had: ${messageOf(cause)}`
  return new EngineError('issuer_away', message, { retryable: true, cause, details })
}

/** `isShared`: the secret is what signs, not a public key. */
export function keysOf(name: string, isShared: boolean, secrets: Secrets): JWTVerifyGetKey {
  const read = parsedBy(isShared ? sharedKey : publicKeys)
  return (header, token) => read(secrets.get(name))(header, token)
}

/** A public key, which anybody may know, must never be taken for a shared secret. */
function sharedKey(secret: Secret): JWTVerifyGetKey {
  const bytes = Buffer.from(secret.text, 'utf8')
  if (/-----BEGIN|^\s*\{/.test(secret.text))
    throw secretInvalid(secret, 'it holds keys, and HS256 takes a text that nobody else knows')
  if (bytes.length < 32) throw secretInvalid(secret, 'it is shorter than 32 bytes, which HS256 can be guessed by')
  return async () => bytes
}

function publicKeys(secret: Secret): JWTVerifyGetKey {
  const { text } = secret
  if (text.includes('-----BEGIN PUBLIC KEY-----')) {
    return async ({ alg }: JWSHeaderParameters) => importSPKI(text, alg as string)
  }
  try {
    return createLocalJWKSet(JSON.parse(text))
  } catch {
    throw secretInvalid(secret, 'it is neither a JWKS nor a public key in PEM')
  }
}
