/**
 * A function of the author's that authenticates. It alone sees credentials, and what it says is believed; it runs in a worker process
 * of its own, under its own time limit.
 */
import { EngineError } from '../base/error.ts'
import type { Principal } from '../envelope/auth.ts'
import type { FunctionSpec } from '../envelope/auth-spec.ts'
import { isStorable, type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import type { AuthRequest } from './request.ts'
import type { Way } from './way.ts'

/** Runs one of the author's functions. */
export interface Authenticator {
  /** `input` and the output are JSON text. Null: it refuses. Throws a retryable `EngineError` when nobody knows. */
  call(uses: string, input: string, timeoutMs: number): Promise<string | null>
}

export function functionWay(id: string, { uses, timeoutMs }: FunctionSpec, authenticator: Authenticator): Way {
  return {
    id,
    async authenticate(request) {
      const input = inputOf(request)
      if (input === null) return null
      const output = await authenticator.call(uses, input, timeoutMs)
      return output === null ? null : principalOf(uses, parseJson(output))
    },
  }
}

/** Null: it holds what no text can. */
function inputOf({ headers, body, atUs, http }: AuthRequest): string | null {
  const named: { [name: string]: Json } = {}
  for (const [name, values] of headers) {
    const texts = values.map((value) => value.toString('utf8'))
    Object.defineProperty(named, name, { value: texts.length === 1 ? texts[0] : texts, enumerable: true })
  }
  const shown = http && { method: http.method, url: http.url, certificate: http.certificate as Json }
  const time = new Date(atUs / 1000).toISOString()
  const input = stringifyJson({ headers: named, body: body.toString('base64'), time, http: shown })
  return isStorable(input) ? input : null
}

function principalOf(uses: string, said: Json): Principal {
  const { principal, roles = [], claims = {} } = isMap(said) ? said : {}
  const isRoles = Array.isArray(roles) && roles.every((role) => typeof role === 'string')
  if (typeof principal !== 'string' || principal === '' || !isRoles || !isMap(claims)) {
    const message = `${uses} did not say who it is: expected { principal, roles?: [texts], claims?: a map }`
    throw new EngineError('authenticator_failed', message)
  }
  return { principal, family: 'function', roles: roles as string[], claims }
}

function isMap(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
