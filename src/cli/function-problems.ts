/** Compiles the functions that workflows use, so that their errors are known before an event meets them. */
import { relative, resolve } from 'node:path'
import { cacheDir } from '../base/cache-dir.ts'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import { createBuilder } from '../worker/build.ts'
import type { Plan } from '../workflow/plan.ts'
import { formatProblem, type Problem } from '../workflow/problem.ts'
import { functionsOf } from '../workflow/uses.ts'

/** One for each compile error, in the order of the functions' names. What is missing was found before. */
export async function functionProblems(workflowsDir: string, names: ReadonlySet<string>): Promise<Problem[]> {
  const builder = createBuilder({ functionsDir: resolve(workflowsDir, 'functions'), cacheDir: cacheDir('functions') })
  const found = await Promise.all([...names].sort().map((name) => builder.build(name).then(none, problemsOf)))
  return unique(found.flat())
}

export async function tellFunctionProblems(workflowsDir: string, plans: readonly Plan[]): Promise<void> {
  const names = new Set(plans.flatMap(functionsOf))
  for (const problem of await functionProblems(workflowsDir, names)) {
    publish('notice', { level: 'error', message: formatProblem(problem) })
  }
}

const none = (): Problem[] => []

function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof EngineError)) throw error
  if (error.code === 'function_missing') return []
  const { file, errors } = error.details as { file?: string; errors?: readonly string[] }
  const lines = errors && errors.length > 0 ? errors : [error.message]
  return lines.map((line) => problemOf(line, file ?? '.', error.code))
}

/** `file:line:column: message`, as the compiler's errors are written; one without a place is told of the file. */
function problemOf(line: string, file: string, code: string): Problem {
  const match = /^(.+?):(\d+):(\d+): (.*)$/s.exec(line)
  const [path, at, column, message] = match ? match.slice(1) : [file, '1', '1', line]
  return {
    file: relative('', path ?? file),
    line: Number(at),
    column: Number(column),
    code,
    message: message ?? line,
    expected: 'a function that compiles',
    fix: fixOf(message ?? line),
  }
}

function fixOf(message: string): string {
  const name = /^Could not resolve "([^".][^"]*)"/.exec(message)?.[1]
  if (name !== undefined) return `install it with \`npm i ${packageOf(name)}\` or mend the import`
  return message.startsWith('Could not resolve') ? 'mend the path of the import' : 'mend the code at this place'
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Two functions that import one broken file have one problem. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()]
}
