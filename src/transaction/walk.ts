/**
 * The way through the steps of a transaction: whatever may begin begins, and what has ended is counted. It says what a list
 * of steps has come to.
 */
import { EngineError, messageOf } from '../base/error.ts'
import type { Expression, Step } from '../workflow/plan.ts'
import { walkForEach, walkParallel, walkSwitch } from './blocks.ts'
import { beginCall, goOnCalled } from './called.ts'
import type { Draft, Frame, Place } from './draft.ts'
import { timerOf, tryInvoke } from './invoke.ts'
import type { Went } from './join.ts'
import { lose } from './lost.ts'
import { beginRest, goOnResting } from './rest.ts'
import { counted } from './retry.ts'
import { emptyRow, nameOf, settled } from './rows.ts'
import type { StepError } from './transaction.ts'
import { ranOut, turn } from './turn.ts'

/** The whole of it, from the first step on that is not settled. */
export function walkBody(draft: Draft): Went {
  const { transaction, root } = draft
  const { body } = transaction.plan
  for (; transaction.at < body.length; transaction.at++) {
    const went = walkStep(draft, { step: body[transaction.at] as Step, frame: root })
    if (went !== 'settled') return went
  }
  return 'settled'
}

export function walkList(draft: Draft, steps: readonly Step[], frame: Frame): Went {
  for (let at = 0; at < steps.length; at++) {
    const went = walkStep(draft, { step: steps[at] as Step, frame })
    if (went !== 'settled') return went
  }
  return 'settled'
}

function walkStep(draft: Draft, place: Place): Went {
  const { step, frame } = place
  if (draft.transaction.failure !== null) return 'held'
  const progress = frame.get(step.no)
  switch (progress.state) {
    case 'ok':
    case 'skipped':
      return 'settled'
    case 'failed':
      return wentFailed(place)
    case 'pending':
      return begin(draft, place)
    default:
      return guarded(draft, place, () => goOn(draft, place))
  }
}

/** An expression of the step may fail, and the step with it. */
export function guarded(draft: Draft, place: Place, act: () => Went): Went {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return failStep(draft, place, { code: error.code, message: messageOf(error) })
  }
}

/** It fails without an attempt of a function: recorded as one that ended at once. */
export function failStep(draft: Draft, place: Place, error: StepError): Went {
  const { step, frame } = place
  const progress = frame.get(step.no)
  const after = counted(progress, 'fail')
  const row = emptyRow(draft, place, { attempt: after.attempts, outcome: 'fail', stepState: 'failed' })
  const said = { ...row, errorCode: error.code, errorMessage: error.message }
  settled(draft, place, { ...after, state: 'failed', error: { code: error.code, message: error.message } }, said)
  return wentFailed(place)
}

/** A failed step, as what it is part of sees it. */
export function wentFailed({ step, frame }: Place): Went {
  if (step.optional) return 'settled'
  const { error, seq } = frame.get(step.no)
  const { code, message } = error ?? { code: 'failed', message: 'it has failed' }
  return { code, message: `step ${nameOf(step, frame.item)}: ${message}`, seq }
}

function begin(draft: Draft, place: Place): Went {
  const { step, frame } = place
  if (ranOut(draft)) {
    turn(draft, { ...outOfTime, message: `ran out of time before step ${nameOf(step, frame.item)}`, isCancel: false })
    return 'held'
  }
  return guarded(draft, place, () => {
    if (step.when !== null && !isTrue(step.when.evaluate(frame.scope()))) return skip(draft, place)
    if (step.require !== null) demand(step.require, frame)
    return enter(draft, place)
  })
}

export const outOfTime = Object.freeze({ code: 'transaction_timeout', message: 'the workflow ran out of time' })

export function isTrue(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new EngineError('expression_failed', `when: gave ${JSON.stringify(answer)}, expected true or false`)
}

/** Throws `EngineError` `forbidden`, also when it cannot be told. */
function demand(require: Expression, frame: Frame): void {
  let why = `it requires ${require.source}`
  try {
    if (require.evaluate(frame.scope()) === true) return
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    why += `: ${messageOf(error)}`
  }
  throw new EngineError('forbidden', why)
}

function skip(draft: Draft, place: Place): Went {
  const { step, frame } = place
  const progress = { ...frame.get(step.no), state: 'skipped' } as const
  // Of what is skipped again in a later round there is a row already.
  if (progress.wasSkipped) frame.set(step.no, progress)
  else settled(draft, place, { ...progress, wasSkipped: true }, emptyRow(draft, place, skipped))
  return 'settled'
}

const skipped = { attempt: 0, outcome: 'skipped', stepState: 'skipped' } as const

function enter(draft: Draft, { step, frame }: Place): Went {
  switch (step.kind) {
    case 'undo':
    case 'invoke':
      tryInvoke(draft, { step, frame })
      return 'held'
    case 'sleep':
    case 'wait':
      return beginRest(draft, { step, frame })
    case 'call':
      return beginCall(draft, { step, frame })
    default:
      return goOn(draft, { step, frame })
  }
}

function goOn(draft: Draft, { step, frame }: Place): Went {
  switch (step.kind) {
    case 'undo':
    case 'invoke':
      return goOnInvoked(draft, { step, frame })
    case 'sleep':
    case 'wait':
      return goOnResting(draft, { step, frame })
    case 'call':
      return goOnCalled(draft, { step, frame })
    case 'parallel':
      return walkParallel(draft, { step, frame })
    case 'forEach':
      return walkForEach(draft, { step, frame })
    case 'switch':
      return walkSwitch(draft, { step, frame })
  }
}

/** An attempt is awaited, or the delay before one, or a person. */
export function goOnInvoked(draft: Draft, place: Place): 'held' {
  const { step, frame } = place
  const progress = frame.get(step.no)
  if (draft.isFresh && progress.begun) lose(draft, place)
  else if (draft.isFresh && progress.state === 'waiting') draft.effects.push(timerOf(place, progress.dueUs ?? 0))
  return 'held'
}
