/** What a workflow says of who may send its events: checked, with its durations in milliseconds. */

export interface AuthSpec {
  /** Of each group one way must find somebody out; the first that does is asked no further. */
  readonly groups: readonly (readonly WaySpec[])[]
}

export function waysOf({ groups }: AuthSpec): readonly WaySpec[] {
  return groups.flat()
}

/** Secrets are named, never written: the names of their files or environment variables. */
export type WaySpec = { readonly id: string } & (
  | ApiKeySpec
  | BasicSpec
  | HmacSpec
  | JwtSpec
  | MtlsSpec
  | SaslSpec
  | FunctionSpec
)

export type Family = WaySpec['family']

export interface ApiKeySpec {
  readonly family: 'apiKey'
  /** In lower case, as all headers here. */
  readonly header: string
  /** The secret with the hashes of the keys. */
  readonly keys: string
}

export interface BasicSpec {
  readonly family: 'basic'
  /** The secret with the hashes of the passwords. */
  readonly users: string
}

export interface HmacSpec {
  readonly family: 'hmac'
  readonly scheme: HmacScheme
  /** Any of them will do, so that one can be changed for another. */
  readonly secrets: readonly string[]
  /** How far the signed time may be from the event's. */
  readonly toleranceMs: number
  /** What a signature cannot say. */
  readonly principal: string
  readonly roles: readonly string[]
}

export type HmacScheme = 'standard-webhooks' | 'github' | 'stripe' | 'slack'

export interface JwtSpec {
  readonly family: 'jwt'
  readonly header: string
  readonly issuer: string
  /** Any of them. */
  readonly audience: readonly string[]
  readonly keys: { readonly url: string } | { readonly secret: string }
  readonly algorithms: readonly string[]
  /** Path into the claims. */
  readonly principal: readonly string[]
  /** Null: it has none. */
  readonly roles: readonly string[] | null
  readonly toleranceMs: number
}

export interface MtlsSpec {
  readonly family: 'mtls'
  readonly subjects: readonly string[]
  readonly altNames: readonly string[]
  readonly fingerprints: readonly string[]
  readonly roles: readonly string[]
}

export interface SaslSpec {
  readonly family: 'sasl'
  readonly header: string
  /** `topic`: nobody but the trusted producer may write to it; else the header is signed with one of these secrets. */
  readonly trusted: 'topic' | { readonly secrets: readonly string[]; readonly toleranceMs: number }
  readonly roles: readonly string[]
}

export interface FunctionSpec {
  readonly family: 'function'
  readonly uses: string
  readonly timeoutMs: number
}

/** Headers that carry what a way looks at, besides those that always do. */
export function credentialHeadersOf(spec: AuthSpec): string[] {
  return waysOf(spec).flatMap((way) => {
    if (way.family === 'apiKey' || way.family === 'jwt') return [way.header]
    if (way.family === 'sasl') return way.trusted === 'topic' ? [] : [`${way.header}-signature`]
    return []
  })
}

/** Names of secrets; of each list one must be there. */
export function secretsOf(spec: AuthSpec): (readonly string[])[] {
  return waysOf(spec).flatMap((way): (readonly string[])[] => {
    if (way.family === 'apiKey') return [[way.keys]]
    if (way.family === 'basic') return [[way.users]]
    if (way.family === 'hmac') return [way.secrets]
    if (way.family === 'jwt') return 'secret' in way.keys ? [[way.keys.secret]] : []
    return way.family === 'sasl' && way.trusted !== 'topic' ? [way.trusted.secrets] : []
  })
}
