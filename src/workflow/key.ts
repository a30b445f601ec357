import { EngineError } from '../base/error.ts'
import type { Json } from '../envelope/json.ts'

/** The order key as text. Null is no key; lists, maps and fractions are no keys. */
export function keyText(value: Json): string | null {
  if (value === null || typeof value === 'string') return value
  if (typeof value === 'boolean' || typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  const seen = typeof value === 'number' ? 'a fraction' : Array.isArray(value) ? 'a list' : 'a map'
  throw new EngineError('expression_failed', `key: gave ${seen}, expected a string, an int or a bool`)
}
