/**
 * Form data (application/x-www-form-urlencoded): an object of texts; of a name that comes several times a list. Stricter than a
 * browser: what is no UTF-8 behind its percent signs is refused, not replaced.
 */
import { EngineError } from '../../base/error.ts'
import type { Format } from '../format.ts'
import type { Json } from '../json.ts'
import { put } from './plain.ts'
import { textOf, unreadable, unwritable } from './text.ts'

export const form: Format = {
  mediaTypes: ['application/x-www-form-urlencoded'],
  decode: (bytes) => fieldsOf(textOf(bytes)),
  encode: (value) => Buffer.from(written(value), 'utf8'),
}

const fieldsMax = 1000

function fieldsOf(text: string): Json {
  const pairs = text.split('&', fieldsMax + 1).filter((pair) => pair !== '')
  if (pairs.length > fieldsMax) throw unreadable('form', `it has more than ${fieldsMax} fields`)
  const fields: { [name: string]: Json } = {}
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals))
    add(fields, name, equals < 0 ? '' : decoded(pair.slice(equals + 1)))
  }
  return fields
}

function add(fields: { [name: string]: Json }, name: string, value: string): void {
  const there = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (there === undefined) put(fields, name, value)
  else if (Array.isArray(there)) there.push(value)
  else put(fields, name, [there, value])
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new EngineError('value_not_form', 'the value is not form: what follows a % is no UTF-8', { cause })
  }
}

function written(value: Json): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unwritable('form', 'anything but an object of texts, numbers, and lists of them')
  }
  const form = new URLSearchParams()
  for (const [name, field] of Object.entries(value)) {
    for (const each of Array.isArray(field) ? field : [field]) form.append(name, fieldText(name, each))
  }
  return form.toString()
}

function fieldText(name: string, value: Json): string {
  if (value !== null && typeof value !== 'object') return String(value)
  throw unwritable('form', `${value === null ? 'null' : 'an object or a list of lists'}, at ${name}`)
}
