import type { Json } from './json.ts'

/** Who was authenticated, by one way or several. */
export interface Auth extends Principal {
  /** All of them, by the id that `auth` in the workflow file gives each way; the first that held is the one above. */
  readonly by: Readonly<Record<string, Principal>>
}

export interface Principal {
  /** Whom the credential stands for: a user, a key's name, a certificate's subject. */
  readonly principal: string
  /** The family: `apiKey`, `basic`, `hmac`, `jwt`, `mtls`, `sasl`, `function`. */
  readonly family: string
  readonly roles: readonly string[]
  /** Whatever else the credential says of it. Numbers beyond 2^53 as bigint. */
  readonly claims: Readonly<Record<string, Json>>
}
