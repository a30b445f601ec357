/**
 * The tree of steps in the raw values of a file: who stands where, and in what. It takes what is there, so that a mistake in
 * one step hides no other.
 */
import { parseSecretPath, type SecretPath } from '../../envelope/secret-path.ts'
import type { Names, Secrets } from '../expression/names.ts'
import { defaults, limits } from '../limits.ts'
import { idPattern } from '../model/fields.ts'
import { type KindField, kindFields } from '../model/step.ts'
import type { Path } from '../places.ts'
import { valueAt } from '../shape/at.ts'

export interface Outline {
  /** See `Names`. */
  readonly auth: Names['auth']
  /** Depth first, in the order of the file; no more than there may be. */
  readonly steps: readonly PlacedStep[]
  /** The first of each id. */
  readonly byId: ReadonlyMap<string, PlacedStep>
  /** The step that is one too many. */
  readonly tooMany: Path | null
  /** Lists of steps that stand in too many blocks; what is in them is not in `steps`. */
  readonly tooDeep: readonly StepList[]
  readonly secrets: Secrets
}

export interface PlacedStep {
  readonly path: Path
  /** Null where it is none, or no text. */
  readonly id: string | null
  /** What it is; a file that is wrong may say several, or none. */
  readonly kinds: readonly KindField[]
  readonly list: StepList
  readonly place: number
}

export interface StepList {
  readonly path: Path
  /** The block that holds it; null is the file. */
  readonly owner: PlacedStep | null
  /** Blocks around it. */
  readonly depth: number
  /** Names of items that its steps see. */
  readonly items: readonly string[]
}

/** `isNew`: it was not checked before, maybe by an earlier version. */
export function outlineOf(file: unknown, isNew: boolean): Outline {
  const auth: Names['auth'] = isNew ? authOf(file) : 'unchecked'
  const byId = new Map<string, PlacedStep>()
  const outline = { auth, steps: [], byId, tooMany: null, tooDeep: [], secrets: secretsOf(file, byId) }
  collect(file, { path: ['steps'], owner: null, depth: 0, items: [] }, outline)
  return outline
}

/** Of one that is only called, the caller's event says who it was. */
function authOf(file: unknown): 'somebody' | 'nobody' {
  const asks = valueAt(file, ['auth']) !== undefined || valueAt(file, ['on']) === undefined
  return asks ? 'somebody' : 'nobody'
}

function secretsOf(file: unknown, byId: ReadonlyMap<string, PlacedStep>): Secrets {
  return {
    event: secretPaths(file, ['classify']),
    taken: (id) => {
      const step = byId.get(id)
      const topic = step && valueAt(file, [...step.path, 'wait', 'topic'])
      return typeof topic === 'string' ? secretPaths(file, ['signals', topic, 'classify']) : []
    },
  }
}

/** Those that a `classify` names. */
export function secretPaths(file: unknown, classify: Path): SecretPath[] {
  const names = Object.keys((valueAt(file, classify) ?? {}) as object)
  return names.flatMap((name) => parseSecretPath(name) ?? [])
}

/** Names of an item and of its place. */
export function itemNames(name: string): readonly [string, string] {
  return [name, `${name}_index`]
}

interface Growing extends Outline {
  readonly steps: PlacedStep[]
  readonly byId: Map<string, PlacedStep>
  readonly tooDeep: StepList[]
  tooMany: Path | null
}

function collect(file: unknown, list: StepList, outline: Growing): void {
  const values = valueAt(file, list.path)
  if (!Array.isArray(values)) return
  if (list.depth > limits.nestingMax) {
    outline.tooDeep.push(list)
    return
  }
  for (const [place, value] of values.entries()) {
    if (outline.tooMany) return
    const step = placed(value, list, place)
    if (outline.steps.length === limits.stepsMax) outline.tooMany = step.path
    else add(file, step, outline)
  }
}

function add(file: unknown, step: PlacedStep, outline: Growing): void {
  outline.steps.push(step)
  if (step.id !== null && !outline.byId.has(step.id)) outline.byId.set(step.id, step)
  for (const path of listsOf(file, step)) {
    const { depth, items } = step.list
    collect(file, { path, owner: step, depth: depth + 1, items: [...items, ...itemsOf(file, step)] }, outline)
  }
}

function placed(value: unknown, list: StepList, place: number): PlacedStep {
  const there = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const id = Object.hasOwn(there, 'id') && typeof there.id === 'string' ? there.id : null
  const kinds = kindFields.filter((field) => Object.hasOwn(there, field))
  return { path: [...list.path, place], id, kinds, list, place }
}

function listsOf(file: unknown, { path, kinds }: PlacedStep): Path[] {
  const lists: Path[] = []
  if (kinds.includes('parallel')) {
    for (const name of branchesOf(file, path)) lists.push(branchList(file, [...path, 'parallel', name]))
  }
  if (kinds.includes('forEach')) lists.push([...path, 'steps'])
  if (kinds.includes('switch')) {
    for (const place of casesOf(file, path).keys()) lists.push([...path, 'switch', place, 'steps'])
  }
  return lists
}

/** Names of a step's branches. */
export function branchesOf(file: unknown, step: Path): string[] {
  const branches = valueAt(file, [...step, 'parallel'])
  return typeof branches === 'object' && branches !== null && !Array.isArray(branches) ? Object.keys(branches) : []
}

export function casesOf(file: unknown, step: Path): readonly unknown[] {
  const cases = valueAt(file, [...step, 'switch'])
  return Array.isArray(cases) ? cases.slice(0, limits.branchesMax) : []
}

/** A branch is a list of steps, or a map with one. */
function branchList(file: unknown, path: Path): Path {
  return Array.isArray(valueAt(file, path)) ? path : [...path, 'steps']
}

function itemsOf(file: unknown, { path, kinds }: PlacedStep): readonly string[] {
  if (!kinds.includes('forEach')) return []
  const name = valueAt(file, [...path, 'as'])
  return itemNames(typeof name === 'string' && idPattern.test(name) ? name : defaults.item)
}
