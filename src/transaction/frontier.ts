/**
 * What may have been under way when a coordinator was lost. Whoever takes the transaction over asks for it again, under the
 * same key; what it does not ask for again, because the transaction turns back or a block was decided meanwhile, is undone
 * like any other of unknown effect.
 */
import { EngineError } from '../base/error.ts'
import type { ForEachStep, Step } from '../workflow/plan.ts'
import { branchesOf, enterItems, itemsFor, takenCase } from './blocks.ts'
import { type Draft, draftOf, type Frame, frameAt, madeFrame, type Place } from './draft.ts'
import { begunOf, isDecided } from './join.ts'
import { giveUpLost, isUndone } from './lost.ts'
import { isSettled, type StepRef, type Transaction } from './transaction.ts'
import { isTrue } from './walk.ts'

/** Steps that its last coordinator may have asked for: in each list that was open the one it had come to. */
export function frontierOf(transaction: Transaction, atUs: number): readonly StepRef[] {
  // That it turns back is a row, and so is what ran then.
  if (transaction.failure !== null) return []
  const draft = draftOf(transaction, atUs)
  draft.isFresh = true
  return inList(draft, transaction.plan.body, draft.root)
}

function inList(draft: Draft, steps: readonly Step[], frame: Frame): readonly StepRef[] {
  for (const step of steps) {
    const progress = frame.get(step.no)
    if (progress.state === 'failed' && !step.optional) return []
    if (!isSettled(progress) && !isSkippedAgain({ step, frame })) return calmly(() => inStep(draft, { step, frame }))
  }
  return []
}

/** Of that there is no row in this round. */
function isSkippedAgain({ step, frame }: Place): boolean {
  const { state, wasSkipped } = frame.get(step.no)
  if (state !== 'pending' || !wasSkipped || step.when === null) return false
  const { when } = step
  return calmly(() => (isTrue(when.evaluate(frame.scope())) ? [] : [null])).length > 0
}

/** An expression that fails now failed then, too. */
function calmly<Found>(find: () => readonly Found[]): readonly Found[] {
  try {
    return find()
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return []
  }
}

function inStep(draft: Draft, { step, frame }: Place): readonly StepRef[] {
  switch (step.kind) {
    case 'invoke': {
      const { state, dueUs } = frame.get(step.no)
      const isAsked = state === 'pending' || (state === 'waiting' && (dueUs ?? 0) <= draft.atUs)
      return isAsked ? [{ step: step.no, item: frame.item }] : []
    }
    case 'switch':
      return inList(draft, takenCase({ step, frame })?.steps ?? [], frame)
    case 'parallel':
      // Once it is decided, what is aborted leaves a row.
      if (step.others === 'cancel' && isDecided(branchesOf(draft, { step, frame }), step.join)) return []
      return step.branches.flatMap(({ steps }) => inList(draft, steps, frame))
    case 'forEach':
      return inItems(draft, { step, frame })
    default:
      return []
  }
}

function inItems(draft: Draft, { step, frame }: Place<ForEachStep>): readonly StepRef[] {
  if (frame.get(step.no).state === 'pending') enterItems({ step, frame })
  const items = itemsFor(draft, { step, frame })
  if (step.others === 'cancel' && isDecided(items, step.join)) return []
  return Array.from({ length: begunOf(items, step.join) }, (_, at) => at).flatMap((at) =>
    inList(draft, step.steps, frame.into(step, at)),
  )
}

/** Those of them that were not asked for again. Of the others nobody knows what they did before. */
export function giveUp(draft: Draft, frontier: readonly StepRef[]): void {
  for (const ref of frontier) {
    const place = placeOf(draft, ref)
    const { step, frame } = place
    const progress = frame.get(step.no)
    if (progress.state !== 'pending') doubtBefore(place)
    else if (isUndone(step)) giveUpLost(draft, place)
  }
}

/** Those whose next attempt was due when it was lost. */
export function doubtDue(draft: Draft, frontier: readonly StepRef[]): void {
  const { plan } = draft.transaction
  for (const { step: no, item } of frontier) {
    const step = plan.steps[no] as Step
    const frame = frameAt(draft.root, plan, step, item)
    if (frame?.get(no).state === 'waiting') doubtBefore({ step, frame })
  }
}

function doubtBefore({ step, frame }: Place): void {
  const progress = frame.get(step.no)
  if (progress.state === 'running' || progress.state === 'waiting') {
    frame.set(step.no, { ...progress, effectUnknown: true })
  }
}

function placeOf(draft: Draft, { step: no, item }: StepRef): Place {
  const { plan } = draft.transaction
  const step = plan.steps[no] as Step
  return { step, frame: madeFrame(draft.root, plan, step, item) }
}
