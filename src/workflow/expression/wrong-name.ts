/** What is said of a name that cannot stand where it does. Steps have a file of their own. */
import { didYouMean, nearest } from '../nearest.ts'
import { shorten } from '../problem.ts'
import type { ExpressionProblem, Names } from './names.ts'

export const eventFields = ['id', 'type', 'source', 'time', 'key', 'data', 'meta', 'auth', 'http']
export const authFields = ['principal', 'family', 'roles', 'claims', 'by']
export const signalFields = ['id', 'type', 'source', 'time', 'key', 'data']

export function bareEvent(name: string, offset: number): ExpressionProblem {
  return {
    offset,
    code: `bare_${name}`,
    message: `"${name}" is used as a whole`,
    expected: `one of its fields: ${fieldsOf(name).join(', ')}`,
    fix: `name what is needed, such as ${name}.data`,
  }
}

export function bareSteps(offset: number, names: Names): ExpressionProblem {
  const example = names.settled().at(-1) ?? 'some_step'
  return {
    offset,
    code: 'bare_steps',
    message: '"steps" is used without the id of a step',
    expected: 'steps.<id>.output',
    fix: `name the step, such as steps.${example}.output`,
  }
}

export function bareError(offset: number, names: Names, bound: ReadonlySet<string>): ExpressionProblem {
  if (!names.error) return unknownVariable('error', offset, bound, names)
  return {
    offset,
    code: 'bare_error',
    message: '"error" is used without one of its fields',
    expected: 'error.code or error.message',
    fix: 'write error.code or error.message',
  }
}

/** Most who name another field look for the credential itself, which was there once. */
export function noCredentials(name: string, offset: number): ExpressionProblem {
  return {
    offset,
    code: 'auth_credentials',
    message: `event.auth has no field "${shorten(name)}": it says who was authenticated, and holds no credentials`,
    expected: `one of ${authFields.join(', ')}`,
    fix: wayFor(name),
  }
}

function wayFor(name: string): string {
  const way = ways[name.toLowerCase()]
  return way
    ? `ask for it with "auth:", by ${way}, and read event.auth.principal`
    : didYouMean(name, authFields, 'read event.auth.principal')
}

const ways: Record<string, string | undefined> = Object.assign(Object.create(null), {
  authorization: 'jwt, basic or a function of yours',
  cookie: 'a function of yours',
  'x-api-key': 'apiKey',
  'api-key': 'apiKey',
})

export function nobodyAsked(offset: number): ExpressionProblem {
  return {
    offset,
    code: 'auth_nobody',
    message: 'event.auth is nobody: the workflow does not say who may send its events',
    expected: '"auth" in the workflow, with the ways to authenticate',
    fix: 'add "auth:", such as auth: [{ apiKey: { keys: my_keys } }]',
  }
}

export function secretNamed(root: string, path: string, offset: number): ExpressionProblem {
  const ofEvent = root === 'event'
  return {
    offset,
    code: 'secret_named',
    message: ofEvent
      ? `${root}.${path} is secret, and is not given to this`
      : `${root}.${path} is secret, and is not kept with the event`,
    expected: ofEvent
      ? 'fields that are not secret; only with: of uses, compensate and call may name it'
      : 'other fields of it',
    fix: ofEvent
      ? 'let a function work out what is needed from it, and use its output'
      : 'use another field, or take this one out of the classify of its topic',
  }
}

export function unknownVariable(
  name: string,
  offset: number,
  bound: ReadonlySet<string>,
  names: Names,
): ExpressionProblem {
  const known = ['event', 'steps', ...(names.error ? ['error'] : []), ...names.others]
  const near = nearest(name, [...known, ...bound])
  return {
    offset,
    code: 'unknown_variable',
    message: `unknown name "${shorten(name)}"`,
    expected: `${known.slice(0, -1).join(', ')} or ${known.at(-1)}`,
    fix: near ? `did you mean "${near}"?` : (elsewhere[name] ?? otherwise(name)),
  }
}

/** Names that are there at other places. */
const elsewhere: Record<string, string | undefined> = Object.assign(Object.create(null), {
  output: 'only compensate sees "output"; elsewhere it is steps.<id>.output',
  signal: 'only wait.match sees "signal"; later it is the output of the wait',
  item: 'only what stands inside of a forEach sees its item, by the name that "as" gives it',
})

function otherwise(name: string): string {
  return `a field of the event's data is event.data.${shorten(name)}, and text goes in quotes`
}

export function unknownField(of: string, name: string, offset: number): ExpressionProblem {
  const fields = fieldsOf(of)
  return {
    offset,
    code: `unknown_${of}_field`,
    message: `the ${of} has no field "${shorten(name)}"`,
    expected: `one of ${fields.join(', ')}`,
    fix: didYouMean(name, fields, `if it is in the ${of}'s data, write ${of}.data.${shorten(name)}`),
  }
}

function fieldsOf(name: string): string[] {
  return name === 'signal' ? signalFields : eventFields
}

export function shadowed(name: string, offset: number, { others }: Names): ExpressionProblem {
  return {
    offset,
    code: 'shadowed_name',
    message: `"${name}" is used as the name of a loop's item`,
    expected: 'a name of its own',
    fix: `call it ${others.includes('item') ? 'each' : 'item'}`,
  }
}

export function reservedKey(key: string, offset: number): ExpressionProblem {
  return {
    offset,
    code: 'reserved_key',
    message: `a map cannot be given the key "${key}" in an expression`,
    expected: 'another key',
    fix: 'write the map in YAML instead, with the expressions as its values',
  }
}

export function badPattern(why: string, offset: number): ExpressionProblem {
  return {
    offset,
    code: 'bad_pattern',
    message: `the pattern of matches() ${why}`,
    expected: 'a literal regular expression without lookaround, backreference or a repeat inside of a repeat',
    fix: 'simplify it, or match in a function',
  }
}
