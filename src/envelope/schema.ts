/** JSON Schema 2020-12: what a value must be. Compiled once; what does not fit is told by its place, never by its content. */

import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { EngineError, messageOf } from '../base/error.ts'
import type { Envelope } from './envelope.ts'
import { hasLongNumbers, type Json, stringifyJson } from './json.ts'

export interface ValueSchema {
  /** Throws `EngineError` `schema_mismatch`. `text`: the envelope's, as the ledger keeps it. */
  check(envelope: Envelope, text: string): void
}

/** Throws `EngineError` `schema_invalid`. */
export function compileSchema(schema: Json): ValueSchema {
  const validate = compiled(schema)
  return {
    check({ data }, text) {
      // A schema knows numbers alone: not as bigints, nor as texts of their digits.
      if (validate(hasLongNumbers(text) ? JSON.parse(text).data : data)) return
      throw new EngineError('schema_mismatch', `the data does not fit its schema: ${mismatchOf(validate.errors ?? [])}`)
    },
  }
}

function compiled(schema: Json) {
  // Strict: a keyword that is misspelt would silently allow everything.
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    logger: false,
  })
  addFormats.default(ajv)
  try {
    return ajv.compile(JSON.parse(stringifyJson(schema)))
  } catch (cause) {
    throw new EngineError('schema_invalid', `the schema is no JSON Schema (2020-12): ${reasonOf(messageOf(cause))}`, {
      cause,
    })
  }
}

function reasonOf(message: string): string {
  return message
    .replace(/^schema is invalid: /, '')
    .replaceAll(/\bdata\//g, '')
    .slice(0, 300)
}

/** `data.items[0].price must be number`. */
function mismatchOf([error]: readonly ErrorObject[]): string {
  if (error === undefined) return 'it is refused'
  const { instancePath, message, keyword, params } = error
  const extra = keyword === 'additionalProperties' ? `: ${String(params.additionalProperty).slice(0, 60)}` : ''
  return `${placeOf(instancePath)} ${message}${extra}`
}

function placeOf(pointer: string): string {
  const parts = pointer.split('/').slice(1)
  const names = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return `data${names.map((name) => (/^\d+$/.test(name) ? `[${name}]` : `.${name}`)).join('')}`.slice(0, 300)
}
