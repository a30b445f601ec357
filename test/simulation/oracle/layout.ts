/** How the steps of a plan stand to each other, told from its tree alone. */
import type { AttemptRow } from '../../../src/transaction/effect.ts'
import type { Plan, Step } from '../../../src/workflow/plan.ts'

export interface Layout {
  /** Step -> those that are to be settled before it begins: in its list, and before the blocks around it. */
  readonly before: ReadonlyMap<number, readonly Step[]>
  /** Step -> the blocks around it, innermost first, and in which of their lists it is. */
  readonly around: ReadonlyMap<number, readonly { readonly block: Step; readonly list: number }[]>
}

const known = new WeakMap<Plan, Layout>()

export function layoutOf(plan: Plan): Layout {
  const found = known.get(plan)
  if (found) return found
  const before = new Map<number, readonly Step[]>()
  const around = new Map<number, readonly { readonly block: Step; readonly list: number }[]>()
  const walk = (list: readonly Step[], outer: readonly Step[], blocks: readonly { block: Step; list: number }[]) => {
    for (const [at, step] of list.entries()) {
      const own = [...outer, ...list.slice(0, at)]
      before.set(step.no, own)
      around.set(step.no, blocks)
      for (const [n, inner] of listsOf(step).entries()) walk(inner, own, [{ block: step, list: n }, ...blocks])
    }
  }
  walk(plan.body, [], [])
  const layout = { before, around }
  known.set(plan, layout)
  return layout
}

/** Branches, cases, or the one of a `forEach`. */
export function listsOf(step: Step): readonly (readonly Step[])[] {
  if (step.kind === 'parallel') return step.branches.map(({ steps }) => steps)
  if (step.kind === 'switch') return step.cases.map(({ steps }) => steps)
  return step.kind === 'forEach' ? [step.steps] : []
}

/** Of an item further in: the item that the outer step is of. */
export function itemFor(step: Step, item: string): string {
  return item.split('.').slice(0, step.within.length).join('.')
}

/** The last word on a step: one that is skipped in a later round has the lower number. */
export function latest<Row extends Pick<AttemptRow, 'round' | 'attempt'>>(rows: readonly Row[]): Row | undefined {
  return rows.toSorted((a, b) => (a.round ?? 1) - (b.round ?? 1) || a.attempt - b.attempt).at(-1)
}
