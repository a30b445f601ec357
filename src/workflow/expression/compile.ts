/** A CEL source becomes an `Expression`, or the list of what is wrong with it; and what its result may be. */
import { EngineError } from '../../base/error.ts'
import type { Json } from '../../envelope/json.ts'
import { limits } from '../limits.ts'
import { parseTime } from '../model/fields.ts'
import type { Expression, Scope } from '../plan.ts'
import { show } from '../problem.ts'
import { CelMistake, type Parsed, parseCel } from './cel.ts'
import { explain } from './explain.ts'
import type { ExpressionProblem, Names } from './names.ts'
import { type Path, pathOf, readPath, whyMissing } from './path.ts'
import { type References, references } from './references.ts'
import { revealing } from './secret.ts'

/**
 * What the result must be: `when` wants a bool, `key` something that has one text, `with` takes any JSON. Whether a `list` is
 * one when there is data is for who asked.
 */
export type Gives = 'bool' | 'key' | 'list' | 'time' | 'json'

export type Compiled =
  | { readonly expression: Expression; readonly problems: readonly [] }
  | { readonly expression: null; readonly problems: readonly ExpressionProblem[] }

export function compileExpression(source: string, names: Names, gives: Gives): Compiled {
  const parsed = parse(source)
  if (!('tree' in parsed)) return { expression: null, problems: [parsed] }
  const used = references(parsed.tree, names)
  if (used.problems.length > 0) return { expression: null, problems: used.problems }
  const mistyped = checkType(parsed, source, gives)
  if (mistyped) return { expression: null, problems: [mistyped] }
  const path = pathOf(parsed.tree, names.others)
  const plain = path ? pathReader(path, source) : celReader(parsed, source, used)
  const isSecret = used.secrets.length > 0
  const read = isSecret ? (scope: Scope) => plain(revealing(scope, used.secrets)) : plain
  const accept = used.auth && acceptors[gives] ? hushed(acceptors[gives]) : acceptors[gives]
  const evaluate = accept ? (scope: Scope) => accept(read(scope), source) : read
  return { expression: Object.freeze({ source, isSecret, evaluate }), problems: [] }
}

/** The text by which records are ordered, or null for no order. Throws `expression_failed` for what has no one text. */
export function keyText(value: Json, source = 'key'): string | null {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      if (Number.isSafeInteger(value)) return String(value)
  }
  if (value === null) return null
  throw failed(`a key cannot be ${typeof value === 'number' ? `the fraction ${value}` : show(value)}`, source)
}

function parse(source: string): Parsed | ExpressionProblem {
  if (source.trim() === '') return empty
  if (source.length > limits.expressionCharsMax) return tooLong(source.length)
  try {
    return parseCel(source)
  } catch (error) {
    return explain(asMistake(error), source)
  }
}

function pathReader(path: Path, source: string): (scope: Scope) => Json {
  return (scope) => {
    const value = readPath(path, scope)
    if (value === undefined) throw failed(whyMissing(path, scope), source)
    return value
  }
}

function celReader(parsed: Parsed, source: string, used: References): (scope: Scope) => Json {
  return (scope) => {
    try {
      return parsed.evaluate(scope, used)
    } catch (error) {
      const mistake = asMistake(error)
      const why = missingPath(mistake, scope, used.others)
      if (used.auth) throw failed(why ?? unsaid, source)
      if (used.secrets.length > 0) throw failed(why ?? unsaidOfSecrets, source)
      throw failed(why ?? explain(mistake, source).message, source, error)
    }
  }
}

/** CEL names only the last field of a path that leads nowhere; the path itself can say more. */
function missingPath(mistake: CelMistake, scope: Scope, others: readonly string[]): string | null {
  if (mistake.code !== 'no_such_key' && mistake.code !== 'index_out_of_bounds') return null
  const path = mistake.tree && pathOf(mistake.tree, others)
  return path && whyMissing(path, scope)
}

type Acceptor = (value: Json, source: string) => Json

const acceptors: Record<Gives, Acceptor | null> = {
  bool: (value, source) => {
    if (typeof value === 'boolean') return value
    throw failed(`it gave ${show(value)}, not true or false`, source)
  },
  key: (value, source) => {
    keyText(value, source)
    return value
  },
  list: null,
  time: (value, source) => {
    if (typeof value === 'string' && parseTime(value) !== null) return value
    throw failed(`it gave ${show(value)}, not a time such as 2026-01-31T00:00:00Z`, source)
  },
  json: null,
}

/** An error quotes values, and these are credentials. */
const unsaid = 'it failed on what it read of event.auth, so no more is said of it'

const unsaidOfSecrets = 'it failed on what it read of a secret field, so no more is said of it'

function hushed(accept: Acceptor): Acceptor {
  return (value, source) => {
    try {
      return accept(value, source)
    } catch {
      throw failed(unsaid, source)
    }
  }
}

/** What CEL's checker may say of a result; the rest is looked at when there is data. */
const types: Record<Gives, { fits: RegExp; expected: string; fix: string }> = {
  bool: {
    fits: /^(bool|dyn|optional<.*>)$/,
    expected: 'true or false',
    fix: 'compare with something, such as event.data.plan == "pro"',
  },
  key: {
    fits: /^(string|int|uint|bool|null|dyn|optional<.*>)$/,
    expected: 'a text, an int, a bool or null',
    fix: 'use one field that names what is to stay in order, or string(…)',
  },
  list: {
    fits: /^(list.*|dyn|optional<.*>)$/,
    expected: 'a list',
    fix: 'name the list, such as event.data.items; the names in a map are its list by map.map(name, name)',
  },
  time: {
    fits: /^(google\.protobuf\.Timestamp|string|dyn|optional<.*>)$/,
    expected: 'a time: a timestamp, or a text such as 2026-01-31T00:00:00Z',
    fix: 'use one, such as timestamp(event.data.startsAt) or event.time + duration("30m")',
  },
  json: { fits: /^(?!type$)/, expected: 'a value', fix: 'compare the type inside of the expression' },
}

function checkType(parsed: Parsed, source: string, gives: Gives): ExpressionProblem | null {
  const checked = parsed.check()
  if (checked instanceof CelMistake) return explain(checked, source)
  const { fits, expected, fix } = types[gives]
  if (fits.test(checked.type)) return null
  const message = `the expression gives a ${checked.type.replace('google.protobuf.', '').toLowerCase()}`
  return { offset: 0, code: 'wrong_type', message, expected, fix }
}

function failed(why: string, source: string, cause?: unknown): EngineError {
  return new EngineError('expression_failed', why, { details: { expression: source }, cause })
}

function asMistake(error: unknown): CelMistake {
  if (error instanceof CelMistake) return error
  throw error
}

const empty: ExpressionProblem = {
  offset: 0,
  code: 'empty_expression',
  message: 'the expression is empty',
  expected: 'a CEL expression',
  fix: 'write one, such as event.data.id, or leave the field out',
}

function tooLong(chars: number): ExpressionProblem {
  return {
    offset: 0,
    code: 'limit',
    message: `the expression has ${chars} characters`,
    expected: `at most ${limits.expressionCharsMax}`,
    fix: 'move the logic into a function',
  }
}
