/** A person's word on a step in doubt. */
import { EngineError, messageOf } from '../base/error.ts'
import type { Step } from '../workflow/plan.ts'
import { advance } from './advance.ts'
import { type Draft, draftOf, frameAt, type Place } from './draft.ts'
import type { AttemptRow } from './effect.ts'
import type { StepResolved } from './event.ts'
import { reversalsOf } from './money.ts'
import { messagesOfStep } from './publish.ts'
import { everyStep, someStep } from './reopen.ts'
import { counted } from './retry.ts'
import { emptyRow, nameOf, settled } from './rows.ts'
import { outputOf, type StepError, type Transaction } from './transaction.ts'
import type { Transition } from './transition.ts'

/** What follows waits for its turn, unless others of it run: another one of its key may run by now. */
export function resolve(transaction: Transaction, event: StepResolved): Transition {
  const draft = draftOf(transaction, event.atUs)
  const place = inDoubt(draft, event.step)
  if (place === null) return { refused: `step ${event.step} is not in doubt${standing(transaction)}` }
  const why = settleBy(draft, place, event)
  if (why !== null) return { refused: why }
  if (transaction.state === 'queued') return draft
  if (transaction.state !== 'in_doubt') return advance(draft)
  draft.transaction.state = isStillInDoubt(draft) ? 'in_doubt' : 'queued'
  return draft
}

function standing({ state }: Transaction): string {
  return state === 'in_doubt' ? '' : `: the transaction is ${state}`
}

/** Null, or why it cannot be: an output that its step's messages cannot be made of is refused, another one may be given. */
function settleBy(draft: Draft, place: Place, event: StepResolved): string | null {
  const { step, frame } = place
  const progress = counted(frame.get(step.no), event.outcome)
  const row = resolution(draft, place, event)
  if (event.outcome === 'fail') {
    settled(draft, place, { ...progress, state: 'failed', effectUnknown: false, error: resolvedError(event) }, row)
    return null
  }
  const output = outputOf(event.output)
  settled(draft, place, { ...progress, state: 'ok', effectUnknown: false, output }, row)
  if (step.kind === 'undo') draft.effects.push(...reversalsOf(draft, { step, frame }, row))
  try {
    draft.effects.push(...messagesOfStep(draft.transaction, place, []))
    return null
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return messageOf(error)
  }
}

/** `bill`, or `bill[3]` of an item: the step itself, or what undoes it. */
function inDoubt(draft: Draft, name: string): Place | null {
  const [, id = name, item = ''] = /^([^[]+)\[([\d.]+)\]$/.exec(name) ?? []
  const { plan } = draft.transaction
  for (const step of plan.steps) {
    if (step.id !== id) continue
    const frame = frameAt(draft.root, plan, step, item)
    if (frame?.get(step.no).state === 'in_doubt') return { step, frame }
  }
  return null
}

/** The first one, by name. */
export function stepInDoubt(transaction: Transaction): string {
  let name = ''
  everyStep(draftOf(transaction, 0), (step, frame) => {
    if (name === '' && frame.get(step.no).state === 'in_doubt') name = nameOf(step, frame.item)
  })
  return name
}

function isStillInDoubt(draft: Draft): boolean {
  return someStep(draft, ({ state }) => state === 'in_doubt')
}

function resolvedError({ by }: StepResolved): StepError {
  return { code: 'resolved_failed', message: `settled as failed by ${by}` }
}

function resolution(draft: Draft, place: Place<Step>, event: StepResolved): AttemptRow {
  const { outcome, output, by } = event
  const attempt = place.frame.get(place.step.no).attempts + 1
  const row = emptyRow(draft, place, { attempt, outcome, stepState: outcome === 'ok' ? 'ok' : 'failed' })
  const { code, message } = resolvedError(event)
  const said = outcome === 'fail' ? { errorCode: code, errorMessage: message } : { output }
  return { ...row, ...said, receivedUs: event.atUs, resolvedBy: by }
}
