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
  const fix = (isStep(path) && elsewhere(name, valueAt(file, path) as object)) || fixOf(name, known)
  return { ...at, code: 'unknown_field', message: `unknown field "${shorten(name)}" in ${where}`, expected, fix }
}

/** Fields of later versions: refused by name, so that nobody looks for a mistake of their own. */
const later = new Set(['http', 'schedule', 'require', 'schema', 'format', 'auth', 'idempotent', 'classify'])

function fixOf(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near ? `did you mean "${near}"?` : `remove "${shorten(name)}"`
}

/** What another kind of step has. */
function elsewhere(name: string, step: object): string | null {
  const kinds = kindsWith(name)
  const kind = kindsOf(step)[0]
  if (kinds.length === 0 || kinds.length === kindFields.length) return waits.has(name) ? waitFix(kind, name) : null
  if (kind === undefined) return null
  if (name === 'steps') return stepsFix[kind] ?? 'put them into a step of their own with parallel, forEach or switch'
  if (kinds.includes('uses') && blocks.has(kind)) return 'put it on the steps inside of it'
  return `it belongs to a step with ${kinds.join(' or ')}`
}

const blocks = new Set<KindField>(['parallel', 'forEach', 'switch'])
const waits = new Set(['topic', 'key', 'match', 'onTimeout'])

function waitFix(kind: KindField | undefined, name: string): string | null {
  return kind === 'wait' ? `put it under "wait:", as wait.${name}` : null
}

const stepsFix: { readonly [kind in KindField]?: string } = {
  parallel: 'put them under parallel, each list under the name of a branch',
  switch: 'put them under switch, into a case',
}
