/** Where each step of a plan begins, for whoever reads the ledger: a running transaction writes nothing when a step begins. */
import type { Plan, Step } from '../workflow/plan.ts'

/** With the transaction; nobody can tell from its rows (the first of a switch's case); once for each item of a forEach. */
const atOnce = -1
const unknown = -2
const perItem = -3

/** By step number: behind which step it begins, or one of the above. What undoes a step begins nowhere: it is `perItem`, too. */
export function startsOf(plan: Plan): number[] {
  const starts = plan.steps.map(() => perItem)
  list(plan.body, atOnce, starts)
  return starts
}

function list(steps: readonly Step[], first: number, starts: number[]): void {
  let behind = first
  for (const step of steps) {
    starts[step.no] = behind
    if (step.kind === 'parallel') for (const branch of step.branches) list(branch.steps, behind, starts)
    if (step.kind === 'switch') for (const each of step.cases) list(each.steps, unknown, starts)
    behind = step.no
  }
}
