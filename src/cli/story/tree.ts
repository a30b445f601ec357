/** The steps of a workflow with blocks as its file has them: what a block holds is indented, items that are many are counted. */
import type { StepRead } from '../../ledger/read/parts.ts'
import type { Story } from '../../ledger/read/story.ts'
import type { ForEachStep, Plan, Step, SwitchStep } from '../../workflow/plan.ts'
import type { Paint } from '../paint.ts'
import { placeName } from '../place-name.ts'
import { colourOf } from '../state-colour.ts'
import { oneLine } from '../table.ts'
import type { Items } from './items.ts'
import { noteOf } from './note.ts'
import { restOf } from './rest.ts'

interface Row {
  readonly depth: number
  readonly name: string
  /** Empty: it is no step. */
  readonly state: string
  readonly note: string
}

/** None where no step holds others: what happened tells all of them, in their order. */
export function treeLines(story: Story, plan: Plan, items: Items, paint: Paint): string[] {
  if (!plan.steps.some(({ kind }) => kind === 'parallel' || kind === 'forEach' || kind === 'switch')) return []
  const rows = new Tree(story, items).rows(plan.body, '', 1)
  const widest = Math.max(0, ...rows.map(({ depth, name, state }) => (state === '' ? 0 : depth * 2 + name.length)))
  return rows.map(({ depth, name, state, note }) => {
    const indented = `${'  '.repeat(depth)}${name}`
    if (state === '') return paint('dim', note === '' ? indented : `${indented}  ${note}`)
    const line = `${indented.padEnd(widest)}  ${paint(colourOf(state), state.padEnd(stateChars))}`
    return (note === '' ? line : `${line}  ${paint('dim', note)}`).trimEnd()
  })
}

const stateChars = 'compensated'.length

class Tree {
  readonly #story: Story
  readonly #items: Items
  readonly #reads: ReadonlyMap<string, StepRead>

  constructor(story: Story, items: Items) {
    this.#story = story
    this.#items = items
    this.#reads = new Map(story.steps.map((step) => [placeName(step), step]))
  }

  rows(steps: readonly Step[], item: string, depth: number): Row[] {
    return steps.flatMap((step) => this.#rowsOf(step, item, depth))
  }

  #rowsOf(step: Step, item: string, depth: number): Row[] {
    const name = placeName({ step: step.id, item })
    const read = this.#reads.get(name)
    const inside = this.#inside(step, item, depth + 1, read)
    if (!read && inside.length === 0) return []
    const under = this.#story.ended_at === null ? 'running' : 'ended'
    return [{ depth, name, state: read?.state ?? under, note: this.#note(step, item, read) }, ...inside]
  }

  #inside(step: Step, item: string, depth: number, read: StepRead | undefined): Row[] {
    switch (step.kind) {
      case 'parallel':
        return step.branches.flatMap(({ id, steps }) => headed(depth, id, this.rows(steps, item, depth + 1)))
      case 'switch':
        return this.#cases(step, item, depth, read)
      case 'forEach':
        return this.#itemRows(step, item, depth)
      default:
        return []
    }
  }

  /** Once one is taken, or it has ended, no other. */
  #cases({ cases }: SwitchStep, item: string, depth: number, read: StepRead | undefined): Row[] {
    const all = cases.map(({ when, steps }) => ({ when, rows: this.rows(steps, item, depth + 1) }))
    const isDecided = isOver(read) || all.some(({ rows }) => rows.some(hasBegun))
    return all
      .filter(({ rows }) => !isDecided || rows.some(hasBegun))
      .flatMap(({ when, rows }) => headed(depth, when === null ? 'otherwise' : `when ${oneLine(when.source)}`, rows))
  }

  #itemRows(step: ForEachStep, around: string, depth: number): Row[] {
    const { shown, size } = this.#items.list(step.no, around)
    const rows = shown.flatMap((at) => this.rows(step.steps, around === '' ? `${at}` : `${around}.${at}`, depth))
    const more = size - shown.length
    return more > 0 ? [...rows, { depth, name: `… ${more} more items`, state: '', note: '' }] : rows
  }

  #note(step: Step, item: string, read: StepRead | undefined): string {
    const place = { step: step.id, item }
    const called = this.#story.called.find(({ parent_step }) => parent_step === placeName(place))
    const rest = restOf(this.#story, place)
    return [
      rest === '' ? noteOf(step) : rest,
      ...(step.kind === 'forEach' ? [countsOf(this.#items.list(step.no, item).counts)] : []),
      ...(called ? [`${called.id} ${called.state}`] : []),
      read && read.attempts > 1 ? `${read.attempts} attempts` : '',
    ]
      .filter((part) => part !== '')
      .join(', ')
  }
}

function isOver(read: StepRead | undefined): boolean {
  return read !== undefined && read.state !== 'running' && read.state !== 'pending'
}

function hasBegun({ state }: Row): boolean {
  return state !== 'pending' && state !== ''
}

function headed(depth: number, name: string, rows: readonly Row[]): Row[] {
  return rows.length === 0 ? [] : [{ depth, name, state: '', note: '' }, ...rows]
}

function countsOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ')
}
