/**
 * The heart: `transition(transaction, event)` gives the transaction as it is after the event, and what must be written
 * and done. No I/O, no clock, no randomness. The table is data: a state without an answer to an event does not compile.
 */
import type { FunctionStep } from '../workflow/plan.ts'
import { advance } from './advance.ts'
import { type Draft, draftOf, type Moved, type Place } from './draft.ts'
import type {
  AttemptReserved,
  CancelAsked,
  ChildEnded,
  EventType,
  SignalArrived,
  Started,
  TimerDue,
  TransactionEvent,
} from './event.ts'
import { doubtDue, frontierOf, giveUp } from './frontier.ts'
import { retryFrom, someStep, undoAgain } from './reopen.ts'
import { resolve } from './resolve.ts'
import { nameOf } from './rows.ts'
import { again, awaited, placeOf, settle } from './settle.ts'
import { areUntouched } from './steps.ts'
import { isSettled, type Transaction, type TransactionState } from './transaction.ts'
import { turn } from './turn.ts'

/** A refused event changes nothing; `reason` is for the channel `refusal`. */
export type Transition = Moved | { readonly refused: string }

export function transition(transaction: Transaction, event: TransactionEvent): Transition {
  const handler = table[transaction.state][event.type] as Handler<TransactionEvent>
  return handler(transaction, event)
}

type Handler<Event> = (transaction: Transaction, event: Event) => Transition
type Row = { readonly [Type in EventType]: Handler<Extract<TransactionEvent, { type: Type }>> }

const refusal: Row = {
  Started: refuse,
  AttemptReserved: refuse,
  AttemptEnded: refuse,
  TimerDue: refuse,
  SignalArrived: refuse,
  ChildEnded: refuse,
  StepResolved: refuse,
  CancelAsked: refuse,
  UndoAsked: refuse,
  RetryAsked: refuse,
}

/** What others of it that run may bring while one of its steps stands in doubt, or after it was decided to undo it. */
const underWay: Row = {
  ...refusal,
  AttemptReserved: begin,
  AttemptEnded: settle,
  TimerDue: wake,
  SignalArrived: hear,
  ChildEnded: followChild,
  StepResolved: resolve,
  CancelAsked: cancel,
}

const table: { readonly [State in TransactionState]: Row } = {
  queued: {
    ...refusal,
    Started: start,
    SignalArrived: keep,
    ChildEnded: keepChild,
    StepResolved: resolve,
    CancelAsked: cancelQueued,
  },
  running: underWay,
  waiting: refusal,
  in_doubt: {
    ...refusal,
    TimerDue: stir,
    SignalArrived: stir,
    ChildEnded: keepChild,
    StepResolved: resolve,
    CancelAsked: cancelQueued,
  },
  compensating: { ...underWay, CancelAsked: refuse },
  completed: { ...refusal, UndoAsked: undoAgain },
  compensated: { ...refusal, RetryAsked: retryFrom },
  cancelled: { ...refusal, RetryAsked: retryFrom },
  failed: { ...refusal, UndoAsked: undoAgain, RetryAsked: retryFrom },
}

/** The documented diagram is compared with this. */
export function handlerName(state: TransactionState, event: EventType): string {
  return table[state][event].name
}

/** Takes it up where it stands: at its first step, or, when its lane was opened again or it woke, at whatever it waited for. */
function start(transaction: Transaction, { atUs, isTakenOver }: Started): Transition {
  const draft = draftOf(transaction, atUs)
  draft.transaction.state = 'running'
  draft.isFresh = true
  const { startWithinMs } = transaction.plan
  if (startWithinMs !== null && atUs > transaction.admittedUs + startWithinMs * 1000 && isUntouched(transaction)) {
    turn(draft, { code: 'queue_timeout', message: `it was not its turn within ${startWithinMs} ms`, isCancel: false })
  }
  if (isTakenOver) {
    draft.mayRun = frontierOf(transaction, atUs)
    doubtDue(draft, draft.mayRun)
  }
  return advance(draft)
}

function isUntouched({ steps, round }: Transaction): boolean {
  return round === 1 && areUntouched(steps)
}

/** A process is kept for an attempt: that it may run is written first. */
function begin(transaction: Transaction, event: AttemptReserved): Transition {
  const draft = draftOf(transaction, event.atUs)
  const place = awaited(draft, event)
  if ('refused' in place) return place
  const { step, frame } = place
  const progress = frame.get(step.no)
  if (progress.stopping) return { refused: `step ${nameOf(step, frame.item)} is not needed any more` }
  if (progress.begun) return { refused: `step ${nameOf(step, frame.item)} may run already` }
  const at = { step: step.no, item: frame.item, attempt: event.attempt }
  frame.set(step.no, { ...progress, begun: true })
  draft.effects.push({ type: 'RecordBegun', row: { transactionId: transaction.id, ...at } }, { type: 'Proceed', ...at })
  return draft
}

