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

/**
 * True when Postgres can hold this JSON text as jsonb: no NUL and no lone surrogate, neither of which its text type
 * can say (https://www.postgresql.org/docs/current/datatype-json.html).
 */
export function isStorable(jsonText: string): boolean {
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

function exactNumber(text: string): number | bigint {
  return isInteger(text) && !isSafeNumber(text) ? BigInt(text) : Number(text)
}
