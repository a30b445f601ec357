/** The functions that exist: every file under `functions/` beside the workflow files, by its path without its ending. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, messageOf } from '../base/error.ts'
import { limits } from './limits.ts'
import { usesPattern } from './model/fields.ts'

/** Name -> file. A folder that is not there holds none (one that cannot be read throws `functions_unreadable`); of two files of one name the first in the alphabet counts. */
export async function listFunctions(workflowsDir: string): Promise<Map<string, string>> {
  const functions = new Map<string, string>()
  await collect(join(workflowsDir, 'functions'), '', 0, functions)
  return functions
}

const source = /^(?<name>.+?)\.(?:ts|js|mjs)$/
const notAFunction = /\.d\.ts$|\.(?:test|spec)\.(?:ts|js|mjs)$/

async function collect(dir: string, prefix: string, depth: number, functions: Map<string, string>): Promise<void> {
  if (depth > limits.functionDepthMax) return
  const entries = await entriesOf(dir)
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (functions.size >= limits.functionFilesMax || entry.name === 'node_modules') continue
    const path = join(dir, entry.name)
    if (entry.isDirectory()) await collect(path, `${prefix}${entry.name}/`, depth + 1, functions)
    else addFunction(prefix, entry.name, path, functions)
  }
}

function addFunction(prefix: string, file: string, path: string, functions: Map<string, string>): void {
  const stem = notAFunction.test(file) ? undefined : source.exec(file)?.groups?.name
  const name = `${prefix}${stem}`
  if (stem !== undefined && usesPattern.test(name) && !functions.has(name)) functions.set(name, path)
}

async function entriesOf(dir: string) {
  try {
    return await readdir(dir, { withFileTypes: true })
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    const message = `${dir}: the folder of functions cannot be read (${messageOf(error)})`
    throw new EngineError('functions_unreadable', message, { cause: error, details: { dir } })
  }
}
