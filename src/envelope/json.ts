/**
 * JSON as the engine carries it: like JSON, but an integer beyond 2^53 stays exact (as a bigint), and so does a fraction that
 * no double can say (as a text of its digits). The common case, a text without long numbers, takes the platform's own parser.
 */
import { type ParseOptions, parse, stringify } from 'lossless-json'
import { exactNumber } from './number.ts'

export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json }

/**
 * Parses JSON text. Throws SyntaxError, with the position, on anything else, and RangeError for what nobody can hold: it
 * nests by the thousand, or has a number of that many digits.
 */
export function parseJson(text: string): Json {
  return hasLongNumbers(text) ? (parse(text, undefined, lossless) as Json) : JSON.parse(text)
}

/** Rather once too often: a text with such a number in it cannot be told apart. */
export function hasLongNumbers(jsonText: string): boolean {
  return hasLongRun(jsonText) || powers.test(jsonText)
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

/** Of digits and points; one this long may say more than a double can. */
const runChars = 16

/** Every run of so many has one at a multiple of it, so that few characters are looked at. */
function hasLongRun(text: string): boolean {
  for (let at = runChars - 1; at < text.length; at += runChars) {
    if (isOfNumber(text.charCodeAt(at)) && runAround(text, at) >= runChars) return true
  }
  return false
}

/** How long the run is of which this is one, up to where it is long enough. */
function runAround(text: string, at: number): number {
  let from = at
  let to = at + 1
  while (at - from < runChars && isOfNumber(text.charCodeAt(from - 1))) from--
  while (to - at < runChars && isOfNumber(text.charCodeAt(to))) to++
  return to - from
}

/** `0` to `9` and the point; of a place outside of the text it is not. */
function isOfNumber(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2e
}

/** `1e400`; what only looks like it within a text is rarely followed by what follows a number. */
const powers = /[eE][+-]?\d{2,}\s*(?:[,}\]]|$)/
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
