/** A way of each family, from what a workflow says of it. */
import { type AuthSpec, type WaySpec, waysOf } from '../envelope/auth-spec.ts'
import { apiKeyWay } from './api-key.ts'
import { basicWay } from './basic.ts'
import { type Authenticator, functionWay } from './function.ts'
import { createGate } from './gate.ts'
import { hmacWay } from './hmac.ts'
import { jwtWay } from './jwt.ts'
import { mtlsWay } from './mtls.ts'
import { saslWay } from './sasl.ts'
import type { Secrets } from './secret.ts'
import type { Gate, Way } from './way.ts'

/** What ways need of the world. */
export interface Surroundings {
  readonly secrets: Secrets
  readonly authenticator: Authenticator
}

export function gateOf(spec: AuthSpec, around: Surroundings): Gate {
  return createGate(
    spec,
    waysOf(spec).map((way) => wayOf(way, around)),
  )
}

function wayOf(spec: WaySpec, { secrets, authenticator }: Surroundings): Way {
  switch (spec.family) {
    case 'apiKey':
      return apiKeyWay(spec.id, spec, secrets)
    case 'basic':
      return basicWay(spec.id, spec, secrets)
    case 'hmac':
      return hmacWay(spec.id, spec, secrets)
    case 'jwt':
      return jwtWay(spec.id, spec, secrets)
    case 'mtls':
      return mtlsWay(spec.id, spec)
    case 'sasl':
      return saslWay(spec.id, spec, secrets)
    case 'function':
      return functionWay(spec.id, spec, authenticator)
  }
}
