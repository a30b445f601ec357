/** Broken code crashes: an assertion that fails is a bug of ours, never a condition of the world. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message)
}

/** For the default of a switch over a closed union: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`)
}

class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}
