/**
 * What a file means, beyond its shape: ids that are there once, functions that exist, expressions that speak of what
 * there is. It looks at the raw values, so that it finds what it can in a file whose shape is wrong elsewhere.
 */
import type { Json } from '../envelope/json.ts'
import { parseDuration } from './duration.ts'
import { compileExpression, type Gives } from './expression/compile.ts'
import type { ExpressionProblem, Names } from './expression/names.ts'
import { defaults, limits } from './limits.ts'
import { whyReserved } from './message.ts'
import { idPattern, usesPattern } from './model.ts'
import { didYouMean } from './nearest.ts'
import { hasPlaceholder } from './placeholder.ts'
import type { Path } from './places.ts'
import type { Expression, Template } from './plan.ts'
import { type Finding, finding, shorten } from './problem.ts'
import { type FieldFinding, labelOf, valueAt } from './shape.ts'
import { compileTemplate } from './template.ts'

export interface Meaning {
  readonly findings: readonly FieldFinding[]
  /** By the path of the field, as `labelOf` writes it. */
  readonly expressions: ReadonlyMap<string, Expression>
  readonly templates: ReadonlyMap<string, Template>
}

/** `functions`: the names that exist, or null where that is not to be checked. */
export function checkMeaning(file: unknown, functions: ReadonlySet<string> | null): Meaning {
  const checking: Checking = { file, functions, findings: [], expressions: new Map(), templates: new Map() }
  const list = valueAt(file, ['steps'])
  const steps = Array.isArray(list) ? list.slice(0, limits.stepsMax) : []
  const ids = steps.map((_, place) => textAt(checking, ['steps', place, 'id']))
  const known = ids.filter((id) => id !== null)
  checkExpression(checking, ['key'], { ...noSteps, later: known }, 'key')
  checkExpression(checking, ['deduplicate', 'by'], { ...noSteps, later: known }, 'key')
  checkEndings(checking, known)
  checkUnique(checking, ids)
  for (const place of steps.keys()) {
    if (checking.findings.length > enough) break
    checkStep(checking, place, namesAt(ids, place))
  }
  return checking
}

/** Findings beyond those shown cost time and tell nobody anything. */
const enough = 2 * limits.problemsMax

interface Checking {
  readonly file: unknown
  readonly functions: ReadonlySet<string> | null
  readonly findings: FieldFinding[]
  readonly expressions: Map<string, Expression>
  readonly templates: Map<string, Template>
}

const noSteps = { settled: [], self: null, nothingSettled: 'event, for no step has run when the key is computed' }

function namesAt(ids: readonly (string | null)[], place: number): Names {
  const named = (some: readonly (string | null)[]) => some.filter((id) => id !== null)
  const nothingSettled = 'event, for this is the first step'
  return {
    settled: named(ids.slice(0, place)),
    later: named(ids.slice(place)),
    self: ids[place] ?? null,
    nothingSettled,
  }
}

function checkStep(checking: Checking, place: number, names: Names): void {
  const at = ['steps', place] as const
  checkUses(checking, [...at, 'uses'])
  checkDelays(checking, [...at, 'retry'])
  checkExpression(checking, [...at, 'when'], names, 'bool')
  checkTemplate(checking, [...at, 'with'], names, 'with')
  checkPublish(checking, [...at, 'publish'], ownOutputToo(names))
}

/** What a step publishes is made when it has ended well. */
function ownOutputToo(names: Names): Names {
  const { settled, later, self } = names
  const ended = self === null ? settled : [...settled, self]
  return { ...names, settled: ended, later: later.filter((id) => id !== self), published: true }
}

/** Every step has ended by then; the output of one that never ran is null. */
function checkEndings(checking: Checking, ids: readonly string[]): void {
  const names = { settled: ids, later: [], self: null, nothingSettled: 'event', published: true }
  checkPublish(checking, ['publish', 'completed'], names)
  checkPublish(checking, ['publish', 'failed'], { ...names, error: true })
}

/** One message, or a list of them. */
function checkPublish(checking: Checking, path: Path, names: Names): void {
  const value = valueAt(checking.file, path)
  const places = Array.isArray(value) ? [...value.slice(0, limits.publishMax).keys()] : []
  for (const place of places) checkMessage(checking, [...path, place], names)
  if (!Array.isArray(value)) checkMessage(checking, path, names)
}

function checkMessage(checking: Checking, path: Path, names: Names): void {
  if (typeof valueAt(checking.file, path) !== 'object') return
  checkExpression(checking, [...path, 'when'], names, 'bool')
  checkExpression(checking, [...path, 'key'], names, 'key')
  checkTemplate(checking, [...path, 'value'], names, 'value')
  checkTemplate(checking, [...path, 'headers'], names, 'headers')
  const headers = valueAt(checking.file, [...path, 'headers'])
  for (const name of Object.keys((headers ?? {}) as object)) checkHeader(checking, [...path, 'headers', name], name)
}

function checkHeader(checking: Checking, path: Path, name: string): void {
  const why = whyReserved(name)
  if (why === null) return
  const found = finding(
    'reserved_header',
    `the header "${shorten(name)}" ${why}`,
    'another name',
    'rename or remove it',
  )
  checking.findings.push({ ...found, path, part: 'key' })
}

function checkUnique(checking: Checking, ids: readonly (string | null)[]): void {
  for (const [place, id] of ids.entries()) {
    const first = id === null ? place : ids.indexOf(id)
    if (first === place || !idPattern.test(id!)) continue
    add(checking, ['steps', place, 'id'], {
      code: 'duplicate_step',
      message: `the id "${id}" is taken by step ${first + 1}`,
      expected: 'an id of its own',
      fix: `write ${freeId(id!, ids)}`,
    })
  }
}

function freeId(id: string, taken: readonly (string | null)[]): string {
  let number = 2
  while (taken.includes(`${id}_${number}`)) number++
  return `${id}_${number}`
}

function checkUses(checking: Checking, path: Path): void {
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

function checkExpression(checking: Checking, path: Path, names: Names, gives: Gives): void {
  const source = textAt(checking, path)
  if (source === null) return
  const { expression, problems } = hasPlaceholder(source)
    ? { expression: null, problems: [wrapped(path)] }
    : compileExpression(source, names, gives)
  for (const { offset, ...finding } of problems) add(checking, path, finding, offset)
  if (expression) checking.expressions.set(labelOf(path), expression)
}

function checkTemplate(checking: Checking, path: Path, names: Names, field: string): void {
  const { template, problems } = compileTemplate((valueAt(checking.file, path) ?? {}) as Json, names, field)
  for (const { offset, path: inside, ...finding } of problems) add(checking, [...path, ...inside], finding, offset)
  if (template) checking.templates.set(labelOf(path), template)
}

function add(checking: Checking, path: Path, finding: Finding, textOffset?: number): void {
  checking.findings.push({ ...finding, path, part: 'value', ...(textOffset === undefined ? {} : { textOffset }) })
}

function textAt(checking: Checking, path: Path): string | null {
  const value = valueAt(checking.file, path)
  return typeof value === 'string' ? value : null
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
