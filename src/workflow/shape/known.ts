/** The names that the model knows at a place of a file, read off its JSON Schema. */
import { type KindField, kindFields } from '../model/step.ts'
import type { Path } from '../places.ts'
import { workflowSchema } from '../schema.ts'
import { valueAt } from './at.ts'

interface Schema {
  readonly $ref?: string
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
}

interface Root extends Schema {
  readonly definitions: Readonly<Record<string, Schema>>
}

const schema = workflowSchema() as unknown as Root

/** Those that are not there yet foremost. */
export function fieldsAt(path: Path, file: unknown): string[] {
  let at: Schema[] = branchesOf(schema)
  for (const [depth, segment] of path.entries()) {
    const value = valueAt(file, path.slice(0, depth))
    at = fitting(at, value).flatMap((each) => into(each, segment))
  }
  const value = valueAt(file, path)
  const names = Object.keys(fitting(at, value).find((each) => each.properties)?.properties ?? {})
  const isThere = (name: string) => valueAt(value, [name]) !== undefined
  return [...names.filter((name) => !isThere(name)), ...names.filter(isThere)]
}

/** What kinds of steps have a field of this name. */
export function kindsWith(name: string): KindField[] {
  const steps = branchesOf(schema.definitions.step!)
  return kindFields.filter((kind) => steps.some(({ properties }) => properties?.[kind] && properties[name]))
}

/** Of several that a map may be, the one whose kind of step it says it is. */
function fitting(branches: readonly Schema[], value: unknown): readonly Schema[] {
  const maps = branches.filter((each) => each.properties)
  if (maps.length < 2) return branches
  const kind = kindFields.find((field) => valueAt(value, [field]) !== undefined) ?? 'uses'
  const fit = maps.filter(({ properties }) => properties?.[kind])
  return fit.length > 0 ? fit : maps
}

function branchesOf(at: Schema): Schema[] {
  if (at.$ref) return branchesOf(schema.definitions[at.$ref.slice('#/definitions/'.length)]!)
  const inner = at.anyOf ?? at.allOf
  return inner ? inner.flatMap(branchesOf) : [at]
}

function into({ items, properties, additionalProperties }: Schema, segment: string | number): Schema[] {
  const named = typeof segment === 'number' ? items : (properties?.[segment] ?? additionalProperties)
  return typeof named === 'object' ? branchesOf(named) : []
}
