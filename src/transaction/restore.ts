/** Makes a transaction again of its rows. It stands `queued`, and a `Started` takes it up wherever it was; a chain in doubt stays so. */
import type { Envelope } from '../envelope/envelope.ts'
import type { Plan, Step } from '../workflow/plan.ts'
import { notAfterUs } from './admit.ts'
import type { AttemptOutcome } from './attempt.ts'
import { type Draft, draftOf, madeFrame } from './draft.ts'
import type { Signal } from './event.ts'
import { childId } from './ids.ts'
import { isUndone } from './lost.ts'
import { reopen, someStep } from './reopen.ts'
import { counted, crashLoop, lostMax } from './retry.ts'
import { noSteps } from './steps.ts'
import {
  type Child,
  type ChildEnd,
  type Failure,
  type FinalState,
  type Movement,
  outputOf,
  type ParentRef,
  type Position,
  type StepError,
  type StepProgress,
  type StepRef,
  type Transaction,
} from './transaction.ts'

export interface TransactionRecord {
  readonly id: string
  readonly plan: Plan
  readonly position: Position
  readonly key: string | null
  readonly envelope: Envelope
  readonly admittedUs: number
  readonly parent: ParentRef | null
}

/** An attempt as read back, in order of step, item and attempt. */
export interface AttemptRecord extends StepRef {
  readonly attempt: number
  readonly outcome: AttemptOutcome | 'skipped'
  readonly stepState: 'ok' | 'skipped' | 'failed' | 'in_doubt' | null
  readonly output: string | null
  readonly nextUs: number | null
  /** Of one that has failed. */
  readonly errorCode: string | null
  readonly errorMessage: string | null
  readonly eligibleUs: number | null
  readonly seq: number | null
  readonly unknown: boolean
  /** From 1. */
  readonly round: number
}

/** An attempt that may have run and has no outcome. */
export interface BegunRecord extends StepRef {
  readonly attempt: number
}

/** A step that sleeps, or waits for an event. */
export interface RestRecord extends StepRef {
  readonly dueUs: number | null
  readonly sinceUs: number
  readonly isAlone: boolean
  /** The event that was claimed for it. */
  readonly signal: Signal | null
}

/** A sub-workflow that a step has called. */
export interface ChildRecord extends StepRef {
  readonly id: string
  /** Null while it is open. */
  readonly ended: ChildEnd | null
}

/** What a step has posted; those of a compensation, too. */
export interface PostingRecord extends StepRef, Movement {}

/** How a round was begun: what is undone, or from which step on it runs again. */
export interface RoundRecord {
  /** When: its time to run counts from here. */
  readonly atUs: number
  readonly from: number | null
  /** JSON text. */
  readonly input: string | null
}

export interface Records {
  readonly attempts: readonly AttemptRecord[]
  readonly begun: readonly BegunRecord[]
  readonly rests: readonly RestRecord[]
  readonly children: readonly ChildRecord[]
  readonly postings: readonly PostingRecord[]
  readonly rounds: readonly RoundRecord[]
  /** Why it does not complete, or did not. */
  readonly failure: Failure | null
  readonly ended: FinalState | null
}

export function restore(record: TransactionRecord, records: Records): Transaction {
  const { plan, admittedUs } = record
  const { rounds, failure, ended } = records
  const sinceUs = rounds.findLast(({ from }) => from !== null)?.atUs ?? admittedUs
  const steps = noSteps(plan.steps.length)
  const draft = draftOf({ ...record, ...blank, steps, notAfterUs: notAfterUs(plan, sinceUs), failure }, 0)
  evolveAll(draft, records)
  const { transaction } = draft
  const last = rounds.at(-1)
  if (last && last.from !== null && last.input !== null) transaction.given = { step: last.from, input: last.input }
  transaction.state = ended ?? (isInDoubt(draft) ? 'in_doubt' : 'queued')
  return transaction
}

const blank = {
  state: 'queued',
  round: 1,
  settled: 0,
  given: null,
  isDelayed: false,
  at: 0,
  owed: null,
} as const

