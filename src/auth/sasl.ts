/**
 * What a trusted producer says in a header of a Kafka record: whom it has authenticated (by SASL, at a proxy). It is believed because
 * Kafka lets nobody else write to the topic, or because the header is signed. Never of an HTTP request, whose headers anybody writes.
 */
import type { SaslSpec } from '../envelope/auth-spec.ts'
import { soleHeader } from './header.ts'
import type { AuthRequest } from './request.ts'
import type { Secrets } from './secret.ts'
import { hexSignature, isSigned, isTimely, keysOf } from './signature.ts'
import type { Way } from './way.ts'

export function saslWay(id: string, spec: SaslSpec, secrets: Secrets): Way {
  const { header, trusted, roles } = spec
  return {
    id,
    authenticate(request) {
      const principal = request.http === null ? soleHeader(request, header) : null
      if (principal === null) return null
      const isTrusted = trusted === 'topic' || isSignedBy(request, principal, `${header}-signature`, trusted, secrets)
      return isTrusted ? { principal, family: 'sasl', roles, claims: {} } : null
    },
  }
}

/** `t=<seconds>,v1=<hex>`: the HMAC-SHA256 of `<seconds>.<principal>.` and the record's value. */
function isSignedBy(
  request: AuthRequest,
  principal: string,
  header: string,
  { secrets: names, toleranceMs }: Exclude<SaslSpec['trusted'], 'topic'>,
  secrets: Secrets,
): boolean {
  const match = /^t=(\d{1,12}),v1=(\w{64})$/.exec(soleHeader(request, header) ?? '')
  const [, seconds, signature] = match ?? []
  if (seconds === undefined || !isTimely(seconds, request, toleranceMs)) return false
  const keys = keysOf(names, secrets, (text) => Buffer.from(text, 'utf8'))
  return isSigned(keys, [`${seconds}.${principal}.`, request.body], hexSignature(signature))
}