/** A delay is over, or a sleep, or a wait. */
function wake(transaction: Transaction, event: TimerDue): Transition {
  const draft = draftOf(transaction, event.atUs)
  const place = placeOf(draft, event)
  const progress = place?.frame.get(place.step.no)
  if (!place || !progress || (progress.state !== 'waiting' && progress.state !== 'asleep')) {
    return { refused: `step ${place ? nameOf(place.step, event.item) : event.step} waits for no timer` }
  }
  if (progress.state === 'waiting') again(draft, place as Place<FunctionStep>, progress.dueUs)
  return advance(draft)
}

/** In doubt, and another branch of it wakes or has its event: it goes on with that when its turn comes. */
function stir(transaction: Transaction, event: TimerDue | SignalArrived): Transition {
  const kept = event.type === 'SignalArrived' ? keep(transaction, event) : woken(transaction, event)
  if ('refused' in kept) return kept
  const draft = kept as Draft
  draft.transaction.state = 'queued'
  return draft
}

function woken(transaction: Transaction, event: TimerDue): Transition {
  const draft = draftOf(transaction, event.atUs)
  const place = placeOf(draft, event)
  if (place?.frame.get(place.step.no).state === 'asleep') return draft
  return { refused: `step ${place ? nameOf(place.step, event.item) : event.step} waits for no timer` }
}

function hear(transaction: Transaction, event: SignalArrived): Transition {
  const kept = keep(transaction, event)
  return 'refused' in kept ? kept : advance(kept as Draft)
}

/** Its turn has not come: what it was given waits with it. */
function keep(transaction: Transaction, event: SignalArrived): Transition {
  const draft = draftOf(transaction, event.atUs)
  const place = placeOf(draft, event)
  const progress = place?.frame.get(place.step.no)
  if (!place || progress?.state !== 'asleep' || progress.inside?.kind !== 'rest' || place.step.kind !== 'wait') {
    return { refused: `step ${place ? nameOf(place.step, event.item) : event.step} waits for no event` }
  }
  if (progress.inside.signal !== null) return { refused: `step ${nameOf(place.step, event.item)} has its event` }
  place.frame.set(place.step.no, { ...progress, inside: { ...progress.inside, signal: event.signal } })
  return draft
}

function followChild(transaction: Transaction, event: ChildEnded): Transition {
  const kept = keepChild(transaction, event)
  return 'refused' in kept ? kept : advance(kept as Draft)
}

function keepChild(transaction: Transaction, event: ChildEnded): Transition {
  const draft = draftOf(transaction, event.atUs)
  const place = placeOf(draft, event)
  const progress = place?.frame.get(place.step.no)
  if (!place || progress?.inside?.kind !== 'child' || progress.inside.id !== event.childId) {
    return { refused: 'it has called no such transaction' }
  }
  if (isSettled(progress) && transaction.failure === null) {
    return { refused: `step ${nameOf(place.step, event.item)} has its end already` }
  }
  const inside = { ...progress.inside, ended: event.end }
  place.frame.set(place.step.no, { ...progress, stopping: false, inside })
  return draft
}

function cancel(transaction: Transaction, event: CancelAsked): Transition {
  const draft = draftOf(transaction, event.atUs)
  turn(draft, cancelled(event))
  return advance(draft)
}

/** What has not begun ends at once; what has begun is undone when its turn comes, or its doubt is settled. */
function cancelQueued(transaction: Transaction, event: CancelAsked): Transition {
  if (transaction.failure !== null) return { refused: 'it is being undone already' }
  const draft = draftOf(transaction, event.atUs)
  // What else ran may have been lost with a coordinator before: nobody asks for it again.
  if (someStep(draft, ({ state }) => state === 'in_doubt')) giveUp(draft, frontierOf(transaction, event.atUs))
  turn(draft, cancelled(event))
  if (isUntouched(transaction)) return advance(draft)
  const { id: transactionId, round } = transaction
  draft.effects.push({ type: 'RecordTurn', row: { transactionId, round, ...cancelled(event), atUs: event.atUs } })
  return draft
}

function cancelled({ by }: CancelAsked) {
  return { code: 'cancelled', message: `cancelled by ${by}`, isCancel: true } as const
}

function refuse(transaction: Transaction, event: TransactionEvent): Transition {
  if (event.type === 'StepResolved') {
    return { refused: `step ${event.step} is not in doubt: the transaction is ${transaction.state}` }
  }
  // What people ask for they are answered in their words.
  if (isWish(event)) return { refused: `the transaction is ${transaction.state}` }
  return { refused: `${event.type} while ${transaction.state}` }
}

function isWish({ type }: TransactionEvent): boolean {
  return type === 'CancelAsked' || type === 'UndoAsked' || type === 'RetryAsked'
}
