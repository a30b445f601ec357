/** Problems of workflow and function files, a line each. */
import { formatProblem, type Problem } from '../workflow/problem.ts'

export function tellProblems(problems: readonly Problem[], to: NodeJS.WriteStream): void {
  for (const problem of problems) to.write(`${formatProblem(problem)}\n`)
}

/** "1 problem", "no workflows", "3 workflows" */
export function counted(count: number, noun: string): string {
  return `${count === 0 ? 'no' : count} ${noun}${count === 1 ? '' : 's'}`
}
