/** Where each step of a plan begins and ends, for whoever reads the ledger: a running transaction writes nothing when a step begins. */
import type { Plan, Step } from '../workflow/plan.ts'

/** With the transaction; nobody can tell from its rows (the first of a switch's case); once for each item of a forEach. */
const atOnce = -1
const unknown = -2
const perItem = -3

/** By step number. */
export interface Layout {
  /** Behind which step it begins, or one of the above. What undoes a step begins nowhere: it is `perItem`, too. */
  readonly starts: number[]
  /** The last step of the list that it stands in. */
  readonly ends: number[]
  /** The last step inside of it; its own number where it holds none. */
  readonly inside: number[]
}

export function layoutOf({ steps, body }: Plan): Layout {
  const own = steps.map(({ no }) => no)
  const layout = { starts: own.map(() => perItem), ends: [...own], inside: [...own] }
  const end = list(body, { behind: atOnce, isPerItem: false }, layout)
  // What undoes a step stands behind it.
  for (const step of steps) if (step.kind === 'undo') layout.ends[step.no] = layout.ends[step.of] ?? end
  return layout
}

interface Beginning {
  readonly behind: number
  readonly isPerItem: boolean
}

/** The number of its last step, with what that holds. */
function list(steps: readonly Step[], { behind: first, isPerItem }: Beginning, layout: Layout): number {
  let behind = first
  let end = 0
  for (const step of steps) {
    layout.starts[step.no] = isPerItem ? perItem : behind
    end = insideOf(step, { behind, isPerItem }, layout)
    layout.inside[step.no] = end
    behind = step.no
  }
  for (const step of steps) layout.ends[step.no] = end
  return end
}

function insideOf(step: Step, { behind, isPerItem }: Beginning, layout: Layout): number {
  const all = (lists: readonly { readonly steps: readonly Step[] }[], from: Beginning) =>
    lists.reduce((_, { steps }) => list(steps, from, layout), step.no)
  switch (step.kind) {
    case 'parallel':
      return all(step.branches, { behind, isPerItem })
    case 'switch':
      return all(step.cases, { behind: unknown, isPerItem })
    case 'forEach':
      return all([step], { behind, isPerItem: true })
    case 'invoke':
      return step.compensate === null ? step.no : step.compensate.no
    default:
      return step.no
  }
}
