/**
 * The functions that running transactions come to next: told to the workers while the step before runs, so that processes
 * which are not there yet start beside each other instead of one after the other.
 */
import type { Plan, Step } from '../workflow/plan.ts'

/** So many steps ahead: a process needs a tenth of a second, and what a long chain comes to much later may be gone again. */
const stepsAhead = 4

export class Coming {
  readonly #reached = new Map<Step, Plan>()

  /** A transaction of the plan has come to this step. */
  reach(step: Step, plan: Plan): void {
    this.#reached.set(step, plan)
  }

  /** Names of the functions that follow what was reached since the last time. */
  take(): string[] {
    const names = new Set<string>()
    for (const [step, plan] of this.#reached) {
      for (const next of plan.steps.slice(step.no + 1, step.no + 1 + stepsAhead)) {
        if (next.kind === 'invoke') names.add(next.uses)
      }
    }
    this.#reached.clear()
    return [...names]
  }
}
