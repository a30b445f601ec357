/** Stopping twice is safe because the second call is the first one's promise. */
export function once<A extends unknown[], T>(act: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
  let promise: Promise<T> | undefined
  return (...args) => {
    promise ??= act(...args)
    return promise
  }
}
