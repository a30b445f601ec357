/** Who asks: the ways of the workflow say who it is, and how often one may. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { AuthRequest } from '../auth/request.ts'
import { EngineError } from '../base/error.ts'
import type { Auth } from '../envelope/auth.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Rate } from '../workflow/route.ts'
import type { Proxies } from './caller.ts'
import { certificateOf } from './certificate.ts'
import type { Gates } from './ports.ts'
import { refuse } from './problem.ts'
import type { Rates } from './rate.ts'

export interface CallersParts {
  readonly gates: Gates
  readonly rates: Rates
  readonly proxies: Proxies
}

/** Failures of one address, whatever the workflow: guessing is slow, and a client with an old token is not shut out for long. */
const failures: Rate = { count: 100, perMs: 60_000 }

export class Callers {
  readonly #parts: CallersParts

  constructor(parts: CallersParts) {
    this.#parts = parts
  }

  /** Null: the workflow asks for nobody. Throws `Refusal` 401, 429, or an `EngineError` of an outage. */
  async admit(plan: Plan, request: IncomingMessage, body: Buffer, rate: Rate | null): Promise<Auth | null> {
    const { address } = this.#parts.proxies.callerOf(request)
    const gate = this.#parts.gates.of(plan)
    const auth = gate === null ? null : await this.#known(gate.authenticate(authRequestOf(request, body)), address)
    if (rate !== null)
      this.#take(
        `${plan.name}/${auth === null ? `address ${address}` : `principal ${auth.family} ${auth.principal}`}`,
        rate,
      )
    return auth
  }

  async #known(asked: Auth | Promise<Auth>, address: string): Promise<Auth> {
    try {
      return await asked
    } catch (error) {
      if (!(error instanceof EngineError) || error.retryable) throw error
      this.#take(`refused ${address}`, failures)
      throw refuse(401, 'unauthenticated', undefined, { headers: { 'www-authenticate': 'Bearer' } })
    }
  }

  #take(caller: string, rate: Rate): void {
    const waitMs = this.#parts.rates.take(caller, rate, performance.now())
    if (waitMs === 0) return
    throw refuse(429, 'too_many_requests', 'too many requests', { retryAfterS: Math.ceil(waitMs / 1000) })
  }
}

function authRequestOf(request: IncomingMessage, body: Buffer): AuthRequest {
  const http = {
    method: request.method ?? '',
    url: request.url ?? '',
    certificate: certificateOf(request.socket as TLSSocket),
  }
  return { headers: headersOf(request.rawHeaders), body, atUs: Date.now() * 1000, http }
}

function headersOf(raw: readonly string[]): ReadonlyMap<string, readonly Buffer[]> {
  const headers = new Map<string, Buffer[]>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    const value = Buffer.from(raw[at + 1] as string, 'latin1')
    const known = headers.get(name)
    if (known) known.push(value)
    else headers.set(name, [value])
  }
  return headers
}
