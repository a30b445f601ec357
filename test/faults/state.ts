/** Rows that are done, kept so that a long run can be gone on with row by row. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Options } from './options.ts'
import type { Result } from './report.ts'

interface State {
  /** Of the run they belong to: others are not mixed with them. */
  readonly run: string
  readonly results: readonly Result[]
}

/** Those of an earlier run with the same options that went well; none unless it is to be resumed. */
export function doneBefore(options: Options): Result[] {
  if (!options.resume || !existsSync(options.stateFile)) return []
  const state = JSON.parse(readFileSync(options.stateFile, 'utf8')) as State
  return state.run === runOf(options) ? state.results.filter((result) => result.problems.length === 0) : []
}

export function keep(options: Options, results: readonly Result[]): void {
  const state: State = { run: runOf(options), results }
  writeFileSync(`${options.stateFile}.new`, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(`${options.stateFile}.new`, options.stateFile)
}

function runOf({ rounds, events, points, seed }: Options): string {
  return JSON.stringify({ rounds, events, points, seed })
}
