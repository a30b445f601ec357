/** The model's verdict on a file, field by field, as findings: what is wrong, what was expected, the likely fix. */
import type { z } from 'zod'
import { mend } from './mend.ts'
import { type WorkflowFile, workflowModel } from './model.ts'
import { nearest } from './nearest.ts'
import type { Path } from './places.ts'
import { type Finding, shorten, show } from './problem.ts'
import { workflowSchema } from './schema.ts'

/** A finding at a field: at its key, its value, or (with `textOffset`) at a place inside of its text. */
export interface FieldFinding extends Finding {
  readonly path: Path
  readonly part: 'key' | 'value'
  readonly textOffset?: number
}

/** The typed file with its defaults, or null; and every finding about its shape. */
export function checkShape(value: unknown): { file: WorkflowFile | null; findings: FieldFinding[] } {
  const { success, data, error } = workflowModel.safeParse(value)
  if (success) return { file: data, findings: [] }
  const findings = error.issues.flatMap((issue) => fromIssue(issue, issue.path as Path, value))
  return { file: null, findings: firstOfEach(findings.filter((finding) => !isConsequence(finding, value))) }
}

/** A path as a message shows it: `steps[0].retry.max`. */
export function labelOf(path: Path): string {
  let label = ''
  for (const segment of path) label += typeof segment === 'number' ? `[${segment}]` : label ? `.${segment}` : segment
  return label || 'the file'
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const segment of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, segment)) return undefined
    at = (at as Record<string | number, unknown>)[segment]
  }
  return at
}

type Issue = z.core.$ZodIssue

function fromIssue(issue: Issue, path: Path, file: unknown): FieldFinding[] {
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(path, file)
    return issue.keys.map((key) => unknownField(key, path, known))
  }
  const value = valueAt(file, path)
  if (issue.code === 'invalid_union') {
    const branch = issue.errors.find(fitsKind)
    if (branch) return branch.flatMap((inner) => fromIssue(inner, [...path, ...(inner.path as Path)], file))
  }
  return [value === undefined ? missingField(path, issue.message) : wrongValue(path, value, issue.message)]
}

/** The branch of a union that the value was meant for: the one whose kind it has. */
function fitsKind(errors: readonly Issue[]): boolean {
  return errors.every((error) => error.path.length > 0 || !['invalid_type', 'invalid_value'].includes(error.code))
}

function missingField(path: Path, expected: string): FieldFinding {
  const name = String(path.at(-1) ?? 'the file')
  return {
    code: 'missing_field',
    path: path.slice(0, -1),
    part: 'key',
    message: path.length === 0 ? 'the file is empty' : `"${name}" is missing`,
    expected,
    fix: path.length === 0 ? 'begin with "name:"' : `add "${name}:"`,
  }
}

function wrongValue(path: Path, value: unknown, expected: string): FieldFinding {
  const message = value === null ? `${labelOf(path)} is empty` : `${labelOf(path)} is ${show(value)}`
  return { code: 'wrong_value', path, part: 'value', message, expected, fix: mend(path, value) }
}

/** Fields of later versions: refused by name, so that nobody looks for a mistake of their own. */
const later = new Set([
  ...['parallel', 'forEach', 'switch', 'call', 'compensate', 'sleep', 'wait'],
  ...['order', 'http', 'schedule', 'require', 'schema', 'format', 'auth', 'idempotent', 'classify'],
])
/** Those that stand for a step of another kind, which has no `uses`. */
const laterSteps = ['parallel', 'forEach', 'switch', 'call', 'sleep', 'wait']

function unknownField(name: string, path: Path, known: readonly string[]): FieldFinding {
  const at = { path: [...path, name], part: 'key' } as const
  const where = path.length === 0 ? 'a workflow' : labelOf(path)
  const expected = `one of ${known.join(', ')}`
  if (later.has(name)) {
    const message = `"${name}" is not there yet in this version`
    return { ...at, code: 'not_there_yet', message, expected, fix: `remove "${name}"` }
  }
  const near = nearest(name, known)
  const fix = near ? `did you mean "${near}"?` : `remove "${shorten(name)}"`
  return { ...at, code: 'unknown_field', message: `unknown field "${shorten(name)}" in ${where}`, expected, fix }
}

interface Schema {
  readonly properties?: Record<string, Schema>
  readonly items?: Schema
  readonly anyOf?: Schema[]
}

const schema = workflowSchema() as Schema

/** The names that the model knows at a path, those that are not there yet foremost. */
function fieldsAt(path: Path, file: unknown): string[] {
  let at: Schema | undefined = schema
  for (const segment of path) at = branchesOf(at).flatMap((each) => into(each, segment))[0]
  at = branchesOf(at).find((each) => each.properties)
  const names = Object.keys(at?.properties ?? {})
  const isThere = (name: string) => valueAt(file, [...path, name]) !== undefined
  return [...names.filter((name) => !isThere(name)), ...names.filter(isThere)]
}

function branchesOf(at: Schema | undefined): Schema[] {
  return at?.anyOf ?? (at ? [at] : [])
}

function into({ items, properties }: Schema, segment: string | number): Schema[] {
  const inner = typeof segment === 'number' ? items : properties?.[segment]
  return inner ? [inner] : []
}

/** What is missing only because something of a later version stands in its place. */
function isConsequence({ code, path, message }: FieldFinding, file: unknown): boolean {
  if (code !== 'missing_field') return false
  const there = Object.keys((valueAt(file, path) as object | undefined) ?? {})
  if (labelOf(path) === 'on') return there.includes('http') || there.includes('schedule')
  const isStep = path.length === 2 && path[0] === 'steps' && /"(uses|id)"/.test(message)
  return isStep && there.some((name) => laterSteps.includes(name))
}

/** One finding for one field: a value that breaks two rules of the model is still one mistake. */
function firstOfEach(findings: readonly FieldFinding[]): FieldFinding[] {
  const seen = new Set<string>()
  return findings.filter((finding) => {
    const key = finding.code === 'missing_field' ? finding.message + labelOf(finding.path) : labelOf(finding.path)
    return !seen.has(key) && seen.add(key)
  })
}
