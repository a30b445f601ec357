/** Moves a transaction on as far as it goes: to what it must wait for, or to its end; forward, or back. */
import { assert } from '../base/assert.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { ForEachStep, Step } from '../workflow/plan.ts'
import type { Draft, Frame, Place } from './draft.ts'
import { end } from './end.ts'
import { giveUp } from './frontier.ts'
import { openOf } from './items.ts'
import { recordRest } from './rest.ts'
import { stopBody } from './stop.ts'
import { isSettled, type TransactionState } from './transaction.ts'
import { recordTurn, turn } from './turn.ts'
import { undo } from './undo.ts'
import { walkBody } from './walk.ts'

export function advance(draft: Draft): Draft {
  const { transaction } = draft
  if (transaction.failure === null) {
    const went = walkBody(draft)
    if (typeof went === 'object') turn(draft, { code: went.code, message: went.message, isCancel: false })
    else if (went === 'settled' && complete(draft)) return draft
  }
  if (draft.mayRun.length > 0) giveUp(draft, draft.mayRun)
  if (transaction.failure === null || !stopBody(draft)) return pose(draft, null)
  const undoing = undo(draft)
  return undoing === 'ended' ? draft : pose(draft, undoing)
}

/** What it publishes then may fail, and it with it. */
function complete(draft: Draft): boolean {
  if (draft.transaction.failure !== null) return false
  try {
    end(draft, null)
    return true
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    turn(draft, { code: error.code, message: messageOf(error), isCancel: false })
    return false
  }
}

/** It goes no further for now: says why by its state, and writes what must be known of that. `undoing`: all else is at rest. */
function pose(draft: Draft, undoing: Place | null): Draft {
  const { transaction } = draft
  const held: Held = { running: 0, delayed: 0, called: 0, inDoubt: 0, resting: [] }
  if (undoing !== null) look(undoing, held)
  else surveyBody(draft, held)
  transaction.state = stateOf(held, transaction.failure !== null)
  transaction.isDelayed = held.running === 0 && held.delayed + held.called > 0
  for (const place of held.resting) recordRest(draft, place, transaction.state === 'waiting')
  recordTurn(draft)
  return draft
}

/** How many steps run, have a retry delay, have called or undo a sub-workflow, stand in doubt, and which rest. */
interface Held {
  running: number
  delayed: number
  called: number
  inDoubt: number
  readonly resting: Place[]
}

/** Of one that goes on, what is before the step it is at is settled, and what is behind that has not begun. */
function surveyBody(draft: Draft, held: Held): void {
  const { plan, at, failure } = draft.transaction
  const { body, steps } = plan
  if (failure !== null) survey(draft, draft.root, 0, steps.length, held)
  else survey(draft, draft.root, (body[at] as Step).no, body[at + 1]?.no ?? steps.length, held)
}

function survey(draft: Draft, frame: Frame, from: number, to: number, held: Held): void {
  const { steps } = draft.transaction.plan
  for (let no = from; no < to; no++) {
    const step = steps[no] as Step
    if (step.kind === 'forEach') {
      if (!isSettled(frame.get(no))) surveyItems(draft, { step, frame }, held)
      no += step.size
    } else look({ step, frame }, held)
  }
}

function look(place: Place, held: Held): void {
  const { step, frame } = place
  const { state, stopping } = frame.get(step.no)
  if (state === 'in_doubt') held.inDoubt++
  else if (state === 'asleep') held.resting.push(place)
  else if (state === 'waiting') held.delayed++
  else if (state === 'called') held.called++
  else if (state === 'running' && 'uses' in step) held.running++
  // Its sub-workflow is being undone.
  else if (step.kind === 'call' && stopping) held.called++
}

function surveyItems(draft: Draft, { step, frame }: Place<ForEachStep>, held: Held): void {
  for (const at of openOf(frame.get(step.no))) {
    survey(draft, frame.into(step, at), step.no + 1, step.no + 1 + step.size, held)
  }
}

function stateOf({ running, delayed, called, inDoubt, resting }: Held, isUndone: boolean): TransactionState {
  const active = running + delayed + called
  assert(active + inDoubt + resting.length > 0, 'a transaction that goes no further waits for something')
  if (active > 0) return isUndone ? 'compensating' : 'running'
  if (inDoubt > 0) return 'in_doubt'
  return 'waiting'
}
