/** Loads the author's module and sees that its default export is a function as `defineFunction` makes them. */

import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type { FunctionDefinition } from '../../function/define.ts'

export interface Unfit {
  readonly code: string
  readonly message: string
}

const messageCharsMax = 4000

export async function load(path: string): Promise<FunctionDefinition | Unfit> {
  try {
    const module = await import(pathToFileURL(path).href)
    return checked(module.default)
  } catch (thrown) {
    return {
      code: 'function_throws_at_import',
      message: inspect(thrown).slice(0, messageCharsMax) + environmentHint(thrown),
    }
  }
}

/** What it misses may well be set where the engine was started. */
function environmentHint(thrown: unknown): string {
  const mayMiss = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b|\benv(?:ironment)?\b/.test(inspect(thrown))
  return mayMiss ? '; functions see only those environment variables that MILLRACE_FUNCTIONS_ENV names' : ''
}

function checked(value: unknown): FunctionDefinition | Unfit {
  const definition = value as FunctionDefinition
  const wrong = typeof value !== 'object' || value === null ? 'there is none' : wrongIn(definition)
  if (wrong === null) return definition
  return {
    code: 'function_not_defined',
    message: `the default export must be what defineFunction({ run }) returns: ${wrong}`,
  }
}

function wrongIn({
  run,
  input,
  output,
  concurrency,
  idempotent,
  effects,
  authenticates,
}: FunctionDefinition): string | null {
  if (typeof run !== 'function') return '`run` is not a function'
  if (input !== undefined && typeof input.safeParse !== 'function') return '`input` is not a zod schema'
  if (output !== undefined && typeof output.safeParse !== 'function') return '`output` is not a zod schema'
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0)) {
    return '`concurrency` is not a whole number above 0'
  }
  if (idempotent !== undefined && typeof idempotent !== 'boolean') return '`idempotent` is neither true nor false'
  if (effects !== undefined && effects !== 'none') return "`effects` is not 'none'; leave it out if there are any"
  if (authenticates !== undefined && typeof authenticates !== 'boolean')
    return '`authenticates` is neither true nor false'
  if (authenticates && idempotent === false) {
    return '`authenticates: true` says that it may be run again, `idempotent: false` that it may not: leave one out'
  }
  if (effects === 'none' && idempotent === false) {
    return "`effects: 'none'` says that it may be run again, `idempotent: false` that it may not: leave one out"
  }
  return null
}