/** Rounds lie one over the other: each begins with what it takes back of the one before. */
function evolveAll(draft: Draft, { attempts, begun, rests, children, postings, rounds }: Records): void {
  for (let round = 1; round <= rounds.length + 1; round++) {
    if (round > 1) reopen(draft, round, (rounds[round - 2] as RoundRecord).from)
    for (const each of attempts) if (each.round === round) evolve(draft, each)
  }
  const { id: parentId } = draft.transaction
  for (const { id, ended, step, item } of children) {
    change(draft, { step, item }, (progress) => {
      const isOfRound = id === childId({ id: parentId, step, item }, progress.keyRound)
      return isOfRound ? called(progress, { kind: 'child', id, ended }) : progress
    })
  }
  for (const each of begun) change(draft, each, (step) => ({ ...step, state: 'running', begun: true }))
  for (const { dueUs, sinceUs, isAlone, signal, ...ref } of rests) {
    const inside = { kind: 'rest', sinceUs, isAlone, signal } as const
    change(draft, ref, (step) => ({ ...step, state: 'asleep', dueUs, inside }))
  }
  for (const [ref, posted] of byStep(postings))
    change(draft, ref, (progress) => withPostings(draft, ref, progress, posted))
}

/** Those of rounds before were of attempts before, and what a compensation has posted is not undone. */
function withPostings(
  { transaction }: Draft,
  { step: no }: StepRef,
  progress: StepProgress,
  all: readonly Movement[],
): StepProgress {
  const posted = all.filter(({ attempt }) => attempt === progress.attempts)
  if (progress.state !== 'ok' || posted.length === 0 || !isUndone(transaction.plan.steps[no] as Step)) return progress
  return { ...progress, inside: { kind: 'money', posted } }
}

function called(progress: StepProgress, inside: Child): StepProgress {
  return progress.state === 'pending' ? { ...progress, state: 'called', inside } : { ...progress, inside }
}

function change(draft: Draft, { step: no, item }: StepRef, to: (progress: StepProgress) => StepProgress): void {
  const { plan } = draft.transaction
  const frame = madeFrame(draft.root, plan, plan.steps[no] as Step, item)
  frame.set(no, to(frame.get(no)))
}

function evolve(draft: Draft, record: AttemptRecord): void {
  const { stepState, nextUs, output, seq, unknown, eligibleUs } = record
  draft.transaction.settled = Math.max(draft.transaction.settled, seq ?? 0)
  change(draft, record, (before) => {
    const progress = counted(before, record.outcome)
    return {
      ...progress,
      sinceUs: progress.sinceUs ?? eligibleUs,
      state: stepState ?? 'waiting',
      dueUs: nextUs,
      output: outputOf(output),
      seq: seq ?? 0,
      effectUnknown: unknown || stepState === 'in_doubt',
      wasSkipped: progress.wasSkipped || stepState === 'skipped',
      error: stepState === 'failed' ? errorOf(progress, record) : null,
    }
  })
}

function errorOf(progress: StepProgress, { outcome, errorCode, errorMessage }: AttemptRecord): StepError {
  if (outcome === 'lost' && progress.lost >= lostMax) return crashLoop(progress)
  return { code: errorCode ?? outcome, message: errorMessage ?? `attempt ended with ${outcome}` }
}

function byStep(postings: readonly PostingRecord[]): (readonly [StepRef, Movement[]])[] {
  const steps = new Map<string, readonly [StepRef, Movement[]]>()
  for (const { step, item, ...movement } of postings) {
    const name = `${step}/${item}`
    const known = steps.get(name)
    if (known) known[1].push(movement)
    else steps.set(name, [{ step, item }, [movement]])
  }
  return [...steps.values()]
}

/** And nothing else of it runs: what may run of one with branches is begun again when its turn comes. */
function isInDoubt(draft: Draft): boolean {
  return draft.transaction.plan.isChain && someStep(draft, ({ state }) => state === 'in_doubt')
}
