/** Brings steps to rest that are not needed any more: begins nothing of them, aborts what runs, and waits for how that ends. */
import type { Branch, Case, ForEachStep, Step } from '../workflow/plan.ts'
import { cancelChild } from './called.ts'
import { type Draft, type Frame, type Place, takeBack } from './draft.ts'
import type { Effect } from './effect.ts'
import { itemsOf, openOf } from './items.ts'
import { giveUpLost, isUndone, lose, mayRun } from './lost.ts'
import { restOver } from './rest.ts'
import { refOf } from './rows.ts'
import { isSettled } from './transaction.ts'
import { failStep } from './walk.ts'

/** All of it: time may run out before a step that was skipped in an earlier round is known to be skipped again. */
export function stopBody(draft: Draft): boolean {
  return stopList(draft, draft.transaction.plan.body, draft.root)
}

/** True when nothing of them runs any more. */
export function stopList(draft: Draft, steps: readonly Step[], frame: Frame): boolean {
  let isAtRest = true
  for (const step of steps) {
    const rests = stopStep(draft, { step, frame })
    isAtRest &&= rests
  }
  return isAtRest
}

function stopStep(draft: Draft, place: Place): boolean {
  const { step, frame } = place
  const progress = frame.get(step.no)
  switch (progress.state) {
    case 'ok':
    case 'skipped':
    case 'failed':
      return true
    case 'in_doubt':
      return false
    case 'waiting':
      return give(draft, place)
    case 'asleep':
      restOver(draft, place)
      return give(draft, place)
    case 'called':
      return cancelChild(draft, place)
    default:
      return stopRunning(draft, place)
  }
}

/** What runs, holds what runs, or has not begun. */
function stopRunning(draft: Draft, place: Place): boolean {
  const { step, frame } = place
  switch (step.kind) {
    case 'parallel':
      return stopBlock(draft, place, frame, step.branches)
    case 'switch':
      return stopBlock(draft, place, frame, step.cases)
    case 'forEach':
      return stopItems(draft, { step, frame }) && give(draft, place)
    default:
      return stopAttempt(draft, place)
  }
}

function stopBlock(draft: Draft, place: Place, frame: Frame, lists: readonly (Branch | Case)[]): boolean {
  let isAtRest = true
  for (const { steps } of lists) {
    const rests = stopList(draft, steps, frame)
    isAtRest &&= rests
  }
  return isAtRest && give(draft, place)
}

function stopItems(draft: Draft, { step, frame }: Place<ForEachStep>): boolean {
  let isAtRest = true
  for (const at of openOf(frame.get(step.no))) {
    const rests = stopList(draft, step.steps, frame.into(step, at))
    isAtRest &&= rests
  }
  return isAtRest
}

/** The attempt under way is told, once, and ends as it does. */
function stopAttempt(draft: Draft, place: Place): boolean {
  const { step, frame } = place
  const progress = frame.get(step.no)
  if (progress.state === 'pending') return true
  if (draft.isFresh && progress.begun) return loseStopped(draft, place)
  if (progress.stopping) return false
  if (takeBack(draft, isInvokeOf(place))) return takenBack(draft, place)
  const attempt = progress.attempts + 1
  const mayOwe = isUndone(step) && !progress.begun
  // Nothing asks for it again: that it may have run must be known after a crash, too.
  if (mayOwe)
    draft.effects.push({ type: 'RecordBegun', row: { transactionId: draft.transaction.id, ...refOf(place), attempt } })
  draft.effects.push({ type: 'Abort', ...refOf(place), attempt })
  frame.set(step.no, { ...progress, stopping: true, begun: progress.begun || mayOwe })
  return false
}

/** It was asked for in this very transition: it is not, and nobody runs it. */
function takenBack(draft: Draft, place: Place): boolean {
  const { step, frame } = place
  const progress = frame.get(step.no)
  frame.set(step.no, { ...progress, state: progress.attempts === 0 ? 'pending' : 'waiting' })
  if (mayRun(draft, place)) giveUpLost(draft, place)
  return give(draft, place)
}

function isInvokeOf({ step, frame }: Place): (effect: Effect) => boolean {
  return (effect) => effect.type === 'Invoke' && effect.step === step && effect.item === frame.item
}

/** Its coordinator was lost before it heard how it ended. */
function loseStopped(draft: Draft, place: Place): boolean {
  if (isUndone(place.step)) giveUpLost(draft, place)
  else lose(draft, place)
  return isUndone(place.step)
}

/** It has begun, and is given up; of what has not begun nothing is said. */
function give(draft: Draft, place: Place): boolean {
  if (hasBegun(place) && !isSettled(place.frame.get(place.step.no)))
    failStep(draft, place, { code: 'cancelled', message: 'it was not needed any more' })
  return true
}

/** Of a block that was read back only what it holds has rows. */
function hasBegun({ step, frame }: Place): boolean {
  const progress = frame.get(step.no)
  if (progress.state !== 'pending') return true
  if (step.kind === 'forEach') return itemsOf(progress).some(({ went }) => went !== 'new')
  const lists = step.kind === 'parallel' ? step.branches : step.kind === 'switch' ? step.cases : []
  return lists.some(({ steps }) => steps.some((each) => hasBegun({ step: each, frame })))
}
