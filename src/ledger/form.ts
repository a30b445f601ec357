/** Which parts of the group commit a batch asks for. Most have one or two. */
import type { Batch } from '../coordinator/ports.ts'
import * as flow from './flow-sections.ts'
import type { Section } from './section.ts'
import * as rows from './sections.ts'

export interface Form {
  /** Transactions were admitted. */
  readonly arrivals: boolean
  /** What else comes of records, and what has been open for long. */
  readonly others: boolean
  readonly attempts: boolean
  /** Some ended, or are asked whether they did. */
  readonly endings: boolean
  /** Copies may be among what came; messages, commands, dead letters of what failed; may have run. */
  readonly rare: boolean
  /** Attempts of steps that are no chain, transactions that others have called. */
  readonly nested: boolean
  readonly rests: boolean
  readonly signals: boolean
  readonly money: boolean
  /** It will not complete, or was opened again. */
  readonly rounds: boolean
}

export function formOf(batch: Batch): Form {
  const rare = isRare(batch)
  return {
    arrivals: has(batch.transactions),
    others: has(batch.deadLetters, batch.passed, batch.subscriptions, batch.parked),
    attempts: has(batch.attempts),
    endings: rare || has(batch.endings, batch.rests, batch.restsOver, batch.taken, batch.turns, batch.reopened),
    rare,
    nested: batch.attempts.some(isNested) || batch.transactions.some((row) => row.parent !== null),
    rests: has(batch.rests, batch.restsOver, batch.taken),
    signals: has(batch.signals),
    money: has(batch.postings),
    rounds: has(batch.turns, batch.reopened),
  }
}

function has(...lists: readonly (readonly unknown[])[]): boolean {
  return lists.some((list) => list.length > 0)
}

function isRare(batch: Batch): boolean {
  return (
    has(batch.begun, batch.failedLetters, batch.letterStates, batch.messages, batch.commands) ||
    batch.endings.some((row) => row.recordKept) ||
    batch.transactions.some((row) => row.dedup !== null || row.raw !== null)
  )
}

function isNested({ item, seq, unknown, round }: Batch['attempts'][number]): boolean {
  return item !== '' || seq !== null || unknown !== null || round !== null
}

/** In the order of their parameters. */
export function sectionsOf(form: Form): Section[] {
  return [
    rows.lanes,
    ...(form.attempts ? [form.nested ? flow.nestedAttempts : rows.attempts] : []),
    ...(form.endings ? [rows.endings] : []),
    ...(form.arrivals ? [form.nested ? flow.calledTransactions : rows.transactions] : []),
    ...(form.others ? others : []),
    ...(form.rare ? rare : []),
    ...(form.rests ? [flow.rests, flow.restsOver, flow.taken] : []),
    ...(form.signals ? [flow.signals] : []),
    ...(form.money ? [flow.postings] : []),
    ...(form.rounds ? [flow.turns, flow.reopened] : []),
  ]
}

const others: readonly Section[] = [rows.deadLetters, rows.passed, rows.subscriptions, rows.parked]

const rare: readonly Section[] = [
  rows.claims,
  rows.rawRecords,
  rows.begun,
  rows.failedLetters,
  rows.letterStates,
  rows.messages,
  rows.commands,
]

/** Of the prepared statement: Postgres knows no more than 63 characters of it. */
export function nameOf(form: Form): string {
  let name = 'millrace_commit'
  if (form.arrivals) name += '_in'
  if (form.others) name += '_etc'
  if (form.attempts) name += '_at'
  if (form.endings) name += '_end'
  if (form.rare) name += '_rare'
  if (form.nested) name += '_nested'
  if (form.rests) name += '_rests'
  if (form.signals) name += '_sig'
  if (form.money) name += '_money'
  if (form.rounds) name += '_turn'
  return name
}
