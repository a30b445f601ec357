/** Signatures by HMAC-SHA256 over the bytes of an event, and the time that they hold. */
import { createHmac } from 'node:crypto'
import type { AuthRequest } from './request.ts'
import type { Secrets } from './secret.ts'
import { sameBytes } from './stored.ts'

/** True when one of the signatures was made with one of the secrets; all are looked at, so that time tells nothing. */
export function isSigned(
  keys: readonly Buffer[],
  signed: readonly (string | Buffer)[],
  signatures: readonly Buffer[],
): boolean {
  let found = false
  for (const key of keys) {
    const hmac = createHmac('sha256', key)
    for (const part of signed) hmac.update(part)
    const own = hmac.digest()
    for (const signature of signatures) found = sameBytes(own, signature) || found
  }
  return found
}

/** Any of them will do. One that is missing while others are there is being changed for another. */
export function keysOf(names: readonly string[], secrets: Secrets, keyOf: (text: string) => Buffer): Buffer[] {
  const found: Buffer[] = []
  let missing: unknown
  for (const name of names) {
    try {
      found.push(keyOf(secrets.get(name).text))
    } catch (error) {
      missing = error
    }
  }
  if (found.length === 0) throw missing
  return found
}

/** Seconds since 1970 in digits, no further from the event than the clocks of both may be. */
export function isTimely(seconds: string, { atUs }: AuthRequest, toleranceMs: number): boolean {
  return /^\d{1,12}$/.test(seconds) && Math.abs(Number(seconds) * 1000 - atUs / 1000) <= toleranceMs
}

export function hexSignature(text: string | undefined): Buffer[] {
  return text !== undefined && /^[0-9a-fA-F]{64}$/.test(text) ? [Buffer.from(text, 'hex')] : []
}

export function base64Signature(text: string | undefined): Buffer[] {
  return text !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(text) ? [Buffer.from(text, 'base64')] : []
}
