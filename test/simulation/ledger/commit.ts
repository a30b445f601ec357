/**
 * The group commit, as one instant: what src/ledger/commit.ts says in SQL. All of it is checked before any of it is
 * written, so a refused value leaves nothing.
 */
import { EngineError } from '../../../src/base/error.ts'
import type { Batch, CommitAnswer, LaneProgress, OfLane, TransactionRow } from '../../../src/coordinator/ports.ts'
import { restsLeft } from '../../../src/ledger/flow-sections.ts'
import type { AttemptRow } from '../../../src/transaction/effect.ts'
import { type Claims, settleClaims } from './claims.ts'
import { writeMoney } from './money.ts'
import { refusal } from './refusal.ts'
import { freeClaims, writeRests } from './rests.ts'
import { writeReopened, writeTurns } from './rounds.ts'
import { writeSignals, writeTaken } from './signals.ts'
import { add, duplicateName, type StoredLetter, type Tables } from './tables.ts'

/** What one commit wrote: rows of lanes whose epoch held, without those of copies. */
export interface Written extends Omit<Batch, 'lanes'> {
  readonly lanes: readonly LaneProgress[]
  readonly copies: readonly OfLane<TransactionRow>[]
  readonly duplicates: ReadonlyMap<string, string>
  /** Those that failed letters became, with the record that was kept. */
  readonly letters: readonly StoredLetter[]
}

/** Throws `EngineError` `ledger_refused`. */
export function commit(
  tables: Tables,
  batch: Batch,
  nowUs: number,
): { readonly answer: CommitAnswer; readonly written: Written } {
  const held = batch.lanes.filter(({ laneId, epoch }) => tables.lane(laneId).epoch === epoch)
  const passed = new Set(held.map(({ laneId }) => laneId))
  const claims = settleClaims(tables, batch, passed, nowUs)
  const written = ownRows(tables, batch, held, passed, claims)
  const refused = refusal(tables, written)
  if (refused)
    throw new EngineError('ledger_refused', refused.message, { cause: new Error(refused.message), ...refused })
  write(tables, written, claims, nowUs)
  return { answer: { passed, duplicates: claims.copies }, written }
}

function ownRows(
  tables: Tables,
  batch: Batch,
  held: readonly LaneProgress[],
  passed: ReadonlySet<number>,
  { copies }: Claims,
): Written {
  const ours = <Row extends { laneId: number }>(rows: readonly Row[]) =>
    rows.length === 0 ? rows : rows.filter((row) => passed.has(row.laneId))
  const isOriginal = (id: string | null) => id === null || !copies.has(id)
  const originals = <Row extends { laneId: number; transactionId: string }>(rows: readonly Row[]) =>
    ours(rows).filter((row) => isOriginal(row.transactionId))
  const transactions = ours(batch.transactions)
  const failedLetters = ours(batch.failedLetters)
  return {
    ...batch,
    lanes: held,
    transactions: transactions.filter((row) => isOriginal(row.id) && isOriginal(row.parent?.id ?? null)),
    copies: transactions.filter((row) => !isOriginal(row.id)),
    duplicates: copies,
    begun: originals(batch.begun),
    attempts: originals(batch.attempts),
    endings: originals(batch.endings),
    rests: originals(restsLeft(batch)),
    restsOver: ours(batch.restsOver),
    taken: originals(batch.taken),
    postings: originals(batch.postings),
    turns: originals(batch.turns),
    reopened: ours(batch.reopened),
    signals: ours(batch.signals),
    deadLetters: ours(batch.deadLetters).filter((row) => isOriginal(row.transactionId)),
    failedLetters,
    letters: failedLetters.flatMap((row) => madeOfKept(tables, row) ?? []),
    letterStates: ours(batch.letterStates),
    messages: ours(batch.messages).filter((row) => isOriginal(row.transactionId)),
    commands: ours(batch.commands),
    passed: ours(batch.passed),
    subscriptions: ours(batch.subscriptions),
    parked: ours(batch.parked),
  }
}

