/** Signs what viewers' browsers would carry: JWTs by ES256, with keys made for this run alone. */
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Plan } from '../../workflows/video/world.ts'

export type TokenKind = 'good' | 'expired' | 'forged'

export interface Tokens {
  /** What the engine verifies with: a JWKS. */
  readonly jwks: string
  /** The value of an `authorization` header; signed once for each viewer and kind. */
  bearer(viewer: string, plan: Plan, kind: TokenKind): Promise<string>
}

/** `now` is when the requests are made: good tokens hold for a day from then. */
export async function makeTokens(now: Date): Promise<Tokens> {
  const [ours, somebodyElses] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')])
  const publicKey: JWK = { ...(await exportJWK(ours.publicKey)), alg: 'ES256' }
  const signed = new Map<string, Promise<string>>()
  const bearer = (viewer: string, plan: Plan, kind: TokenKind) => {
    const key = kind === 'forged' ? somebodyElses.privateKey : ours.privateKey
    const issuedAt = now.getTime() / 1000 - (kind === 'expired' ? 2 * daySeconds : 0)
    return sign(key, viewer, plan, Math.floor(issuedAt))
  }
  return {
    jwks: JSON.stringify({ keys: [publicKey] }),
    bearer: (viewer, plan, kind) => remember(signed, `${kind}:${viewer}`, () => bearer(viewer, plan, kind)),
  }
}

const issuer = 'https://accounts.example'
const audience = 'video'
const daySeconds = 24 * 60 * 60

type SigningKey = Parameters<SignJWT['sign']>[0]

async function sign(key: SigningKey, viewer: string, plan: Plan, issuedAt: number): Promise<string> {
  const token = new SignJWT({ plan })
    .setProtectedHeader({ alg: 'ES256' })
    .setSubject(viewer)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + daySeconds)
  return `Bearer ${await token.sign(key)}`
}

function remember<T>(memory: Map<string, T>, key: string, make: () => T): T {
  const known = memory.get(key)
  if (known !== undefined) return known
  const made = make()
  memory.set(key, made)
  return made
}
