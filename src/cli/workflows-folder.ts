/** Where the workflow files are. */
import { statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { EngineError } from '../base/error.ts'

export const defaultFolder = 'workflows'

/** Short where it can be: errors and logs name files below it. Throws `EngineError` `no_workflows`. */
export function workflowsFolder(asked: string): string {
  const dir = relative('', asked) || '.'
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return dir.startsWith('..') ? asked : dir
  const make = `make it with \`mkdir -p ${join(asked, 'functions')}\` and put a workflow file in it`
  throw new EngineError('no_workflows', `there is no folder ${asked}: ${make}, or name another with --workflows DIR`)
}
