/** Which secret fields an expression names, and how it is shown these and no others. */
import type { SecretPath, Segment } from '../../envelope/secret-path.ts'
import type { Scope } from '../plan.ts'

/** One link of a chain of fields; null is a place in a list, or a name that is worked out. */
export interface Link {
  readonly name: string | null
  readonly offset: number
}

/** Those at which the chain stands, or inside of which. What holds one is not one: it is seen without it. */
export function named(links: readonly Link[], secrets: readonly SecretPath[]): SecretPath[] {
  return secrets.filter(({ root, segments }) => {
    const [first, ...rest] = links
    const isHeader = root === 'meta'
    return first?.name === root && reaches(isHeader ? rest.map(inLowerCase) : rest, segments)
  })
}

/** A name that meets a list means that of each item: a place in a list may stand before any name. */
function reaches(links: readonly Link[], [segment, ...segments]: readonly Segment[]): boolean {
  if (segment === undefined) return true
  const [link, ...rest] = links
  if (link === undefined) return false
  if (segment === null || segment === link.name) return reaches(rest, segments)
  return link.name === null && reaches(rest, [segment, ...segments])
}

function inLowerCase({ name, offset }: Link): Link {
  return { name: name === null ? null : name.toLowerCase(), offset }
}

/** What the scope is, with these secret fields in their places. */
export function revealing(scope: Scope, paths: readonly SecretPath[]): Scope {
  const { event } = scope
  return event.secrets === undefined ? scope : new Revealed(scope, event.secrets.reveal(event, paths))
}

class Revealed implements Scope {
  readonly event: Scope['event']
  readonly #scope: Scope

  constructor(scope: Scope, event: Scope['event']) {
    this.#scope = scope
    this.event = event
  }

  get steps() {
    return this.#scope.steps
  }

  step(id: string) {
    const { steps } = this.#scope
    if (this.#scope.step) return this.#scope.step(id)
    return Object.hasOwn(steps, id) ? steps[id] : undefined
  }

  get names() {
    return this.#scope.names ?? {}
  }
}
