/** All ways of one workflow: any of them, or each. Why somebody is refused tells which were tried, and nothing of what was shown. */
import { EngineError } from '../base/error.ts'
import type { Auth, Principal } from '../envelope/auth.ts'
import type { AuthSpec, WaySpec } from '../envelope/auth-spec.ts'
import type { AuthRequest } from './request.ts'
import type { Gate, Way } from './way.ts'

/** `ways` in the order of the specification. */
export function createGate(spec: AuthSpec, ways: readonly Way[]): Gate {
  const judge = spec.needs === 'any' ? anyOf : allOf
  return { authenticate: (request) => judge({ spec, ways, request }, 0, { by: [], outage: null }) }
}

interface Asking {
  readonly spec: AuthSpec
  readonly ways: readonly Way[]
  readonly request: AuthRequest
}

interface Found {
  readonly by: readonly (readonly [id: string, Principal])[]
  /** Somebody who must be asked is away. */
  readonly outage: EngineError | null
}

/** The first that finds somebody out. While one is away another may still do. */
function anyOf(asking: Asking, from: number, found: Found): Auth | Promise<Auth> {
  let { outage } = found
  for (let at = from; at < asking.ways.length; at++) {
    const said = ask(asking, at)
    if (said instanceof Promise) return said.then((answer) => afterAny(asking, at, answer, outage))
    if (isPrincipal(said)) return authOf([[asking.ways[at]!.id, said]])
    outage ??= said
  }
  throw outage ?? nobody(asking.spec, null)
}

function afterAny(asking: Asking, at: number, answer: Answer, outage: EngineError | null): Auth | Promise<Auth> {
  if (isPrincipal(answer)) return authOf([[asking.ways[at]!.id, answer]])
  return anyOf(asking, at + 1, { by: [], outage: outage ?? answer })
}

/** One that finds nobody refuses, whoever else is away. */
function allOf(asking: Asking, from: number, found: Found): Auth | Promise<Auth> {
  let all = found
  for (let at = from; at < asking.ways.length; at++) {
    const said = ask(asking, at)
    if (said instanceof Promise) return said.then((answer) => allOf(asking, at + 1, added(asking, at, answer, all)))
    all = added(asking, at, said, all)
  }
  if (all.outage !== null) throw all.outage
  return authOf(all.by)
}

function added({ spec, ways }: Asking, at: number, answer: Answer, { by, outage }: Found): Found {
  if (answer === null) throw nobody(spec, spec.ways[at] as WaySpec)
  if (!isPrincipal(answer)) return { by, outage: outage ?? answer }
  return { by: [...by, [ways[at]!.id, answer]], outage }
}

/** Null: it finds nobody. An error: it must be asked again. */
type Answer = Principal | EngineError | null

function ask({ ways, request }: Asking, at: number): Answer | Promise<Answer> {
  try {
    const said = (ways[at] as Way).authenticate(request)
    return said instanceof Promise ? said.catch(outageOf) : said
  } catch (error) {
    return outageOf(error)
  }
}

function outageOf(error: unknown): EngineError {
  if (error instanceof EngineError && error.retryable) return error
  throw error
}

function isPrincipal(answer: Answer): answer is Principal {
  return answer !== null && !(answer instanceof EngineError)
}

function authOf(by: Found['by']): Auth {
  const [, first] = by[0] as Found['by'][number]
  return { ...first, by: Object.fromEntries(by) }
}

/** `failed`: where each way must find somebody out, the one that did not. */
function nobody({ needs, ways }: AuthSpec, failed: WaySpec | null): EngineError {
  const tried = ways.map(nameOf).join(needs === 'any' ? ' or ' : ' and ')
  const why = failed === null ? '' : `, and ${nameOf(failed)} found nobody`
  return new EngineError('unauthenticated', `nobody was found to have sent it: it takes ${tried}${why}`)
}

function nameOf({ id, family }: WaySpec): string {
  return id === family ? id : `${id} (${family})`
}
