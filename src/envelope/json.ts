/**
 * JSON as the engine carries it: like JSON, but an integer beyond 2^53 stays exact (as a bigint). The common case,
 * a text without long digit runs, takes the platform's own parser.
 */
import { isInteger, isSafeNumber, parse, stringify } from 'lossless-json'

export type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json }

/** Parses JSON text. Throws SyntaxError, with the position, on anything else. */
export function parseJson(text: string): Json {
  return longDigits.test(text) ? (parse(text, undefined, { parseNumber: exactNumber }) as Json) : JSON.parse(text)
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
  if (bracketDepth(jsonText) > depthMax && depthOf(JSON.parse(jsonText)) > depthMax) return false
  return !suspicious.test(jsonText) || isStorableSlow(jsonText)
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

/** At least the depth: brackets within strings count too. */
function bracketDepth(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) | 0x20
    if (code === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x7d) depth--
  }
  return deepest
}

function depthOf(root: unknown): number {
  let level = [root]
  for (let depth = 0; ; depth++) {
    const next = level.flatMap((value) => (value !== null && typeof value === 'object' ? Object.values(value) : []))
    if (next.length === 0) return depth
    level = next
  }
}

function exactNumber(text: string): number | bigint {
  return isInteger(text) && !isSafeNumber(text) ? BigInt(text) : Number(text)
}
