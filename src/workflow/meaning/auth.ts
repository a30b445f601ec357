/** What is said of who may send events: one family to a way, ids that are there once, keys that fit their algorithms. */
import { families } from '../model/auth.ts'
import type { Path } from '../places.ts'
import { finding } from '../problem.ts'
import { labelOf, valueAt } from '../shape/at.ts'
import { add, addAtKey, type Checking, checkUses, isThere, textAt } from './fields.ts'

export function checkAuth(checking: Checking): void {
  if (!isThere(checking, ['auth'])) return
  if (!isThere(checking, ['on'])) addAtKey(checking, ['auth'], withoutOn)
  const taken = new Set<string>()
  for (const group of groupPaths(checking.file)) {
    const own = new Set<string>()
    for (const path of group) checkWay(checking, path, taken, own)
    for (const id of own) taken.add(id)
  }
}

const withoutOn = finding(
  'missing_field',
  '"auth" is of no use without "on"',
  'what starts the workflow',
  'add "on:", or remove it: who calls the workflow has asked already',
)

/** Where the ways stand, in their groups and order. */
function groupPaths(file: unknown): Path[][] {
  for (const list of [['auth'], ['auth', 'any'], ['auth', 'all']]) {
    const ways = valueAt(file, list)
    if (!Array.isArray(ways)) continue
    const paths = ways.map((way, place) => within(way, [...list, place]))
    return list[1] === 'all' ? paths : [paths.flat()]
  }
  return []
}

function within(way: unknown, path: Path): Path[] {
  return Array.isArray(way) ? way.map((_, place) => [...path, place]) : [path]
}

/** `taken`: ids of the groups before. Within a group several ways may find out the same one: `event.auth.by` calls it by one id. */
function checkWay(checking: Checking, path: Path, taken: ReadonlySet<string>, own: Set<string>): void {
  const there = families.filter((family) => isThere(checking, [...path, family]))
  const way = valueAt(checking.file, path)
  if (typeof way !== 'object' || way === null || Array.isArray(way)) return
  if (there.length !== 1) {
    addAtKey(checking, path, notOne(path, there))
    return
  }
  const id = textAt(checking, [...path, 'id']) ?? (there[0] as string)
  const isNamed = textAt(checking, [...path, 'id']) !== null
  if (taken.has(id) || (own.has(id) && !isNamed)) addAtKey(checking, path, twice(id))
  own.add(id)
  if (there[0] === 'jwt') checkJwt(checking, [...path, 'jwt'])
  if (there[0] === 'mtls') checkMtls(checking, [...path, 'mtls'])
  if (there[0] === 'function') checkFunction(checking, [...path, 'function'])
}

function notOne(path: Path, [first, second]: readonly string[]) {
  const message = first ? `${labelOf(path)} has both "${first}" and "${second}"` : `${labelOf(path)} says no way`
  const fix = first ? 'make two ways of it, each begun with "-"' : 'add one, such as apiKey: { keys: my_keys }'
  return finding(first ? 'several_kinds' : 'missing_field', message, `one of ${families.join(', ')}`, fix)
}

function twice(id: string) {
  const message = `two ways to authenticate are called "${id}"`
  return finding('duplicate_name', message, 'a name of its own', `add an id, such as id: other_${id.toLowerCase()}`)
}

/** What verifies a signature must not be what an attacker may know: public keys and shared ones never meet. */
function checkJwt(checking: Checking, path: Path): void {
  const [hasUrl, hasKeys] = [isThere(checking, [...path, 'jwks']), isThere(checking, [...path, 'keys'])]
  if (hasUrl === hasKeys) addAtKey(checking, path, hasUrl ? bothKeys : noKeys)
  const algorithms = valueAt(checking.file, [...path, 'algorithms'])
  if (!Array.isArray(algorithms)) return
  const shared = algorithms.filter((name) => /^HS/.test(String(name)))
  if (shared.length === 0 || (shared.length === algorithms.length && !hasUrl)) return
  add(checking, [...path, 'algorithms'], hasUrl ? sharedFromUrl : mixed)
}

const bothKeys = finding('wrong_value', 'jwt has both "jwks" and "keys"', 'one of them', 'remove one')
const noKeys = finding(
  'missing_field',
  'jwt does not say where its keys are',
  'jwks with an address, or keys with the name of a secret',
  'add "jwks:"',
)
const sharedFromUrl = finding(
  'wrong_value',
  'HS256 and its kin sign with a shared secret, and jwks gives public keys',
  'an algorithm with public keys, such as RS256 or ES256',
  'remove HS256 and its kin, or give the secret with "keys:"',
)
const mixed = finding(
  'wrong_value',
  'algorithms with public keys stand beside those with a shared secret',
  'one sort of them',
  'make two ways of it, each with its own keys',
)

function checkMtls(checking: Checking, path: Path): void {
  if (['subjects', 'altNames', 'fingerprints'].some((name) => isThere(checking, [...path, name]))) return
  const message = 'mtls does not say whose certificate may'
  addAtKey(checking, path, finding('missing_field', message, 'subjects, altNames or fingerprints', 'add one of them'))
}

function checkFunction(checking: Checking, path: Path): void {
  checkUses(checking, textAt(checking, path) === null ? [...path, 'uses'] : path)
}
