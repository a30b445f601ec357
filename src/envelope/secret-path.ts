/** Where a secret field stands in an event: `data.card`, `data.cards[*].number`, `meta.x-card`, `data["odd name"]`. */
import type { Json } from './json.ts'

export interface SecretPath {
  /** As it is written. */
  readonly text: string
  readonly root: 'data' | 'meta'
  /** Names of fields; null is every item of a list. */
  readonly segments: readonly Segment[]
}

export type Segment = string | null

/** Of a place in data, as a path through it; a place in a list is every item's. */
export function dataPath(path: readonly (string | number)[]): SecretPath {
  const segments = path.map((each) => (typeof each === 'number' ? null : each))
  const text = segments.map((name) =>
    name === null ? '[*]' : /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`,
  )
  return Object.freeze({ text: `data${text.join('')}`, root: 'data', segments: Object.freeze(segments) })
}

const begin = /^(data|meta)(?=[.[]|$)/
const part = /^(?:\.([^.[\]\s"]+)|\[(\*)\]|\[("(?:[^"\\]|\\.)+")\])/

/** Null: it is none. A header has no parts, and its name is in lower case. */
export function parseSecretPath(text: string): SecretPath | null {
  const root = begin.exec(text)?.[1] as SecretPath['root'] | undefined
  if (root === undefined) return null
  const segments = segmentsOf(text.slice(root.length))
  if (segments === null) return null
  if (root === 'data') return { text, root, segments }
  const [name] = segments
  return segments.length === 1 && typeof name === 'string' ? { text, root, segments: [name.toLowerCase()] } : null
}

function segmentsOf(text: string): Segment[] | null {
  const segments: Segment[] = []
  let rest = text
  while (rest !== '') {
    const found = part.exec(rest)
    const segment = found && segmentOf(found)
    if (!found || segment === undefined) return null
    segments.push(segment)
    rest = rest.slice(found[0].length)
  }
  return segments
}

function segmentOf([, name, every, quoted]: RegExpExecArray): Segment | undefined {
  if (name !== undefined) return name
  if (every !== undefined) return null
  try {
    return JSON.parse(quoted as string)
  } catch {
    return undefined
  }
}

/** Both speak of one place, or one of a place inside of the other's. */
export function overlap(a: SecretPath, b: SecretPath): boolean {
  const [shorter, longer] = [namesOf(a), namesOf(b)].sort((one, other) => one.length - other.length)
  return a.root === b.root && shorter!.every((name, at) => name === longer![at])
}

/** What is classified by the first is so by the second. */
export function isWithin(inner: SecretPath, outer: SecretPath): boolean {
  return inner.root === outer.root && namesOf(outer).every((name, at) => name === namesOf(inner)[at])
}

/** A name that meets a list means that of each of its items, so lists do not tell paths apart. */
function namesOf({ segments }: SecretPath): string[] {
  return segments.filter((segment) => segment !== null)
}

/**
 * The value with what stands at the path replaced; what is not there, or null, stays. A text or a number that stands in the way
 * may be the field in another form, so it counts as the field; so does what looks sealed, so that it can be told from what is.
 * `at`: the place, for one that must not be mistaken for another.
 */
export function replaceAt(
  value: Json,
  { root, segments }: SecretPath,
  replace: (value: Json, at: string) => Json,
): Json {
  return walk(value, root, segments, replace)
}

function walk(value: Json, at: string, [segment, ...rest]: readonly Segment[], replace: Replace): Json {
  if (value === null) return null
  if (segment === undefined || typeof value !== 'object' || isSealed(value)) return replace(value, at)
  if (Array.isArray(value)) {
    const inside = segment === null ? rest : [segment, ...rest]
    return value.map((item, place) => walk(item, `${at}[${place}]`, inside, replace))
  }
  const names = segment === null ? Object.keys(value) : Object.hasOwn(value, segment) ? [segment] : []
  return withFields(
    value,
    names.map((name) => [name, walk(value[name] as Json, `${at}.${JSON.stringify(name)}`, rest, replace)]),
  )
}

type Replace = (value: Json, at: string) => Json
type Fields = { [name: string]: Json }

/** Defined, not assigned: a field may be called `__proto__`. */
function withFields(value: Fields, fields: readonly (readonly [string, Json])[]): Fields {
  if (fields.length === 0) return value
  const copy = { ...value }
  for (const [name, field] of fields) {
    Object.defineProperty(copy, name, { value: field, enumerable: true, configurable: true, writable: true })
  }
  return copy
}

/** What is seen in the place of a secret field. */
export const hidden = '[secret]'

/** What stands in the ledger in the place of a secret field. */
export interface Sealed {
  readonly $sealed: string
}

export function isSealed(value: Json): value is Json & Sealed {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, '$sealed')
}
