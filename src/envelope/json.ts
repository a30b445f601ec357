/**
 * JSON as the engine carries it: like JSON, but an integer beyond 2^53 stays exact (as a bigint). The common case,
 * a text without long digit runs, takes the platform's own parser.
 */
import { isInteger, isSafeNumber, type ParseOptions, parse, stringify } from 'lossless-json'

export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json }

/** Parses JSON text. Throws SyntaxError, with the position, on anything else. */
export function parseJson(text: string): Json {
  return longDigits.test(text) ? (parse(text, undefined, lossless) as Json) : JSON.parse(text)
}

/** Writes JSON text without line breaks. Throws TypeError for what JSON cannot say (cycles, functions). */
export function stringifyJson(value: Json): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!String(error).includes('BigInt')) throw error
    return stringify(value) as string
  }
}

/** Postgres' JSON parser is recursive; what nests deeper breaks the view that shows it. */
export const depthMax = 128

/**
 * True when Postgres can hold this JSON text as jsonb: no NUL and no lone surrogate, neither of which its text type
 * can say (https://www.postgresql.org/docs/current/datatype-json.html), and no deeper than `depthMax`.
 */
export function isStorable(jsonText: string): boolean {
  if (isTooDeep(jsonText)) return false
  return !suspicious.test(jsonText) || isStorableSlow(jsonText)
}

/** Of valid JSON text. What nests by the thousand cannot even be written again: `stringifyJson` calls itself. */
function isTooDeep(jsonText: string): boolean {
  return bracketDepth(jsonText) > depthMax && depthOf(jsonText) > depthMax
}

const longDigits = /\d{16}/
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is exactly what is looked for
const suspicious = /\\u0000|\\u[dD][89a-fA-F]|[\ud800-\udfff]|\u0000/

function isStorableSlow(jsonText: string): boolean {
  const storable = (text: string) => !text.includes('\u0000') && Buffer.from(text, 'utf8').toString('utf8') === text
  const walk = (value: unknown): boolean => {
    if (typeof value === 'string') return storable(value)
    if (value === null || typeof value !== 'object') return true
    return Object.entries(value).every(([name, item]) => storable(name) && walk(item))
  }
  return walk(JSON.parse(jsonText))
}

/** At least the depth, and quickly: brackets within strings count too. */
function bracketDepth(jsonText: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < jsonText.length; at++) {
    const code = jsonText.charCodeAt(at) | 0x20
    if (code === openBracket) deepest = Math.max(deepest, ++depth)
    else if (code === closeBracket) depth--
  }
  return deepest
}

/** Without parsing: a hostile text nests half a million deep. */
function depthOf(jsonText: string): number {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let at = 0; at < jsonText.length; at++) {
    const code = jsonText.charCodeAt(at)
    if (code === quote) quoted = !quoted
    else if (quoted) at += code === backslash ? 1 : 0
    else if ((code | 0x20) === openBracket) deepest = Math.max(deepest, ++depth)
    else if ((code | 0x20) === closeBracket) depth--
  }
  return deepest
}

const quote = 0x22
const backslash = 0x5c
/** `{` and, without one bit, `[`. */
const openBracket = 0x7b
const closeBracket = 0x7d

/** Of a name that comes twice the last one counts, as with the platform's parser. */
const lossless: ParseOptions = { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue }

function exactNumber(text: string): number | bigint {
  return isInteger(text) && !isSafeNumber(text) ? BigInt(text) : Number(text)
}
