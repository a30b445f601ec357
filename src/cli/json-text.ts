/** JSON that somebody gives on the command line, for a step. */
import { messageOf } from '../base/error.ts'
import { isStorable, type Json, parseJson, stringifyJson } from '../envelope/json.ts'
import { usage } from './fail.ts'

/** `name` is what errors call it. Throws `EngineError` `usage`. */
export function jsonText(text: string, name: string): Json {
  const value = parsed(text, name)
  if (isStorable(stringifyJson(value))) return value
  throw usage(`${name} holds a NUL, half a character or nests too deep`)
}

function parsed(text: string, name: string): Json {
  try {
    return parseJson(text)
  } catch (cause) {
    throw usage(`${name} is no JSON: ${messageOf(cause)}; a text needs its quotes, as in '"done"'`)
  }
}
