/**
 * Compiles a step's `with:`, or what is published. A text that is one `${{ }}` keeps its value's type; with anything around it, it is a
 * text: null becomes nothing, maps and lists become JSON. What holds no expression is kept as it is.
 */
import { EngineError } from '../base/error.ts'
import { type Json, stringifyJson } from '../envelope/json.ts'
import { dataPath, type SecretPath } from '../envelope/secret-path.ts'
import { compileExpression } from './expression/compile.ts'
import type { ExpressionProblem, Names } from './expression/names.ts'
import { limits } from './limits.ts'
import { splitPlaceholders } from './placeholder.ts'
import type { Expression, Scope, Template } from './plan.ts'

/** Where in the `with:` a problem is: the path to the text, and (as `offset`) the place in it. */
export interface TemplateProblem extends ExpressionProblem {
  readonly path: readonly (string | number)[]
}

export type CompiledTemplate =
  | { readonly template: Template; readonly problems: readonly [] }
  | { readonly template: null; readonly problems: readonly TemplateProblem[] }

/** `field`: what its errors call it. */
export function compileTemplate(value: Json, names: Names, field = 'with'): CompiledTemplate {
  const problems: TemplateProblem[] = []
  const to: Compiling = { names, problems, field, secretsAt: [] }
  const part = compile(typeof value === 'string' ? value.trim() : value, [], to)
  if (problems.length > 0) return { template: null, problems }
  return { template: Object.freeze({ secretsAt: Object.freeze(to.secretsAt), render: renderer(part) }), problems: [] }
}

type PathTo = readonly (string | number)[]

/** Either a value that is always the same, or what makes it from a scope. */
type Compiled = { readonly constant: Json } | { readonly render: (scope: Scope) => Json }

interface Compiling {
  readonly names: Names
  readonly field: string
  readonly problems: TemplateProblem[]
  readonly secretsAt: SecretPath[]
}

function compile(value: Json, path: PathTo, to: Compiling): Compiled {
  if (to.problems.length > limits.problemsMax) return { constant: null }
  if (typeof value === 'string') return compileText(value, path, to)
  if (Array.isArray(value)) return compileList(value, path, to)
  if (typeof value === 'object' && value !== null) return compileMap(value, path, to)
  return { constant: value }
}

function compileList(list: readonly Json[], path: PathTo, to: Compiling): Compiled {
  const items = list.map((item, place) => compile(item, [...path, place], to))
  if (items.every(isConstant)) return { constant: Object.freeze(items.map((item) => item.constant)) as Json[] }
  const renders = items.map(renderer)
  return { render: (scope) => renders.map((render) => render(scope)) }
}

function compileMap(map: { readonly [name: string]: Json }, path: PathTo, to: Compiling): Compiled {
  const fields = Object.keys(map).map((name) => [name, compile(map[name]!, [...path, name], to)] as const)
  if (fields.every(hasConstant)) return { constant: Object.freeze(mapOf(fields, (field) => field.constant)) }
  const renders = fields.map(([name, field]) => [name, renderer(field)] as const)
  return { render: (scope) => mapOf(renders, (render) => render(scope)) }
}

function hasConstant(field: readonly [string, Compiled]): field is readonly [string, { readonly constant: Json }] {
  return isConstant(field[1])
}

/** A field may be called `__proto__`; defining it, instead of assigning, keeps it a mere field. */
function mapOf<T>(fields: readonly (readonly [string, T])[], toValue: (field: T) => Json): { [name: string]: Json } {
  const map: { [name: string]: Json } = {}
  for (const [name, field] of fields) {
    const value = toValue(field)
    if (name === '__proto__') Object.defineProperty(map, name, { value, enumerable: true })
    else map[name] = value
  }
  return map
}

function compileText(text: string, path: PathTo, to: Compiling): Compiled {
  const split = splitPlaceholders(text)
  if ('unclosed' in split) {
    to.problems.push({ ...unclosed, path, offset: split.unclosed })
    return { constant: null }
  }
  if (split.parts.every((part) => typeof part === 'string')) return { constant: split.parts.join('') }
  const input = inputName(to.field, path)
  const parts = split.parts.map((part) => (typeof part === 'string' ? part : compilePart(part, path, to)))
  const only = parts[0]
  if (parts.length === 1 && typeof only === 'object') return { render: named(input, (scope) => only.evaluate(scope)) }
  return { render: named(input, (scope) => joined(parts, scope)) }
}

function compilePart(part: { source: string; offset: number }, path: PathTo, to: Compiling): Expression {
  if (to.problems.length > limits.problemsMax) return nothing
  const { expression, problems } = compileExpression(part.source.trim(), to.names, 'json')
  if (expression?.isSecret) to.secretsAt.push(dataPath(path))
  const start = part.offset + part.source.length - part.source.trimStart().length
  for (const problem of problems) to.problems.push({ ...problem, path, offset: start + problem.offset })
  return expression ?? nothing
}

/** In the place of an expression that could not be compiled: its template is never used. */
const nothing: Expression = { source: '', evaluate: () => null }

function joined(parts: readonly (string | Expression)[], scope: Scope): string {
  let text = ''
  for (const part of parts) text += typeof part === 'string' ? part : asText(part.evaluate(scope))
  return text
}

/** As it stands among other text: null is nothing, maps and lists are JSON. */
export function asText(value: Json): string {
  if (value === null) return ''
  return typeof value === 'object' ? stringifyJson(value) : String(value)
}

/** What fails is said to fail for the input that it was for. */
function named(input: string, render: (scope: Scope) => Json): (scope: Scope) => Json {
  return (scope) => {
    try {
      return render(scope)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      const details = { ...error.details, input }
      throw new EngineError(error.code, `${input}: ${error.message}`, { details, cause: error })
    }
  }
}

function inputName(field: string, path: PathTo): string {
  let name = field
  for (const segment of path) name += typeof segment === 'number' ? `[${segment}]` : `.${segment}`
  return name
}

function isConstant(part: Compiled): part is { readonly constant: Json } {
  return 'constant' in part
}

function renderer(part: Compiled): (scope: Scope) => Json {
  return isConstant(part) ? () => part.constant : part.render
}

const unclosed = {
  code: 'unclosed_expression',
  message: 'the expression that begins here has no end',
  expected: 'a closing }}',
  fix: 'close it, or write $$ before the braces if they are meant as text',
}
