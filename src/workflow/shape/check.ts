/** The model's verdict on a file, field by field, as findings: what is wrong, what was expected, the likely fix. */
import type { z } from 'zod'
import { kindFields } from '../model/step.ts'
import { type WorkflowFile, workflowModel } from '../model/workflow.ts'
import type { Path } from '../places.ts'
import { show } from '../problem.ts'
import { type FieldFinding, isStep, labelOf, valueAt } from './at.ts'
import { kindsOf, severalKinds, withoutKind } from './kind.ts'
import { fieldsAt } from './known.ts'
import { mend } from './mend.ts'
import { unknownField } from './unknown.ts'

/** The typed file with its defaults, or null; and every finding about its shape. */
export function checkShape(value: unknown): { file: WorkflowFile | null; findings: FieldFinding[] } {
  const { success, data, error } = workflowModel.safeParse(value)
  if (success) return { file: data, findings: [] }
  const findings = error.issues.flatMap((issue) => fromIssue(issue, issue.path as Path, value))
  return { file: null, findings: firstOfEach(findings.filter((finding) => !isConsequence(finding, value))) }
}

type Issue = z.core.$ZodIssue

function fromIssue(issue: Issue, path: Path, file: unknown): FieldFinding[] {
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(path, file)
    return issue.keys.map((key) => unknownField(key, path, known, file))
  }
  const value = valueAt(file, path)
  if (issue.code === 'invalid_key') return [wrongKey(path, issue.issues[0]?.message ?? issue.message)]
  if (issue.code === 'invalid_union') {
    if (isStep(path) && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return fromStep(issue.errors, path, value, file)
    }
    const branch = issue.errors.find(fitsKind)
    if (branch) return within(branch, path, file)
  }
  return [value === undefined ? missingField(path, issue.message) : wrongValue(path, value, issue.message)]
}

function within(issues: readonly Issue[], path: Path, file: unknown): FieldFinding[] {
  return issues.flatMap((issue) => fromIssue(issue, [...path, ...(issue.path as Path)], file))
}

/** A step is judged as what it says it is; one that says nothing as one that runs a function. */
function fromStep(errors: readonly (readonly Issue[])[], path: Path, step: object, file: unknown): FieldFinding[] {
  const kinds = kindsOf(step)
  if (kinds.length > 1) return [severalKinds(path, kinds)]
  const found = within(errors[kindFields.indexOf(kinds[0] ?? 'uses')]!, path, file)
  if (kinds.length === 1) return found
  return [
    withoutKind(path),
    ...found.filter(({ code, message }) => code !== 'missing_field' || !/"uses"/.test(message)),
  ]
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

/** A name that the author chose: of a branch, or a topic. */
function wrongKey(path: Path, expected: string): FieldFinding {
  const name = path.at(-1)
  const message = `the name ${show(name)} in ${labelOf(path.slice(0, -1))} is wrong`
  const fix = mend([keyKinds[String(path.at(-2))] ?? 'id'], name)
  return { code: 'wrong_value', path, part: 'key', message, expected, fix }
}

const keyKinds: Readonly<Record<string, string>> = { signals: 'topic', classify: 'secretPath', extensions: 'extension' }

/** What is missing only because something of a later version stands in its place. */
function isConsequence({ code, path }: FieldFinding, file: unknown): boolean {
  if (code !== 'missing_field' || labelOf(path) !== 'on') return false
  const there = Object.keys((valueAt(file, path) as object | undefined) ?? {})
  return there.includes('schedule')
}

/** One finding for one field: a value that breaks two rules of the model is still one mistake. */
function firstOfEach(findings: readonly FieldFinding[]): FieldFinding[] {
  const seen = new Set<string>()
  return findings.filter((finding) => {
    const key = finding.code === 'missing_field' ? finding.message + labelOf(finding.path) : labelOf(finding.path)
    return !seen.has(key) && seen.add(key)
  })
}
