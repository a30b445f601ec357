/**
 * Webhooks: a signature over the event, in the form of whoever sends it.
 * Sources: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md,
 * https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries, https://docs.stripe.com/webhooks#verify-manually,
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 */

import type { HmacScheme, HmacSpec } from '../envelope/auth-spec.ts'
import type { Json } from '../envelope/json.ts'
import { soleHeader } from './header.ts'
import type { AuthRequest } from './request.ts'
import type { Secrets } from './secret.ts'
import { base64Signature, hexSignature, isSigned, isTimely, keysOf } from './signature.ts'
import type { Way } from './way.ts'

export function hmacWay(id: string, spec: HmacSpec, secrets: Secrets): Way {
  const { read, keyOf } = schemes[spec.scheme]
  const { principal, roles, toleranceMs } = spec
  return {
    id,
    authenticate(request) {
      const said = read(request)
      if (said === null || said.signatures.length === 0) return null
      if (said.seconds !== null && !isTimely(said.seconds, request, toleranceMs)) return null
      const keys = keysOf(spec.secrets, secrets, keyOf)
      if (!isSigned(keys, said.signed, said.signatures)) return null
      return { principal, family: 'hmac', roles, claims: said.claims }
    },
  }
}

interface Said {
  readonly signed: readonly (string | Buffer)[]
  readonly signatures: readonly Buffer[]
  /** Null: the form signs no time. */
  readonly seconds: string | null
  readonly claims: Readonly<Record<string, Json>>
}

interface Scheme {
  /** Null: it carries no signature of this form. */
  read(request: AuthRequest): Said | null
  keyOf(text: string): Buffer
}

const plainKey = (text: string) => Buffer.from(text, 'utf8')

const schemes: Readonly<Record<HmacScheme, Scheme>> = {
  'standard-webhooks': { read: standardWebhooks, keyOf: standardKey },
  github: { read: github, keyOf: plainKey },
  stripe: { read: stripe, keyOf: plainKey },
  slack: { read: slack, keyOf: plainKey },
}

function standardWebhooks(request: AuthRequest): Said | null {
  const [id, seconds] = [soleHeader(request, 'webhook-id'), soleHeader(request, 'webhook-timestamp')]
  const header = soleHeader(request, 'webhook-signature')
  if (id === null || seconds === null || header === null) return null
  const signatures = several(header.split(' '), /^v1,(.+)$/).flatMap(base64Signature)
  return { signed: [`${id}.${seconds}.`, request.body], signatures, seconds, claims: { id } }
}

/** `whsec_` and base64. */
function standardKey(text: string): Buffer {
  return text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : plainKey(text)
}

function github(request: AuthRequest): Said | null {
  const header = soleHeader(request, 'x-hub-signature-256')
  if (header === null) return null
  const signatures = several([header], /^sha256=(.+)$/).flatMap(hexSignature)
  const [event, delivery] = [soleHeader(request, 'x-github-event'), soleHeader(request, 'x-github-delivery')]
  return { signed: [request.body], signatures, seconds: null, claims: { event, id: delivery } }
}

function stripe(request: AuthRequest): Said | null {
  const header = soleHeader(request, 'stripe-signature')
  if (header === null) return null
  const parts = header.split(',')
  const [seconds, second] = several(parts, /^t=(.+)$/)
  if (seconds === undefined || second !== undefined) return null
  const signatures = several(parts, /^v1=(.+)$/).flatMap(hexSignature)
  return { signed: [`${seconds}.`, request.body], signatures, seconds, claims: {} }
}

function slack(request: AuthRequest): Said | null {
  const [seconds, header] = [soleHeader(request, 'x-slack-request-timestamp'), soleHeader(request, 'x-slack-signature')]
  if (seconds === null || header === null) return null
  const signatures = several([header], /^v0=(.+)$/).flatMap(hexSignature)
  return { signed: [`v0:${seconds}:`, request.body], signatures, seconds, claims: {} }
}

/** A sender has two or three at a time, while it changes its secret. */
function several(parts: readonly string[], form: RegExp): string[] {
  return parts.slice(0, 10).flatMap((part) => form.exec(part.replace(/^ +| +$/g, ''))?.[1] ?? [])
}
