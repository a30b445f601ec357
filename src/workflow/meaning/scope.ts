/** What an expression may read from where it stands: the steps before it in its own list, and before the blocks around it. */
import type { Names, Standing } from '../expression/names.ts'
import type { Outline, PlacedStep, StepList } from './outline.ts'

/** As a step's own fields see it. */
export function namesAt(outline: Outline, step: PlacedStep): Names {
  return {
    ...listing(outline, (id) => standing(outline, id, step, false)),
    self: step.id,
    nothingSettled:
      outline.steps[0] === step ? 'event, for this is the first step' : 'event, for no step has ended here',
    others: step.list.items,
    auth: outline.auth,
    secrets: outline.secrets,
  }
}

/** What a step publishes is made when it has ended well: it sees its own output, and what it held. */
export function namesAfter(outline: Outline, step: PlacedStep): Names {
  return { ...namesAt(outline, step), ...listing(outline, (id) => standing(outline, id, step, true)) }
}

/** Before any step; `why` says so. */
export function namesBefore(outline: Outline, why: string): Names {
  const known = (id: string): Standing => (outline.byId.has(id) ? later : unknown)
  const { auth, secrets } = outline
  return {
    standing: known,
    settled: () => [],
    self: null,
    nothingSettled: `event, for ${why}`,
    others: [],
    auth,
    secrets,
  }
}

/** Every step has ended by then; the output of one that never ran is null. */
export function namesAtEnd(outline: Outline): Names {
  const ended = (id: string): Standing => {
    const step = outline.byId.get(id)
    return step ? (outermostItems(step, null) ?? settled) : unknown
  }
  const { auth, secrets } = outline
  return { ...listing(outline, ended), self: null, nothingSettled: 'event', others: [], auth, secrets }
}

function listing({ byId }: Outline, standing: (id: string) => Standing): Pick<Names, 'standing' | 'settled'> {
  return { standing, settled: () => [...byId.keys()].filter((id) => standing(id).is === 'settled') }
}

const settled: Standing = { is: 'settled' }
const later: Standing = { is: 'later' }
const unknown: Standing = { is: 'unknown' }

/** Both are followed outwards to the list they share; `after`: the step itself has ended. */
function standing(outline: Outline, id: string, from: PlacedStep, after: boolean): Standing {
  const target = outline.byId.get(id)
  if (!target) return unknown
  if (target === from) return after ? settled : { is: 'self' }
  const ancestors = ancestorsOf(from)
  let near = target
  while (!ancestors.has(near.list)) near = near.list.owner!
  const mine = ancestors.get(near.list)!
  if (near.place > mine.place) return later
  if (near.place < mine.place || (after && near === from)) return outermostItems(target, near.list) ?? settled
  if (near === target) return { is: 'around' }
  return near === from ? { is: 'inside' } : apart(near)
}

/** Every list around a step, and which of its steps the way goes through. */
function ancestorsOf(step: PlacedStep): Map<StepList, PlacedStep> {
  const found = new Map<StepList, PlacedStep>()
  for (let at: PlacedStep | null = step; at; at = at.list.owner) found.set(at.list, at)
  return found
}

/** Both are inside of one block, in different lists of it. */
function apart(block: PlacedStep): Standing {
  return { is: block.kinds.includes('parallel') ? 'branch' : 'case', block: block.id ?? '' }
}

/** Up to a list (or the file), the outermost `forEach` that a step is inside of: outside of that there is only the whole. */
function outermostItems(step: PlacedStep, list: StepList | null): Standing | null {
  let found: Standing | null = null
  for (let at = step; at.list !== list && at.list.owner; at = at.list.owner) {
    const { owner } = at.list
    if (owner.kinds.includes('forEach')) found = { is: 'items', block: owner.id ?? '' }
  }
  return found
}
