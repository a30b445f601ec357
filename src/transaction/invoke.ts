/** Asks for attempts, and for the delays before them. */
import { EngineError } from '../base/error.ts'
import { isStorable, stringifyJson } from '../envelope/json.ts'
import type { FunctionStep, InvokeStep, UndoStep } from '../workflow/plan.ts'
import type { Draft, Place } from './draft.ts'
import type { Effect } from './effect.ts'
import { forwardSeed, undoSeed } from './ids.ts'
import { lostBeforeAlone } from './retry.ts'
import { refOf } from './rows.ts'
import { progressFrom } from './transaction.ts'

/** Throws `EngineError` when the function's input cannot be made. `eligibleUs`: when its delay was over. */
export function tryInvoke(draft: Draft, place: Place<FunctionStep>, eligibleUs: number | null = null): void {
  const { step, frame } = place
  const { transaction, effects } = draft
  const progress = frame.get(step.no)
  const isUndo = step.kind === 'undo'
  const forward = isUndo ? frame.get(step.of).keyRound : progress.keyRound
  const seed = forwardSeed(transaction, step.id, frame.item, forward)
  effects.push({
    type: 'Invoke',
    step,
    item: frame.item,
    attempt: progress.attempts + 1,
    idempotencySeed: isUndo ? undoSeed(transaction, step.id, frame.item, progress.keyRound) : seed,
    forwardSeed: isUndo ? seed : null,
    input: inputOf(draft, place),
    notAfterUs: isUndo ? null : transaction.notAfterUs,
    eligibleUs,
    alone: progress.lost >= lostBeforeAlone,
  })
  const running = progressFrom(progress)
  running.state = 'running'
  running.dueUs = null
  frame.set(step.no, running)
}

function inputOf({ transaction }: Draft, { step, frame }: Place<FunctionStep>): string {
  const { given } = transaction
  if (given !== null && given.step === step.no) return given.input
  const text = stringifyJson(
    step.with.render(step.kind === 'undo' ? undoScope(transaction.plan, step, frame) : frame.scope()),
  )
  if (isStorable(text)) return text
  throw new EngineError('input_unstorable', 'with: holds a NUL or half a character')
}

/** What its step saw, and what that gave; null when nobody knows. */
function undoScope({ steps }: Draft['transaction']['plan'], step: FunctionStep, frame: Place['frame']) {
  const forward = steps[(step as UndoStep).of] as InvokeStep
  const { state, output } = frame.get(forward.no)
  return frame.scope({ output: state === 'ok' ? output.output : null })
}

export function timerOf(place: Place, dueUs: number): Effect {
  return { type: 'ArmTimer', ...refOf(place), dueUs }
}
