/** Items of `forEach` steps: which are shown where there are many (what is not well, then the first), and how many are not. */
import type { StepPlace, StepRead } from '../../ledger/read/parts.ts'
import type { Plan } from '../../workflow/plan.ts'

/** Of one list. `--json` has them all. */
const shownMax = 8

export interface ItemList {
  /** Places in the list, from 0, in its order. */
  readonly shown: readonly number[]
  /** State -> how many items are so; the worst state of an item's steps is its own. */
  readonly counts: ReadonlyMap<string, number>
  readonly size: number
}

export class Items {
  readonly #plan: Plan | null
  readonly #lists = new Map<string, Map<number, string>>()
  readonly #made = new Map<string, ItemList>()

  constructor(steps: readonly StepRead[], plan: Plan | null) {
    this.#plan = plan
    for (const step of steps) for (const { list, at } of this.#levels(step)) this.#add(list, at, step.state)
  }

  /** `around`: the item that the `forEach` step is of; empty outside of all others. */
  list(forEach: number, around: string): ItemList {
    return this.#listOf(nameOf(forEach, around))
  }

  isShown(place: StepPlace): boolean {
    return this.#levels(place).every(({ list, at }) => this.#listOf(list).shown.includes(at))
  }

  #levels({ step, item }: StepPlace): { list: string; at: number }[] {
    if (item === '') return []
    const places = item.split('.')
    const within = this.#plan?.byId.get(step)?.within
    if (within?.length !== places.length)
      return [{ list: nameOf(step, places.slice(0, -1).join('.')), at: Number(places.at(-1)) }]
    return within.map((no, level) => ({
      list: nameOf(no, places.slice(0, level).join('.')),
      at: Number(places[level]),
    }))
  }

  #add(name: string, at: number, state: string): void {
    const list = this.#lists.get(name) ?? new Map<number, string>()
    const before = list.get(at)
    if (before === undefined || badnessOf(state) > badnessOf(before)) list.set(at, state)
    this.#lists.set(name, list)
  }

  #listOf(name: string): ItemList {
    const made = this.#made.get(name) ?? listOf(this.#lists.get(name) ?? new Map())
    this.#made.set(name, made)
    return made
  }
}

function nameOf(forEach: number | string, around: string): string {
  return `${forEach}/${around}`
}

function listOf(states: ReadonlyMap<number, string>): ItemList {
  const counts = new Map<string, number>()
  for (const state of states.values()) counts.set(state, (counts.get(state) ?? 0) + 1)
  const worstFirst = [...states].sort(([a, one], [b, other]) => badnessOf(other) - badnessOf(one) || a - b)
  const shown = worstFirst.slice(0, shownMax).map(([at]) => at)
  return { shown: shown.sort((a, b) => a - b), counts, size: states.size }
}

/** From what is done to what needs somebody. */
const byBadness = ['skipped', 'ok', 'compensated', 'pending', 'running', 'waiting', 'failed', 'in_doubt']

function badnessOf(state: string): number {
  return byBadness.indexOf(state)
}
