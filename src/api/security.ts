/** The ways to authenticate in OpenAPI's words. Source: https://spec.openapis.org/oas/v3.1.1#security-scheme-object */
import type { AuthSpec, HmacScheme, WaySpec } from '../envelope/auth-spec.ts'
import { waysOf } from '../envelope/auth-spec.ts'
import type { Json } from '../envelope/json.ts'
import type { Route } from './routes.ts'

/** By a name that is the same for the same way. */
export function securitySchemes(routes: readonly Route[]): { [name: string]: Json } {
  const ways = routes.flatMap(({ plan }) => (plan.auth === null ? [] : waysOf(plan.auth)))
  return Object.fromEntries(ways.map((way) => [nameOf(way), schemeOf(way)]))
}

/** So many combinations are listed; a document with more helps nobody. */
const combinationsMax = 50

/** One of each group, in all combinations: any of them lets in. */
export function securityOf({ groups }: AuthSpec): Json[] {
  let combinations: string[][] = [[]]
  for (const group of groups) {
    combinations = combinations
      .flatMap((names) => group.map((way) => [...names, nameOf(way)]))
      .slice(0, combinationsMax)
  }
  return combinations.map((names) => Object.fromEntries(names.map((name) => [name, []])))
}

function nameOf(way: WaySpec): string {
  if (way.family === 'hmac') return `hmac_${way.scheme}`
  return way.family === 'apiKey' || way.family === 'sasl' ? `${way.family}_${way.header}` : way.family
}

function schemeOf(way: WaySpec): { [name: string]: Json } {
  switch (way.family) {
    case 'apiKey':
    case 'sasl':
      return { type: 'apiKey', in: 'header', name: way.header }
    case 'basic':
      return { type: 'http', scheme: 'basic' }
    case 'jwt':
      return { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }
    case 'mtls':
      return { type: 'mutualTLS' }
    case 'hmac':
      return {
        type: 'apiKey',
        in: 'header',
        name: signatureHeaders[way.scheme],
        description: 'A signature of the body.',
      }
    case 'function':
      return { type: 'http', scheme: 'bearer', description: 'As the function of the workflow reads it.' }
  }
}

const signatureHeaders: Readonly<Record<HmacScheme, string>> = {
  'standard-webhooks': 'webhook-signature',
  github: 'x-hub-signature-256',
  stripe: 'stripe-signature',
  slack: 'x-slack-signature',
}
