/** Which parts of the group commit a batch asks for. Most have one or two. */
import type { Batch } from '../coordinator/ports.ts'
import * as flow from './flow-sections.ts'
import type { Section } from './section.ts'
import * as rows from './sections.ts'

export interface Form {
  /** Something came from Kafka, or has been open for long. */
  readonly arrivals: boolean
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
  return {
    arrivals: has(batch.transactions, batch.deadLetters, batch.passed, batch.subscriptions, batch.parked),
    rare: isRare(batch),
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
    form.nested ? flow.nestedAttempts : rows.attempts,
    rows.endings,
    ...(form.arrivals ? arrivals(form) : []),
    ...(form.rare ? rare : []),
    ...(form.rests ? [flow.rests, flow.restsOver, flow.taken] : []),
    ...(form.signals ? [flow.signals] : []),
    ...(form.money ? [flow.postings] : []),
    ...(form.rounds ? [flow.turns, flow.reopened] : []),
  ]
}

function arrivals({ nested }: Form): Section[] {
  const admitted = nested ? flow.calledTransactions : rows.transactions
  return [admitted, rows.deadLetters, rows.passed, rows.subscriptions, rows.parked]
}

const rare: readonly Section[] = [
  rows.claims,
  rows.rawRecords,
  rows.begun,
  rows.failedLetters,
  rows.letterStates,
  rows.messages,
  rows.commands,
]

/** Of the prepared statement. */
export function nameOf(form: Form): string {
  let name = 'millrace_commit'
  if (form.arrivals) name += '_arrivals'
  if (form.rare) name += '_rare'
  if (form.nested) name += '_nested'
  if (form.rests) name += '_rests'
  if (form.signals) name += '_sig'
  if (form.money) name += '_money'
  if (form.rounds) name += '_rounds'
  return name
}
