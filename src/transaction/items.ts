/** The items of a `forEach`, by place, with how many have come to what: of thousands, few are looked at. */
import type { Json } from '../envelope/json.ts'
import type { Item, Items, StepProgress } from './transaction.ts'

export function itemsOf({ inside }: StepProgress): readonly Item[] {
  return inside?.kind === 'items' ? inside.items : none
}

/** Places of those that are open, in order. */
export function openOf({ inside }: StepProgress): readonly number[] {
  return inside?.kind === 'items' ? inside.open : none
}

const none: readonly never[] = Object.freeze([])

export const notBegun: Item = Object.freeze({ went: 'new', value: undefined, steps: [] })

export const noItems: Items = Object.freeze({ kind: 'items', items: none, open: none, next: 0, ok: 0, failed: 0 })

/** Some may have begun before their lane was opened: their steps are there already, their values are not. */
export function itemsWith(values: readonly Json[], before: readonly Item[]): Items {
  const items = values.map((value, at): Item => ({ ...(before[at] ?? notBegun), value }))
  const open = [...items.keys()].filter((at) => items[at]?.went === 'open')
  return { ...noItems, items, open, next: nextNew(items, 0) }
}

/** Those that have begun keep their numbers, and wait for a place like all others; their values are made anew. */
export function itemsAgain(before: readonly Item[]): Items {
  return { ...noItems, items: before.map((item): Item => ({ ...item, went: 'new', value: undefined })) }
}

/** After one of them has come to something else; `of.items` knows already. */
export function recounted(of: Items, place: number, before: Item['went'], after: Item['went']): Items {
  const open = before === 'open' ? of.open.filter((each) => each !== place) : of.open
  return {
    ...of,
    open: after === 'open' ? inserted(open, place) : open,
    next: place === of.next ? nextNew(of.items, place) : of.next,
    ok: of.ok + (after === 'settled' ? 1 : 0),
    failed: of.failed + (typeof after === 'object' ? 1 : 0),
  }
}

function inserted(places: readonly number[], place: number): readonly number[] {
  const at = places.findLastIndex((each) => each < place) + 1
  return places.toSpliced(at, 0, place)
}

function nextNew(items: readonly Item[], from: number): number {
  let at = from
  while (at < items.length && items[at]?.went !== 'new') at++
  return at
}
