/** JSON, and everything whose media type ends in +json. */
import type { Format } from '../format.ts'
import { type Json, parseJson, stringifyJson } from '../json.ts'
import { reading, textOf } from './text.ts'

export const json: Format = {
  mediaTypes: ['application/json', 'text/json'],
  decode: (bytes) => readJson(textOf(bytes)),
  encode: (value) => Buffer.from(stringifyJson(value), 'utf8'),
}

/** Throws `EngineError` `value_not_json` or `value_unstorable`. */
export function readJson(text: string): Json {
  return reading('JSON', () => parseJson(text))
}
