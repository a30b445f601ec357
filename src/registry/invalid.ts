import { EngineError } from '../base/error.ts'

/** A schema that its own language does not allow: no record that names it can be read. */
export function invalid(name: string, why: string, cause?: unknown): EngineError {
  return new EngineError('schema_invalid', `the ${name} does not hold: ${why}`, cause === undefined ? {} : { cause })
}
