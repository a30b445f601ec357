/** What a step says it is: one of the fields that make it so, no more, no less. */
import { type KindField, kindFields } from '../model/step.ts'
import type { Path } from '../places.ts'
import { type FieldFinding, labelOf } from './at.ts'

/** In the order of the file. */
export function kindsOf(step: object): KindField[] {
  return Object.keys(step).filter((name): name is KindField => (kindFields as readonly string[]).includes(name))
}

const expected = `one of ${kindFields.join(', ')}`

export function severalKinds(path: Path, kinds: readonly KindField[]): FieldFinding {
  const [first, second] = kinds
  const message = `${labelOf(path)} has both "${first}" and "${second}"`
  const fix =
    first === 'uses' || second === 'uses' ? 'make two steps of it' : 'put one into the other, or make two steps'
  return { code: 'several_kinds', path: [...path, second!], part: 'key', message, expected, fix }
}

export function withoutKind(path: Path): FieldFinding {
  const message = `${labelOf(path)} does not say what it does`
  const fix = 'add "uses:" with the name of a function, or one of the others'
  return { code: 'missing_field', path, part: 'key', message, expected, fix }
}
