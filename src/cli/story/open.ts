/** What is still to come: steps that run, sleep or wait, those in doubt, and what is still to be undone. */
import type { DoubtRead, StepPlace, StepRead } from '../../ledger/read/parts.ts'
import type { Story } from '../../ledger/read/story.ts'
import type { Plan } from '../../workflow/plan.ts'
import type { Paint } from '../paint.ts'
import { placeName } from '../place-name.ts'
import { shellWord } from '../shell-word.ts'
import type { Items } from './items.ts'
import { restOf } from './rest.ts'
import { shortId } from './short-id.ts'
import type { Happening } from './timeline.ts'

export function openRows(story: Story, plan: Plan | null, items: Items, paint: Paint): Happening[] {
  const isShown = (place: StepPlace) => items.isShown(place)
  return [
    ...story.steps.filter((step) => isOpen(step) && isShown(step)).map((step) => openRow(story, step, paint)),
    ...story.doubts.filter(isShown).map((doubt) => doubtRow(story, doubt, paint)),
    ...toUndo(story, plan, paint),
  ]
}

/** A block is as open as what it holds. */
function isOpen({ state, kind }: StepRead): boolean {
  const isBlock = kind === 'parallel' || kind === 'forEach' || kind === 'switch'
  return !isBlock && ['running', 'waiting', 'pending'].includes(state)
}

function openRow(story: Story, step: StepRead, paint: Paint): Happening {
  const rest = restOf(story, step)
  const title = `${placeName(step)}  ${paint('yellow', step.state)}`
  return { at: null, title: rest === '' ? title : `${title}  ${rest}`, details: [] }
}

function doubtRow({ id, steps }: Story, doubt: DoubtRead, paint: Paint): Happening {
  const name = placeName(doubt)
  const isStep = steps.some((each) => placeName(each) === name && each.state === 'in_doubt')
  const command = `millrace resolve ${shortId(id)} --step ${shellWord(name)}`
  return {
    at: null,
    title: `${isStep ? name : `undo of ${name}`}  ${paint('yellow', 'in_doubt')}`,
    details: [
      'what its last attempt did is not known: find out, then say so by',
      `${command} --outcome ok`,
      `${command} --outcome fail`,
    ],
  }
}

const namedMax = 10

/** Those that did something and have a compensation; the last to end is the first to be undone. */
function toUndo({ state, steps }: Story, plan: Plan | null, paint: Paint): Happening[] {
  if (state !== 'compensating' || plan === null) return []
  const left = steps.filter((each) => each.state === 'ok' && isUndone(plan, each)).map(placeName)
  if (left.length === 0) return []
  const more = left.length > namedMax ? ` and ${left.length - namedMax} more` : ''
  const title = `${paint('yellow', 'still to undo')}  ${left.slice(0, namedMax).join(', ')}${more}`
  return [{ at: null, title, details: [] }]
}

function isUndone({ byId }: Plan, { step: id }: StepRead): boolean {
  const step = byId.get(id)
  return step?.kind === 'call' || (step?.kind === 'invoke' && step.compensate !== null)
}
