/** Where in a file something was found, and what stands there. */
import type { Path } from '../places.ts'
import type { Finding } from '../problem.ts'

/** A finding at a field: at its key, its value, or (with `textOffset`) at a place inside of its text. */
export interface FieldFinding extends Finding {
  readonly path: Path
  readonly part: 'key' | 'value'
  readonly textOffset?: number
}

/** A path as a message shows it: `steps[0].retry.max`. */
export function labelOf(path: Path): string {
  let label = ''
  for (const segment of path) label += typeof segment === 'number' ? `[${segment}]` : label ? `.${segment}` : segment
  return label || 'the file'
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const segment of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, segment)) return undefined
    at = (at as Record<string | number, unknown>)[segment]
  }
  return at
}

/** What a step says it is comes in a field of its own, so a step is known by where it stands. */
export function isStep(path: Path): boolean {
  return typeof path.at(-1) === 'number' && (path.at(-2) === 'steps' || path.at(-3) === 'parallel')
}
