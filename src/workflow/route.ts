/** Paths, sizes and rates as a workflow file writes them for the HTTP door. */

/** Segments of letters, digits and - . _ ~, or one name in braces; never `.` or `..`, and no slash at the end. */
export const pathPattern = /^\/$|^(?:\/(?!\.{1,2}(?:\/|$))(?:[A-Za-z0-9._~-]+|\{[a-z][a-z0-9_]{0,62}\}))+$/

/** What the door answers itself. */
export const ownPaths = ['/openapi.json', '/transactions'] as const

/** `{name}` in a path, in its order. */
export function pathNames(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] as string)
}

/** Two paths of one shape meet the same requests. */
export function shapeOf(path: string): string {
  return path.replaceAll(/\{[^}]+\}/g, '{}')
}

/** Bytes, or null. */
export function sizeOf(text: string): number | null {
  const match = /^(\d{1,9})(B|KiB|MiB)$/.exec(text)
  const bytes = match === null ? 0 : Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes]
  return bytes > 0 ? bytes : null
}

const unitBytes = { B: 1, KiB: 1024, MiB: 1024 * 1024 } as const

export interface Rate {
  readonly count: number
  readonly perMs: number
}

export function rateOf(text: string): Rate | null {
  const match = /^([1-9]\d{0,5})\/(s|m|h)$/.exec(text)
  return match === null ? null : { count: Number(match[1]), perMs: rateMs[match[2] as keyof typeof rateMs] }
}

const rateMs = { s: 1000, m: 60_000, h: 3_600_000 } as const