/** A dead letter of the record that was kept at admission; none when none was kept. */
function madeOfKept(tables: Tables, row: Batch['failedLetters'][number]): StoredLetter | null {
  const raw = tables.rawRecords.get(row.transactionId)
  const transaction = tables.transactions.get(row.transactionId)
  if (!raw || !transaction) return null
  const { workflowId } = tables.versionOf(transaction)
  return { ...row, ...raw, workflowId, offset: transaction.offset, state: 'open' }
}

function write(tables: Tables, written: Written, claims: Claims, nowUs: number): void {
  const { commitId, sentUs, last, lanes } = written
  for (const [key, claim] of claims.winners) tables.dedup.set(key, claim)
  if (last) complete(tables, last)
  if (lanes.length > 0) {
    tables.commits.set(commitId, { lanes: lanes.map(({ laneId }) => laneId), sentUs, returnedUs: null })
  }
  for (const { laneId, nextOffset, lowId } of lanes) {
    Object.assign(tables.lane(laneId), { nextOffset, lowId, seenUs: nowUs })
  }
  writeReopened(tables, written)
  writeTransactions(tables, written)
  writeRests(tables, written)
  writeTaken(tables, written)
  freeClaims(tables, written)
  writeSignals(tables, written)
  writeMoney(tables, written)
  writeTurns(tables, written)
  writeLetters(tables, written)
  for (const row of written.passed) tables.passed.push(row)
  for (const { laneId, workflowId, fromOffset } of written.subscriptions) {
    const { subscriptions } = tables.lane(laneId)
    if (!subscriptions.has(workflowId)) subscriptions.set(workflowId, fromOffset)
  }
  for (const row of written.messages) {
    const lane = tables.lane(row.laneId)
    lane.messages.push({ ...row })
    lane.seq = Math.max(lane.seq, row.seq)
  }
  for (const { id, state, answer } of written.commands) tables.commands.answer(id, state, answer)
  for (const { laneId, transactionId } of written.parked) tables.lane(laneId).parked.add(transactionId)
  for (const { laneId, transactionId } of written.endings) tables.lane(laneId).parked.delete(transactionId)
}

export function complete(tables: Tables, { commitId, returnedUs }: NonNullable<Batch['last']>): void {
  const stored = tables.commits.get(commitId)
  if (stored) stored.returnedUs = returnedUs
}

function writeTransactions(tables: Tables, written: Written): void {
  for (const row of written.transactions) {
    tables.transactions.set(row.id, row)
    tables.lane(row.laneId).open.add(row.id)
    if (row.raw) tables.rawRecords.set(row.id, row.raw)
    if (row.parent) add(tables.children, row.parent.id, row)
  }
  for (const row of written.copies) {
    const { workflowId } = tables.versionOf(row)
    const { laneId, offset, eventId } = row
    const firstId = written.duplicates.get(row.id) as string
    const duplicate = { laneId, workflowId, offset, firstId, eventId, commitId: written.commitId }
    tables.duplicates.set(duplicateName(laneId, workflowId, offset), duplicate)
  }
  for (const row of written.begun) add(tables.begun, row.transactionId, row)
  for (const row of written.attempts) {
    add(tables.attempts, row.transactionId, row).sort(byPlace)
  }
  for (const row of written.endings) {
    tables.endings.set(row.transactionId, row)
    tables.lane(row.laneId).open.delete(row.transactionId)
    if (row.recordKept) tables.rawRecords.delete(row.transactionId)
  }
}

function writeLetters(tables: Tables, written: Written): void {
  for (const row of written.deadLetters) tables.letters.set(row.id, { ...row, state: 'open' })
  for (const row of written.letters) tables.letters.set(row.id, row)
  for (const { id, state } of written.letterStates) {
    const letter = tables.letters.get(id)
    if (letter) letter.state = state
  }
}

function byPlace(a: AttemptRow, b: AttemptRow): number {
  return a.step - b.step || (a.item < b.item ? -1 : a.item > b.item ? 1 : a.attempt - b.attempt)
}
