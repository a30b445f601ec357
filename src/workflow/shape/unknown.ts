/** A field that is not known where it stands: misspelt, at home somewhere else, or of a later version. */
import { type KindField, kindFields } from '../model/step.ts'
import { nearest } from '../nearest.ts'
import type { Path } from '../places.ts'
import { shorten } from '../problem.ts'
import { type FieldFinding, isStep, labelOf, valueAt } from './at.ts'
import { kindsOf } from './kind.ts'
import { kindsWith } from './known.ts'

export function unknownField(name: string, path: Path, known: readonly string[], file: unknown): FieldFinding {
  const at = { path: [...path, name], part: 'key' } as const
  const where = path.length === 0 ? 'a workflow' : labelOf(path)
  const expected = `one of ${known.join(', ')}`
  if (later.has(name)) {
    const message = `"${name}" is not there yet in this version`
    return { ...at, code: 'not_there_yet', message, expected, fix: `remove "${name}"` }
  }
  const fix = isStep(path) ? fixInStep(name, valueAt(file, path) as object, known) : fixOf(name, known)
  return { ...at, code: 'unknown_field', message: `unknown field "${shorten(name)}" in ${where}`, expected, fix }
}

/** Fields of later versions: refused by name, so that nobody looks for a mistake of their own. */
const later = new Set(['schedule', 'idempotent'])

function fixOf(name: string, known: readonly string[]): string {
  if (known.includes('steps') && (name === 'schema' || name === 'format'))
    return 'put it under "on:", into kafka or http'
  const near = nearest(name, known)
  return near ? `did you mean "${near}"?` : `remove "${shorten(name)}"`
}

/** It may be what another kind of step has. */
function fixInStep(name: string, step: object, known: readonly string[]): string {
  const kind = kindsOf(step)[0]
  if (kind === undefined) return fixOf(name, [...kindFields, ...known])
  if (kind === 'wait' && waits.has(name)) return `put it under "wait:", as wait.${name}`
  const kinds = kindsWith(name)
  return kinds.length > 0 ? elsewhere(name, kind, kinds) : fixOf(name, known)
}

function elsewhere(name: string, kind: KindField, kinds: readonly KindField[]): string {
  if (name === 'steps') return stepsFix[kind] ?? 'put them into a step of their own with parallel, forEach or switch'
  if (kinds.includes('uses') && blocks.has(kind)) return 'put it on the steps inside of it'
  return `it belongs to a step with ${kinds.join(' or ')}`
}

const blocks = new Set<KindField>(['parallel', 'forEach', 'switch'])
const waits = new Set(['topic', 'key', 'match', 'timeout', 'onTimeout'])

const stepsFix: { readonly [kind in KindField]?: string } = {
  parallel: 'put them under parallel, each list under the name of a branch',
  switch: 'put them under switch, into a case',
}
