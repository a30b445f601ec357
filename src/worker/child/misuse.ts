/**
 * What the context refuses of a function. It ends the attempt like a `fail` of the function's own, but says nothing of what had
 * been done by then: that stays unknown, and is undone.
 */
import { type Failure, fail } from '../../function/outcome.ts'

const known = new WeakSet<Failure>()

/** To be thrown. */
export function misuse(code: string, message: string): Failure {
  const failure = fail(code, message)
  known.add(failure)
  return failure
}

export function isMisuse(failure: Failure): boolean {
  return known.has(failure)
}
