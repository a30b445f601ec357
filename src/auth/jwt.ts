/**
 * A signed token (RFC 7519) of an issuer. What may have signed it is pinned by the workflow; what the token says of itself (`alg`, `jku`,
 * `jwk`, `x5u`) chooses nothing but one of the issuer's keys. It must hold at the time of its event.
 */
import { decodeJwt, errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import { EngineError } from '../base/error.ts'
import type { Principal } from '../envelope/auth.ts'
import type { JwtSpec } from '../envelope/auth-spec.ts'
import { type Json, parseJson } from '../envelope/json.ts'
import { schemeValue, soleHeader } from './header.ts'
import { keysAt, keysOf } from './issuer-keys.ts'
import type { AuthRequest } from './request.ts'
import type { Secrets } from './secret.ts'
import { Verdicts, verdictsMax, verdictsMs } from './verdicts.ts'
import type { Way } from './way.ts'

export function jwtWay(id: string, spec: JwtSpec, secrets: Secrets): Way {
  const isShared = spec.algorithms.some((name) => name.startsWith('HS'))
  const keys = 'url' in spec.keys ? keysAt(spec.keys.url) : keysOf(spec.keys.secret, isShared, secrets)
  const verdicts = new Verdicts<Token | null>(verdictsMax, verdictsMs)
  return {
    id,
    authenticate(request) {
      const token = tokenIn(request, spec.header)
      if (token === null) return null
      const read = verdicts.find(
        token,
        () => judge(token, spec, keys),
        (value) => value !== null,
      )
      const atS = request.atUs / 1_000_000
      const holds = (found: Token | null) => (found !== null && isTimely(found, atS, spec) ? found.principal : null)
      return read instanceof Promise ? read.then(holds) : holds(read)
    },
  }
}

/** Whatever the time is; times in seconds since 1970. */
interface Token {
  readonly principal: Principal
  readonly notBeforeS: number
  readonly untilS: number
}

function isTimely({ notBeforeS, untilS }: Token, atS: number, { toleranceMs }: JwtSpec): boolean {
  const toleranceS = toleranceMs / 1000
  return atS < untilS + toleranceS && atS >= notBeforeS - toleranceS
}

function tokenIn(request: AuthRequest, header: string): string | null {
  const sent = soleHeader(request, header)
  const token = schemeValue(sent, 'bearer') ?? (header === 'authorization' ? null : sent)
  return token !== null && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) ? token : null
}

async function judge(token: string, spec: JwtSpec, keys: JWTVerifyGetKey): Promise<Token | null> {
  try {
    const options = optionsFor(token, spec)
    if (options === null) return null
    const { payload } = await verified(token, keys, options)
    const principal = principalOf(claimsOf(token), spec)
    if (principal === null) return null
    return { principal, notBeforeS: payload.nbf ?? Number.NEGATIVE_INFINITY, untilS: payload.exp as number }
  } catch (error) {
    // Whatever else is wrong, is wrong with the token.
    if (error instanceof EngineError) throw error
    return null
  }
}

/** As of its last second, so that the verdict does not depend on whose event it came with first. */
function optionsFor(token: string, { issuer, audience, algorithms }: JwtSpec): JWTVerifyOptions | null {
  const { exp } = decodeJwt(token)
  if (typeof exp !== 'number' || !Number.isFinite(exp) || exp < 1 || exp > secondsMax) return null
  const currentDate = new Date((exp - 1) * 1000)
  return { issuer, audience: [...audience], algorithms: [...algorithms], currentDate, requiredClaims: ['exp'] }
}

/** A day of the year 9999. */
const secondsMax = 253_402_300_000

/** A token that names none of several keys is held against each. */
async function verified(token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, keys, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      const read = await jwtVerify(token, key, options).catch(unsigned)
      if (read !== null) return read
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

function unsigned(error: unknown): null {
  if (error instanceof errors.JWSSignatureVerificationFailed) return null
  throw error
}

/** Of a token that was verified; integers beyond 2^53 stay exact. */
function claimsOf(token: string): { [name: string]: Json } {
  const text = Buffer.from(token.split('.')[1] as string, 'base64url').toString('utf8')
  return parseJson(text) as { [name: string]: Json }
}

function principalOf(claims: { [name: string]: Json }, spec: JwtSpec): Principal | null {
  const principal = at(claims, spec.principal)
  if (typeof principal !== 'string' || principal === '') return null
  return { principal, family: 'jwt', roles: rolesOf(spec.roles === null ? [] : at(claims, spec.roles)), claims }
}

/** A list, or a text with spaces between them as `scope` has it. */
function rolesOf(value: Json | undefined): string[] {
  if (typeof value === 'string') return value.split(' ').filter((role) => role !== '')
  return Array.isArray(value) ? value.filter((role) => typeof role === 'string') : []
}

function at(claims: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = claims
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined
    value = value[name]
  }
  return value
}
