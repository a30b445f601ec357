/**
 * JSON5: a JavaScript object literal, parsed as JavaScript and never evaluated. What JSON5 does not know of it is refused, and
 * numbers are taken from how they are written, so that none is rounded. Source: https://spec.json5.org/
 */
import { type Expression, type Node, type Program, parse } from 'acorn'
import type { Format } from '../format.ts'
import { type Json, stringifyJson } from '../json.ts'
import { exactNumber, plainInteger } from '../number.ts'
import { put } from './plain.ts'
import { isStackFull, reading, textOf, tooDeep, unreadable, upTo } from './text.ts'

export const json5: Format = {
  mediaTypes: ['application/json5', 'text/json5'],
  decode: (bytes) => reading('JSON5', () => read(literalOf(textOf(upTo(bytesMax, 'JSON5', bytes))), 0)),
  /** JSON is JSON5. */
  encode: (value) => Buffer.from(stringifyJson(value), 'utf8'),
}

/** The parser takes a microsecond or two for a character. */
const bytesMax = 256 * 1024

/** In brackets of ours, so that an object is no block; whatever closes them early is no single literal any more. */
function literalOf(text: string): Expression {
  const { body } = parsed(text)
  const [statement] = body
  if (body.length !== 1 || statement?.type !== 'ExpressionStatement') throw notJson5(statement ?? null, 'one value')
  const { expression } = statement
  if (expression.type !== 'ParenthesizedExpression') throw notJson5(expression, 'one value')
  return expression.expression
}

function parsed(text: string): Program {
  try {
    return parse(`(${text}\n)`, options)
  } catch (error) {
    if (!(error instanceof SyntaxError) || !('pos' in error) || isStackFull(error)) throw error
    throw unreadable('JSON5', `at character ${error.pos}: ${error.message.replace(/ \(\d+:\d+\)$/, '').toLowerCase()}`)
  }
}

/** As a module there are no octal numbers and no HTML comments. */
const options = { ecmaVersion: 2022, sourceType: 'module', preserveParens: true } as const

const depthMax = 128

function read(node: Node, depth: number): Json {
  if (depth > depthMax) throw tooDeep()
  const { type, raw, value, elements, properties } = node as Shape
  if (type === 'Literal' && raw !== undefined) return literal(node, raw, value)
  if (type === 'UnaryExpression') return signed(node as Shape)
  if (type === 'ArrayExpression') return (elements ?? []).map((each) => item(each, depth))
  if (type === 'ObjectExpression') return object(properties ?? [], depth)
  throw notJson5(node, 'a literal')
}

/** What is looked at of a node, whichever it is. */
interface Shape extends Node {
  readonly raw?: string
  readonly value?: unknown
  readonly regex?: unknown
  readonly bigint?: unknown
  readonly elements?: readonly (Node | null)[]
  readonly properties?: readonly Node[]
  readonly operator?: string
  readonly argument?: Node
  readonly name?: string
  readonly key?: Node
  readonly kind?: string
  readonly method?: boolean
  readonly shorthand?: boolean
  readonly computed?: boolean
}

function literal(node: Node, raw: string, value: unknown): Json {
  if (typeof value === 'number') return number(node, raw, '')
  if (value === null && raw !== 'null') throw notJson5(node, 'a literal')
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  throw notJson5(node, 'a literal')
}

function signed({ operator, argument, start }: Shape): Json {
  const { raw, value, start: from } = argument as Shape
  const isNumber = typeof value === 'number' && raw !== undefined && from === start + 1
  if (!isNumber || (operator !== '-' && operator !== '+')) throw notJson5(argument as Node, 'a number')
  return number(argument as Node, raw, operator === '-' ? '-' : '')
}

const decimal = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

function number(node: Node, raw: string, sign: string): Json {
  if (/^0x[\da-f]+$/i.test(raw)) return hex(node, raw, sign)
  if (!decimal.test(raw)) throw notJson5(node, 'a decimal or hexadecimal number')
  // As JSON would write it: `.5` and `5.` are of JSON5 alone.
  const plain = raw.replace(/^\./, '0.').replace(/\.(?=e|$)/i, '')
  return exactNumber(sign + plain)
}

const hexCharsMax = 800

function hex(node: Node, raw: string, sign: string): Json {
  if (raw.length > hexCharsMax) throw notJson5(node, 'a number of fewer digits')
  const value = BigInt(raw)
  return plainInteger(sign === '-' ? -value : value)
}

function item(node: Node | null, depth: number): Json {
  if (node === null) throw unreadable('JSON5', 'a list has a place without a value')
  return read(node, depth + 1)
}

function object(properties: readonly Node[], depth: number): Json {
  const object: { [name: string]: Json } = {}
  for (const property of properties as readonly Shape[]) {
    const { type, kind, method, shorthand, computed, key, value } = property
    if (type !== 'Property' || kind !== 'init' || method || shorthand || computed)
      throw notJson5(property, 'name: value')
    put(object, nameOf(key as Shape), read(value as Node, depth + 1))
  }
  return object
}

function nameOf(key: Shape): string {
  if (key.type === 'Identifier') return key.name as string
  if (typeof key.value === 'string') return key.value
  throw notJson5(key, 'a name or a text before the colon')
}

function notJson5(node: Node | null, expected: string): Error {
  return unreadable('JSON5', `at character ${node?.start ?? 1} expected ${expected}`)
}
