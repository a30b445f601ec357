/** Undoes what was done, in the reverse order in which it was, one step at a time. */
import { EngineError, messageOf } from '../base/error.ts'
import type { CallStep, InvokeStep, Step, UndoStep } from '../workflow/plan.ts'
import { type Draft, type Frame, frameAt, type Place } from './draft.ts'
import { end } from './end.ts'
import { tryInvoke } from './invoke.ts'
import { itemsOf } from './items.ts'
import { nameOf } from './rows.ts'
import { type Child, isSettled, type Owed, type StepRef } from './transaction.ts'
import { recordTurn } from './turn.ts'
import { failStep, goOnInvoked } from './walk.ts'

/** What is undone now: asked for, or awaited. Or nothing is left, and it ends. */
export function undo(draft: Draft): Place | 'ended' {
  const owed = nextOwed(draft)
  if (owed === null) {
    end(draft, draft.transaction.failure)
    return 'ended'
  }
  const { step, frame } = owed
  const went = step.kind === 'call' ? undoCall(draft, { step, frame }) : undoStep(draft, { step, frame })
  return went === 'held' ? owed : owing(draft, owed)
}

function undoStep(draft: Draft, place: Place<UndoStep>): 'held' | 'failed' {
  const { step, frame } = place
  switch (frame.get(step.no).state) {
    case 'failed':
      return 'failed'
    case 'pending':
      return asked(draft, place)
    default:
      return goOnInvoked(draft, place)
  }
}

function asked(draft: Draft, place: Place<UndoStep>): 'held' | 'failed' {
  try {
    tryInvoke(draft, place)
    return 'held'
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    failStep(draft, place, { code: error.code, message: messageOf(error) })
    return 'failed'
  }
}

/** Its sub-workflow undoes itself. One that could not is asked again when its parent begins anew. */
function undoCall(draft: Draft, { step, frame }: Place<CallStep>): 'held' | 'failed' {
  const progress = frame.get(step.no)
  const child = progress.inside as Child
  if (child.ended?.state === 'failed' && !progress.stopping && !draft.isFresh) return 'failed'
  if (!progress.stopping) {
    const event = { type: 'UndoAsked', atUs: draft.atUs, by: `its parent ${draft.transaction.id}` } as const
    draft.effects.push({ type: 'Tell', transactionId: child.id, event })
    frame.set(step.no, { ...progress, stopping: true })
  }
  return 'held'
}

/** A compensation has failed for good: it ends, and what is owed can be seen. */
function owing(draft: Draft, { step, frame }: Place): 'ended' {
  recordTurn(draft)
  const { failure } = draft.transaction
  const why = frame.get(step.no).error
  const left = `; ${step.kind === 'call' ? `${nameOf(step, frame.item)} could not be undone` : `the ${nameOf(step, frame.item)} failed`}`
  const message = `${failure?.message ?? ''}${left}${why ? `: ${why.message}` : ''}`
  end(draft, { code: failure?.code ?? 'failed', message, isCancel: false }, true)
  return 'ended'
}

/** What was done last of what is not undone yet. Null: nothing. */
export function nextOwed(draft: Draft): Place<UndoStep | CallStep> | null {
  const { transaction } = draft
  transaction.owed ??= owedOf(draft).owed
  for (let left = transaction.owed; left !== null; left = left.before) {
    const place = placeOf(draft, left)
    if (isUndone(place)) continue
    transaction.owed = left
    return place
  }
  transaction.owed = null
  return null
}

export function undoneCount(draft: Draft): number {
  return owedOf(draft).undone
}

function placeOf({ transaction, root }: Draft, { step: no, item }: StepRef): Place<UndoStep | CallStep> {
  const step = transaction.plan.steps[no] as UndoStep | CallStep
  return { step, frame: frameAt(root, transaction.plan, step, item) as Frame }
}

function isUndone({ step, frame }: Place<UndoStep | CallStep>): boolean {
  const { state, inside } = frame.get(step.no)
  return step.kind === 'undo' ? state === 'ok' : inside?.kind === 'child' && isChildUndone(inside)
}

/** One that was to be cancelled and could not be undone at first is `cancelled` when it is. */
export function isChildUndone({ ended }: Child): boolean {
  return ended?.state === 'compensated' || ended?.state === 'cancelled'
}

interface Done extends StepRef {
  readonly seq: number
}

interface Found {
  readonly done: Done[]
  undone: number
}

/** All that is to be undone, linked from what was done last; and how much of it is undone already. */
function owedOf(draft: Draft): { readonly owed: Owed | null; readonly undone: number } {
  const found: Found = { done: [], undone: 0 }
  search(draft, draft.root, 0, draft.transaction.plan.steps.length, found)
  let owed: Owed | null = null
  for (const { step, item } of found.done.sort((a, b) => a.seq - b.seq)) owed = { step, item, before: owed }
  return { owed, undone: found.undone }
}

function search(draft: Draft, frame: Frame, from: number, to: number, found: Found): void {
  const { steps } = draft.transaction.plan
  for (let no = from; no < to; no++) {
    const step = steps[no] as Step
    if (step.kind === 'invoke' && step.compensate !== null) lookAtStep(step, step.compensate, frame, found)
    else if (step.kind === 'call') lookAtCall(step, frame, found)
    else if (step.kind === 'forEach') {
      const { length } = itemsOf(frame.get(no))
      for (let at = 0; at < length; at++) search(draft, frame.into(step, at), no + 1, no + 1 + step.size, found)
      no += step.size
    }
  }
}

/** Also one whose last attempt left its effect unknown: what undoes it accepts that there may be nothing. */
function lookAtStep(step: InvokeStep, undoing: UndoStep, frame: Frame, found: Found): void {
  const { state, effectUnknown, seq } = frame.get(step.no)
  if (state !== 'ok' && !(state === 'failed' && effectUnknown)) return
  if (frame.get(undoing.no).state === 'ok') found.undone++
  else keep(found, { step: undoing, frame }, seq || step.no)
}

function lookAtCall(step: CallStep, frame: Frame, found: Found): void {
  const progress = frame.get(step.no)
  if (!isSettled(progress) || progress.inside?.kind !== 'child') return
  // One that failed has undone itself, unless it could not.
  const mayOwe = progress.state === 'ok' || progress.effectUnknown
  if (mayOwe && isChildUndone(progress.inside)) found.undone++
  else if (mayOwe || progress.inside.ended?.state === 'completed') keep(found, { step, frame }, progress.seq || step.no)
}

function keep({ done }: Found, { step, frame }: Place, seq: number): void {
  done.push({ step: step.no, item: frame.item, seq })
}
