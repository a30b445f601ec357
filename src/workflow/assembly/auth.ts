/** Who may send a workflow's events, as its plan holds it. */
import { assert } from '../../base/assert.ts'
import type { AuthSpec, JwtSpec, WaySpec } from '../../envelope/auth-spec.ts'
import { defaults } from '../limits.ts'
import type { AuthFile, WayFile } from '../model/auth.ts'
import { ms } from './fields.ts'

export function authSpec(file: AuthFile): AuthSpec | null {
  if (file === undefined) return null
  if (Array.isArray(file)) return { groups: [file.map(way)] }
  if ('any' in file) return { groups: [file.any.map(way)] }
  return { groups: file.all.map((each) => (Array.isArray(each) ? each.map(way) : [way(each)])) }
}

function way(file: WayFile): WaySpec {
  const made = familyOf(file)
  return { id: file.id ?? made.family, ...made } as WaySpec
}

type WithoutId<Spec> = Spec extends WaySpec ? Omit<Spec, 'id'> : never

function familyOf({ id, apiKey, basic, hmac, jwt, mtls, sasl, function: uses }: WayFile): WithoutId<WaySpec> {
  if (apiKey) return { family: 'apiKey', header: apiKey.header.toLowerCase(), keys: apiKey.keys }
  if (basic) return { family: 'basic', users: basic.users }
  if (hmac) {
    const { scheme, principal = id ?? 'hmac', roles } = hmac
    return { family: 'hmac', scheme, secrets: listOf(hmac.secret), toleranceMs: ms(hmac.tolerance), principal, roles }
  }
  if (jwt) return jwtSpec(jwt)
  if (mtls) {
    const { subjects = [], altNames = [], fingerprints = [], roles } = mtls
    return { family: 'mtls', subjects, altNames, fingerprints: fingerprints.map(plainHex), roles }
  }
  if (sasl) return saslSpec(sasl)
  assert(uses, 'a way is of one family')
  if (typeof uses === 'string') return { family: 'function', uses, timeoutMs: ms(defaults.authenticatorTimeout) }
  return { family: 'function', uses: uses.uses, timeoutMs: ms(uses.timeout) }
}

function jwtSpec(jwt: NonNullable<WayFile['jwt']>): Omit<JwtSpec, 'id'> {
  const { issuer, audience, jwks, keys, algorithms, header, principal, roles, tolerance } = jwt
  return {
    family: 'jwt',
    header: header.toLowerCase(),
    issuer,
    audience: listOf(audience),
    keys: jwks === undefined ? { secret: keys as string } : { url: jwks },
    algorithms,
    principal: claimPath(principal),
    roles: roles === undefined ? null : claimPath(roles),
    toleranceMs: ms(tolerance),
  }
}

function saslSpec({ header, trusted, roles }: NonNullable<WayFile['sasl']>): WithoutId<WaySpec> {
  const believed =
    trusted === 'topic' ? trusted : { secrets: listOf(trusted.secret), toleranceMs: ms(trusted.tolerance) }
  return { family: 'sasl', header: header.toLowerCase(), trusted: believed, roles }
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value
}

/** `claims.a.b` -> a, b. */
function claimPath(path: string): string[] {
  return path.split('.').slice(1)
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase()
}
