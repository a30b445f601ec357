/** Brings steps to rest that are not needed any more: begins nothing of them, aborts what runs, and waits for how that ends. */
import type { Branch, Case, Step } from '../workflow/plan.ts'
import { cancelChild } from './called.ts'
import { type Draft, type Frame, itemsOf, type Place } from './draft.ts'
import { giveUpLost, lose } from './lost.ts'
import { restOver } from './rest.ts'
import { refOf } from './rows.ts'
import { failStep } from './walk.ts'

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
      if (draft.isTakenOver && (progress.dueUs ?? 0) <= draft.atUs)
        frame.set(step.no, { ...progress, effectUnknown: true })
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
    case 'forEach': {
      let isAtRest = true
      for (let at = 0; at < itemsOf(frame.get(step.no)).length; at++) {
        const rests = stopList(draft, step.steps, frame.into(step, at))
        isAtRest &&= rests
      }
      return isAtRest && give(draft, place)
    }
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

/** The attempt under way is told, once, and ends as it does. */
function stopAttempt(draft: Draft, place: Place): boolean {
  const { step, frame } = place
  const progress = frame.get(step.no)
  if (progress.state === 'pending') return true
  if (draft.isFresh && progress.begun) return loseStopped(draft, place)
  if (progress.stopping) return false
  const attempt = progress.attempts + 1
  const mayOwe = step.kind === 'invoke' && step.compensate !== null && !progress.begun
  // Nothing asks for it again: that it may have run must be known after a crash, too.
  if (mayOwe)
    draft.effects.push({ type: 'RecordBegun', row: { transactionId: draft.transaction.id, ...refOf(place), attempt } })
  draft.effects.push({ type: 'Abort', ...refOf(place), attempt })
  frame.set(step.no, { ...progress, stopping: true, begun: progress.begun || mayOwe })
  return false
}

/** Its coordinator was lost before it heard how it ended. */
function loseStopped(draft: Draft, place: Place): boolean {
  const isUndone = place.step.kind === 'invoke' && place.step.compensate !== null
  if (isUndone) giveUpLost(draft, place)
  else lose(draft, place)
  return isUndone
}

/** It has begun, and is given up; of what has not begun nothing is said. */
function give(draft: Draft, place: Place): boolean {
  const { step, frame } = place
  if (frame.get(step.no).state !== 'pending')
    failStep(draft, place, { code: 'cancelled', message: 'it was not needed any more' })
  return true
}
