/** Steps that run another workflow as a transaction of its own. */
import { EngineError } from '../base/error.ts'
import { isStorable, stringifyJson } from '../envelope/json.ts'
import type { CallStep } from '../workflow/plan.ts'
import { endStep } from './blocks.ts'
import { type Draft, type Place, takeBack } from './draft.ts'
import { childId } from './ids.ts'
import type { Went } from './join.ts'
import { refOf } from './rows.ts'
import type { Child } from './transaction.ts'
import { failStep, guarded } from './walk.ts'

export function beginCall(draft: Draft, { step, frame }: Place<CallStep>): Went {
  const { transaction, effects, atUs } = draft
  const data = stringifyJson(step.with.render(frame.scope()))
  if (!isStorable(data)) throw new EngineError('input_unstorable', 'with: holds a NUL or half a character')
  const parent = { id: transaction.id, ...refOf({ step, frame }) }
  const id = childId(parent, frame.get(step.no).keyRound)
  effects.push({ type: 'Admit', childId: id, workflow: step.workflow, parent, data, atUs })
  frame.set(step.no, { ...frame.get(step.no), state: 'called', inside: { kind: 'child', id, ended: null } })
  return 'held'
}

export function goOnCalled(draft: Draft, place: Place<CallStep>): Went {
  const { step, frame } = place
  const { ended } = frame.get(step.no).inside as Child
  if (ended === null) return 'held'
  if (ended.state === 'completed') {
    endStep(draft, place, ended.output)
    return 'settled'
  }
  const { code, message } = ended.error ?? { code: ended.state, message: `it is ${ended.state}` }
  if (ended.isOwing) frame.set(step.no, { ...frame.get(step.no), effectUnknown: true })
  return failStep(draft, place, { code, message: `${step.workflow}: ${message}` })
}

/** True when it has ended; else it is told to. */
export function cancelChild(draft: Draft, place: Place): boolean {
  const { step, frame } = place
  const progress = frame.get(step.no)
  const { id, ended } = progress.inside as Child
  if (ended !== null) {
    guarded(draft, place, () => goOnCalled(draft, place as Place<CallStep>))
    return true
  }
  if (takeBack(draft, (effect) => effect.type === 'Admit' && effect.childId === id)) {
    frame.set(step.no, { ...progress, state: 'pending', inside: null })
    return true
  }
  if (!progress.stopping) {
    const event = { type: 'CancelAsked', atUs: draft.atUs, by: `its parent ${draft.transaction.id}` } as const
    draft.effects.push({ type: 'Tell', transactionId: id, event })
    frame.set(step.no, { ...progress, stopping: true })
  }
  return false
}
