/**
 * All ways of one workflow, in groups: of each group one way must find somebody out. Why somebody is refused tells which were tried,
 * and nothing of what was shown.
 */
import { EngineError } from '../base/error.ts'
import type { Auth, Principal } from '../envelope/auth.ts'
import type { AuthSpec, WaySpec } from '../envelope/auth-spec.ts'
import type { AuthRequest } from './request.ts'
import type { Gate, Way } from './way.ts'

/** `ways` in the order of the specification. */
export function createGate(spec: AuthSpec, ways: readonly Way[]): Gate {
  let next = 0
  const groups = spec.groups.map((group) => group.map((each) => ({ spec: each, way: ways[next++] as Way })))
  return { authenticate: (request) => allOf({ groups, request }, 0, nothing) }
}

interface Candidate {
  readonly spec: WaySpec
  readonly way: Way
}

interface Asking {
  readonly groups: readonly (readonly Candidate[])[]
  readonly request: AuthRequest
}

interface Found {
  readonly by: readonly (readonly [id: string, Principal])[]
  /** Somebody who must be asked is away. */
  readonly outage: EngineError | null
}

const nothing: Found = { by: [], outage: null }

/** A group that finds nobody refuses, whoever else is away. */
function allOf(asking: Asking, from: number, found: Found): Auth | Promise<Auth> {
  let all = found
  for (let at = from; at < asking.groups.length; at++) {
    const said = anyOf(asking.groups[at] as readonly Candidate[], asking.request, 0, null)
    if (said instanceof Promise) return said.then((answer) => allOf(asking, at + 1, added(asking, at, answer, all)))
    all = added(asking, at, said, all)
  }
  if (all.outage !== null) throw all.outage
  return authOf(all.by)
}

function added({ groups }: Asking, at: number, answer: GroupAnswer, { by, outage }: Found): Found {
  if (answer === null) throw nobody(groups, groups.length === 1 ? null : (groups[at] as readonly Candidate[]))
  if (answer instanceof EngineError) return { by, outage: outage ?? answer }
  return { by: [...by, answer], outage }
}

/** Null: nobody of it finds anybody. An error: it must be asked again. */
type GroupAnswer = readonly [id: string, Principal] | EngineError | null

/** The first that finds somebody out. While one is away another may still do. */
function anyOf(
  group: readonly Candidate[],
  request: AuthRequest,
  from: number,
  away: EngineError | null,
): GroupAnswer | Promise<GroupAnswer> {
  let outage = away
  for (let at = from; at < group.length; at++) {
    const { way } = group[at] as Candidate
    const said = ask(way, request)
    if (said instanceof Promise) {
      return said.then((answer) => {
        if (isPrincipal(answer)) return [way.id, answer] as const
        return anyOf(group, request, at + 1, outage ?? answer)
      })
    }
    if (isPrincipal(said)) return [way.id, said]
    outage ??= said
  }
  return outage
}

type Answer = Principal | EngineError | null

function ask(way: Way, request: AuthRequest): Answer | Promise<Answer> {
  try {
    const said = way.authenticate(request)
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

/** `failed`: of several groups the one that found nobody. */
function nobody(groups: Asking['groups'], failed: readonly Candidate[] | null): EngineError {
  const tried = groups.map((group) => namesOf(group, groups.length > 1)).join(' and ')
  const why = failed === null ? '' : `, and ${namesOf(failed, false)} found nobody`
  return new EngineError('unauthenticated', `nobody was found to have sent it: it takes ${tried}${why}`)
}

function namesOf(group: readonly Candidate[], inBrackets: boolean): string {
  const names = group.map(({ spec }) => nameOf(spec)).join(' or ')
  return inBrackets && group.length > 1 ? `(${names})` : names
}

function nameOf({ id, family }: WaySpec): string {
  return id === family ? id : `${id} (${family})`
}
