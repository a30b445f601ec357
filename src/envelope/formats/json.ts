/** JSON, and everything whose media type ends in +json. */
import { EngineError } from '../../base/error.ts'
import type { Format } from '../format.ts'
import { type Json, parseJson, stringifyJson } from '../json.ts'
import { textOf, tooDeep, unreadable } from './text.ts'

export const json: Format = {
  mediaTypes: ['application/json', 'text/json'],
  decode: (bytes) => readJson(textOf(bytes)),
  encode: (value) => Buffer.from(stringifyJson(value), 'utf8'),
}

/** Throws `EngineError` `value_not_json` or `value_unstorable`. */
export function readJson(text: string): Json {
  try {
    return parseJson(text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw unreadable('JSON', error)
    if (/call stack/.test(error.message)) throw tooDeep() // nests so deep that reading it overflows the stack
    throw new EngineError('value_unstorable', `the value holds ${error.message}`, { cause: error })
  }
}
