/** Which workflow a request is for. A table is made anew when workflow files change; the connections stay. */
import { METHODS } from 'node:http'
import Router from 'find-my-way'
import type { HttpMethod, HttpTrigger, Plan } from '../workflow/plan.ts'
import { refuse } from './problem.ts'

export interface Route {
  readonly plan: Plan
  readonly trigger: HttpTrigger
}

export interface Match extends Route {
  readonly path: Readonly<Record<string, string>>
}

export class Routes {
  readonly #router = newRouter()
  readonly all: readonly Route[]

  constructor(plans: readonly Plan[]) {
    this.all = plans.flatMap((plan) => (plan.on.http === null ? [] : [{ plan, trigger: plan.on.http }]))
    for (const route of this.all) {
      const path = route.trigger.path.replaceAll(/\{([^}]+)\}/g, ':$1')
      for (const method of route.trigger.methods) this.#router.on(method, path, () => undefined, route)
    }
  }

  /** Throws `Refusal`: 404, or 405 with the methods that there are. */
  match(method: string, url: string): Match {
    const path = pathOf(url)
    const found = METHODS.includes(method) ? this.#find(method as HttpMethod, path) : null
    if (found) return { ...(found.store as Route), path: pathParts(found.params) }
    const allowed = (['POST', 'PUT', 'GET'] as const).filter((each) => this.#find(each, path) !== null)
    if (allowed.length === 0) throw refuse(404, 'no_route', 'no workflow has this path')
    const allow = allowed.join(', ')
    throw refuse(405, 'wrong_method', `this path takes ${allow}`, { headers: { allow } })
  }

  /** A name stands for something: an empty segment is none. */
  #find(method: HttpMethod, path: string) {
    const found = this.#router.find(method, path)
    return found !== null && Object.values(found.params).every((value) => value !== '') ? found : null
  }
}

/** Escapes that are none, dots and doubled slashes are looked at by us and not mended: a path has one spelling. */
function newRouter() {
  return Router({ caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false, maxParamLength: 500 })
}

export function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

function pathParts(params: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value ?? '']))
}
