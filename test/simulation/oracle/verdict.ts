/** Thrown when the promise is broken: it ends the run, and its seed is to be replayed. */
export class Broken extends Error {
  readonly promise: string

  constructor(promise: string, what: string) {
    super(`${promise}: ${what}`)
    this.name = 'Broken'
    this.promise = promise
  }
}

export function holds(condition: unknown, promise: string, what: () => string): asserts condition {
  if (!condition) throw new Broken(promise, what())
}
