/** The fields of a file that are compiled or looked up, one by one, into what was found. */
import type { FormatSpec } from '../../envelope/format.ts'
import type { Json } from '../../envelope/json.ts'
import type { ValueSchema } from '../../envelope/schema.ts'
import { parseDuration } from '../duration.ts'
import type { Beside } from '../enclosed.ts'
import { compileExpression, type Gives } from '../expression/compile.ts'
import type { ExpressionProblem, Names } from '../expression/names.ts'
import { defaults } from '../limits.ts'
import { usesPattern } from '../model/fields.ts'
import { didYouMean } from '../nearest.ts'
import { hasPlaceholder } from '../placeholder.ts'
import type { Path } from '../places.ts'
import type { Expression, Template } from '../plan.ts'
import { type Finding, finding, shorten } from '../problem.ts'
import { type FieldFinding, labelOf, valueAt } from '../shape/at.ts'
import { compileTemplate } from '../template.ts'
import type { Outline } from './outline.ts'

export interface Checking {
  readonly file: unknown
  readonly outline: Outline
  readonly functions: ReadonlySet<string> | null
  readonly findings: FieldFinding[]
  readonly expressions: Map<string, Expression>
  readonly templates: Map<string, Template>
  readonly formats: Map<string, FormatSpec>
  readonly schemas: Map<string, ValueSchema>
  readonly beside: Beside
  /** Files that were read: path -> text. */
  readonly enclosed: Map<string, string>
}

export function checkExpression(checking: Checking, path: Path, names: Names, gives: Gives): void {
  const source = textAt(checking, path)
  if (source === null) return
  const { expression, problems } = hasPlaceholder(source)
    ? { expression: null, problems: [wrapped(path)] }
    : compileExpression(source, names, gives)
  for (const { offset, ...finding } of problems) add(checking, path, finding, offset)
  if (expression) checking.expressions.set(labelOf(path), expression)
}

/** `otherwise`: what stands for it where the file says nothing. */
export function checkTemplate(checking: Checking, path: Path, names: Names, field: string, otherwise: Json = {}): void {
  const value = (valueAt(checking.file, path) ?? otherwise) as Json
  const { template, problems } = compileTemplate(value, names, field)
  for (const { offset, path: inside, ...finding } of problems) add(checking, [...path, ...inside], finding, offset)
  if (template) checking.templates.set(labelOf(path), template)
}

export function checkUses(checking: Checking, path: Path): void {
  const uses = textAt(checking, path)
  const { functions } = checking
  if (uses === null || !functions || !usesPattern.test(uses) || functions.has(uses)) return
  add(checking, path, {
    code: 'unknown_function',
    message: `there is no function "${shorten(uses)}"`,
    expected: `a file functions/${shorten(uses)}.ts (or .js, .mjs)`,
    fix: didYouMean(uses, functions, `create functions/${shorten(uses)}.ts`),
  })
}

export function checkRetry(checking: Checking, path: Path): void {
  checkDelays(checking, path)
  const never = valueAt(checking.file, [...path, 'never'])
  const on = valueAt(checking.file, [...path, 'on'])
  if (!Array.isArray(never) || !Array.isArray(on)) return
  const place = never.findIndex((code) => on.includes(code))
  if (place < 0) return
  const message = `"${shorten(String(never[place]))}" is in retry.on and in retry.never`
  const found = finding('wrong_value', message, 'each code in one of them', 'remove it from one')
  add(checking, [...path, 'never', place], found)
}

function checkDelays(checking: Checking, path: Path): void {
  const initial = textAt(checking, [...path, 'initial']) ?? defaults.retry.initial
  const max = textAt(checking, [...path, 'max']) ?? defaults.retry.max
  const [initialMs, maxMs] = [parseDuration(initial), parseDuration(max)]
  if (initialMs === null || maxMs === null || initialMs <= maxMs) return
  const written = valueAt(checking.file, [...path, 'initial']) === undefined ? 'max' : 'initial'
  add(checking, [...path, written], {
    code: 'wrong_value',
    message: `retry.initial (${initial}) is longer than retry.max (${max})`,
    expected: 'a first wait that is not longer than the longest',
    fix: `write initial: ${max} or max: ${initial}`,
  })
}

export function add(checking: Checking, path: Path, finding: Finding, textOffset?: number): void {
  checking.findings.push({ ...finding, path, part: 'value', ...(textOffset === undefined ? {} : { textOffset }) })
}

export function addAtKey(checking: Checking, path: Path, finding: Finding): void {
  checking.findings.push({ ...finding, path, part: 'key' })
}

export function textAt(checking: Checking, path: Path): string | null {
  const value = valueAt(checking.file, path)
  return typeof value === 'string' ? value : null
}

export function isThere(checking: Checking, path: Path): boolean {
  return valueAt(checking.file, path) !== undefined
}

function wrapped(path: Path): ExpressionProblem {
  return {
    offset: 0,
    code: 'expression_syntax',
    message: `${labelOf(path)} has \${{ }} in it`,
    expected: 'plain CEL: the whole field is an expression',
    fix: 'remove the dollar sign and the braces',
  }
}
