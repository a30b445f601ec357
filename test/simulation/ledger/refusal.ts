/** What Postgres would not take: a key that is there already, a CHECK that fails, text that it cannot hold. */
import type { TakenRow, TurnRow } from '../../../src/transaction/effect.ts'
import type { StepRef } from '../../../src/transaction/transaction.ts'
import type { Written } from './commit.ts'
import { chargedBefore, moneyRefused, unbalanced } from './money.ts'
import { duplicateName, placeOf, type StoredTaken, type Tables } from './tables.ts'

export interface Refused {
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

export function refusal(tables: Tables, written: Written): Refused | null {
  const charge = chargedBefore(tables, written)
  if (charge !== null) return { message: `charge ${JSON.stringify(charge)} was made before`, details: { charge } }
  const message =
    doubledKey(tables, written) ?? failedCheck(written) ?? unbalanced(written) ?? unstorable(tables, written)
  return message === null ? null : { message, details: {} }
}

function doubledKey(tables: Tables, written: Written): string | null {
  const seen = new Set<string>()
  const isThere = (table: string, name: string, stored: boolean) => {
    const full = `${table} ${name}`
    if (stored || seen.has(full)) return `duplicate key value violates unique constraint "${table}_pkey" (${name})`
    seen.add(full)
    return null
  }
  const found = [
    ...written.transactions.map((row) => isThere('transaction', row.id, tables.transactions.has(row.id))),
    ...written.signals.map((row) => isThere('signal', row.id, tables.signals.has(row.id))),
    ...written.turns.map((row) => isThere('turn', `${row.transactionId}/${row.round}`, hasTurn(tables, row))),
    ...moneyRefused(tables, written, isThere),
    ...written.attempts.map((row) => isThere('attempt', nameOf(row), has(tables.attemptsOf(row.transactionId), row))),
    ...written.begun.map((row) => isThere('begun', nameOf(row), has(tables.begunOf(row.transactionId), row))),
    ...written.endings.map((row) => isThere('ending', row.transactionId, isEnded(tables, written, row.transactionId))),
    ...[...written.deadLetters, ...written.letters].map((row) =>
      isThere('dead_letter', row.id, tables.letters.has(row.id)),
    ),
    ...written.messages.map((row) => isThere('outbox', `${row.laneId}/${row.seq}`, isNumbered(tables, row))),
    ...written.copies.map((row) => {
      const name = duplicateName(row.laneId, tables.versionOf(row).workflowId, row.offset)
      return isThere('duplicate', name, tables.duplicates.has(name))
    }),
  ]
  found.push(...written.taken.map((row) => takenTwice(tables, row)))
  if (tables.commits.has(written.commitId)) found.push(`duplicate commit ${written.commitId}`)
  return found.find((each) => each !== null) ?? null
}

interface Attempted extends StepRef {
  readonly transactionId: string
  readonly attempt: number
}

function nameOf(row: Attempted): string {
  return `${row.transactionId}/${placeOf(row)}/${row.attempt}`
}

function has(rows: readonly Attempted[], { step, item, attempt }: Attempted): boolean {
  return rows.some((row) => row.step === step && row.item === item && row.attempt === attempt)
}

function hasTurn(tables: Tables, { transactionId, round }: TurnRow): boolean {
  return tables.turns.get(transactionId)?.some((row) => row.round === round) ?? false
}

function isEnded(tables: Tables, { reopened }: Written, id: string): boolean {
  return tables.endings.has(id) && !reopened.some((row) => row.transactionId === id)
}

/** Where only the first may have an event, it is his. */
function takenTwice(tables: Tables, { signalId, transactionId, ...place }: TakenRow): string | null {
  if (tables.signals.get(signalId)?.take !== 'first') return null
  const isOwn = (other: StoredTaken) => other.transactionId === transactionId && placeOf(other) === placeOf(place)
  const isRefused = tables.taken.get(signalId)?.some((other) => other.isOnly && !isOwn(other))
  return isRefused ? `duplicate key value violates unique constraint "taken_once" (${signalId})` : null
}

function isNumbered(tables: Tables, { laneId, seq }: { laneId: number; seq: number }): boolean {
  const { seq: last, messages } = tables.lane(laneId)
  return seq <= last && messages.some((message) => message.seq === seq)
}

function failedCheck({ attempts, endings }: Written): string | null {
  for (const row of attempts) {
    const skipped = (row.outcome === 'skipped') === (row.attempt === 0)
    const ok = (row.outcome === 'ok') === (row.stepState === 'ok')
    if (!skipped || !ok)
      return `new row for relation "attempt" violates check constraint (${row.outcome} ${row.stepState})`
  }
  const odd = endings.find((row) => (row.state === 'completed') !== (row.errorCode === null))
  return odd ? `new row for relation "ending" violates check constraint (${odd.state})` : null
}

function unstorable(tables: Tables, written: Written): string | null {
  const { transactions, copies, attempts, deadLetters, messages, rests, signals, postings } = written
  const isRefused = (text: string | null) =>
    text !== null && (text.includes('\u0000') || (tables.poison !== null && text.includes(tables.poison)))
  const found =
    transactions.some((row) => isRefused(row.envelope) || isRefused(row.key) || isRefused(row.eventId)) ||
    copies.some((row) => isRefused(row.eventId)) ||
    attempts.some((row) => isRefused(row.output)) ||
    deadLetters.some((row) => isRefused(row.headers)) ||
    messages.some((row) => isRefused(row.headers)) ||
    rests.some((row) => isRefused(row.wait?.key ?? null)) ||
    signals.some((row) => isRefused(row.text) || isRefused(row.key)) ||
    postings.some((row) => isRefused(row.chargeKey) || isRefused(row.debit) || isRefused(row.credit))
  return found ? 'invalid byte sequence for encoding "UTF8"' : null
}
