/** Finds the file of a function by its name, or says which names come near. */
import { readdir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { EngineError } from '../../base/error.ts'

const extensions = ['.ts', '.js', '.mjs']

/** A name is a path below the functions' folder, without its extension and without a way out of the folder. */
const wellFormed = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/

/** The absolute path of `stock/reserve`'s file. Throws EngineError `function_missing`. */
export async function locate(functionsDir: string, name: string): Promise<string> {
  for (const extension of wellFormed.test(name) ? extensions : []) {
    const path = join(functionsDir, name + extension)
    if (await isFile(path)) return path
  }
  throw await missing(functionsDir, name)
}

async function missing(functionsDir: string, name: string): Promise<EngineError> {
  const near = nearest(name, await namesIn(functionsDir))
  const hint = near.length > 0 ? `; did you mean ${near.join(', ')}?` : ''
  const looked = join(functionsDir, `${name}{${extensions.join(',')}}`)
  return new EngineError('function_missing', `there is no function '${name}': ${looked} is not there${hint}`, {
    retryable: true,
    details: { function: name, functionsDir, nearest: near },
  })
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}

async function namesIn(functionsDir: string): Promise<string[]> {
  const paths = await readdir(functionsDir, { recursive: true }).catch(() => [])
  return paths.flatMap((path) => {
    const extension = extensions.find((candidate) => path.endsWith(candidate))
    return extension === undefined || path.includes('node_modules')
      ? []
      : [path.slice(0, -extension.length).split(sep).join('/')]
  })
}

/** At most three names, closest first, none further away than half of what was asked for. */
export function nearest(name: string, names: readonly string[]): string[] {
  return names
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .filter((at) => at.distance <= Math.max(2, name.length / 2))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((at) => at.candidate)
}

/** Edit distance (Levenshtein), one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
