/**
 * The short way for the commonest expression, a plain path (`event.data.user.id`): fields are read where they are,
 * nothing is converted. It answers what CEL would answer, and says why a path leads nowhere for both of them.
 */
import type { Json } from '../../envelope/json.ts'
import type { Scope } from '../plan.ts'
import type { Node } from './cel.ts'

export interface Path {
  /** `name`: one of `Names.others`, which is the first segment. */
  readonly root: 'event' | 'steps' | 'name'
  /** Text for a field, number for a place in a list. */
  readonly segments: readonly (string | number)[]
}

/**
 * The path that a tree is, or null when it is anything else. Its first segment is known to exist (`references.ts`).
 * `others` are the further names it may begin with.
 */
export function pathOf(tree: Node, others: readonly string[]): Path | null {
  const segments: (string | number)[] = []
  let at = tree
  while (at.op === '.' || at.op === '[]') {
    const segment = at.op === '.' ? at.args[1] : literalIndex(at.args[1])
    if (segment === null) return null
    segments.push(segment)
    at = at.args[0]
  }
  if (at.op !== 'id') return null
  segments.reverse()
  if (at.args === 'event' || at.args === 'steps') return { root: at.args, segments }
  return others.includes(at.args) ? { root: 'name', segments: [at.args, ...segments] } : null
}

/** A field's name or a place in a list when it is written out, else null. */
export function literalIndex(index: Node): string | number | null {
  if (index.op !== 'value') return null
  if (typeof index.args === 'string') return index.args
  const place = typeof index.args === 'bigint' ? Number(index.args) : -1
  return Number.isSafeInteger(place) && place >= 0 ? place : null
}

/** The value at the path, or undefined when it leads nowhere (`whyMissing` knows why). */
export function readPath(path: Path, scope: Scope): Json | undefined {
  let value = first(path, scope)
  for (let depth = firstDepth(path); depth < path.segments.length; depth++) {
    if (value === undefined) return undefined
    value = child(value, path.segments[depth]!)
  }
  return value as Json
}

/** `event.data.user.id: event.data.user is null`. Names of fields, never a value: errors are kept where many may read. */
export function whyMissing(path: Path, scope: Scope): string {
  let value = first(path, scope)
  if (value === undefined) return `${textOf(path, 1)}: ${unread(path)}`
  for (let depth = firstDepth(path); depth < path.segments.length; depth++) {
    const next = child(value, path.segments[depth]!)
    if (next === undefined) return reason(path, depth, value)
    value = next
  }
  return `${textOf(path)} cannot be read`
}

/** The path as an author would write it. */
export function textOf(path: Path, depth = path.segments.length): string {
  let text: string = path.root === 'name' ? '' : path.root
  for (const segment of path.segments.slice(0, depth)) {
    if (text === '') text += segment
    else if (typeof segment === 'number') text += `[${segment}]`
    else text += /^[A-Za-z_]\w*$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`
  }
  return text
}

function unread({ root, segments }: Path): string {
  return root === 'steps' ? `step "${segments[0]}" has no output yet` : 'it is not there'
}

/** The event's own field, the step's output, or the name's value: they were checked to exist when it was compiled. */
function first(path: Path, scope: Scope): unknown {
  const name = path.segments[0] as string
  if (path.root === 'event') return scope.event[name as keyof Scope['event']] ?? null
  if (path.root === 'name') return scope.names?.[name]
  return stepOf(scope, name)?.output
}

/** By the quicker way, where there is one. */
export function stepOf(scope: Scope, id: string): { readonly output: Json } | undefined {
  if (scope.step) return scope.step(id)
  return Object.hasOwn(scope.steps, id) ? scope.steps[id] : undefined
}

/** Of the segments behind the first value. */
function firstDepth({ root }: Path): number {
  return root === 'steps' ? 2 : 1
}

function child(value: unknown, segment: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return typeof segment === 'number' ? value[segment] : undefined
  return typeof segment === 'string' && Object.hasOwn(value, segment)
    ? (value as Record<string, unknown>)[segment]
    : undefined
}

function reason(path: Path, depth: number, value: unknown): string {
  const link = textOf(path, depth + 1)
  const parent = textOf(path, depth)
  const segment = path.segments[depth]!
  if (value === null) return `${link}: ${parent} is null`
  if (Array.isArray(value)) {
    if (typeof segment === 'number') return `${link}: ${parent} is a list of ${value.length}`
    return `${link}: ${parent} is a list, not a map with a field "${segment}"`
  }
  const wanted = typeof segment === 'number' ? 'it is not a list' : `it has no field "${segment}"`
  if (typeof value === 'object') return `${link}: ${wanted.replace('it', () => parent)}`
  return `${link}: ${parent} is a ${typeof value === 'bigint' ? 'number' : typeof value}, ${wanted}`
}
