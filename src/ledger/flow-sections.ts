/** The rows of the group commit that a chain of steps does not have: items, rests, signals, money, rounds. */
import type { Batch } from '../coordinator/ports.ts'
import * as cell from './cells.ts'
import { type Column, legible, type Rows, rowSection, section } from './section.ts'
import { attemptCells, transactionColumns } from './sections.ts'

export const nestedAttempts = rowSection(
  'nested_attempt_row',
  21,
  (batch) => batch.attempts,
  (row) => {
    attemptCells(row)
    cell.text(row.item)
    cell.int4(row.seq)
    cell.bool(row.unknown)
    cell.int2(row.round)
  },
)

export const calledTransactions = section<Rows<'transactions'>>(
  (batch) => batch.transactions,
  [
    ...transactionColumns,
    ['parent', 'uuid', (row) => row.parent?.id ?? null],
    ['parent_step', 'int2', (row) => row.parent?.step ?? null],
    ['parent_item', 'text', (row) => row.parent?.item ?? null],
  ],
)

/** A place of a transaction. */
interface Placed {
  readonly laneId: number
  readonly transactionId: string
  readonly step: number
  readonly item: string
}

const place: readonly Column<Placed>[] = [
  ['lane', 'int4', (row) => row.laneId],
  ['id', 'uuid', (row) => row.transactionId],
  ['step', 'int2', (row) => row.step],
  ['item', 'text', (row) => row.item],
]

export const rests = section<Rows<'rests'>>(restsLeft, [
  ...place,
  ['due', 'timestamptz', (row) => row.dueUs],
  ['since', 'timestamptz', (row) => row.sinceUs],
  ['alone', 'bool', (row) => row.isAlone],
  ['strict', 'bool', (row) => row.isStrict],
  ['workflow', 'int4', (row) => (row.wait === null ? null : row.workflowId)],
  ['topic', 'text', (row) => row.wait?.topic ?? null],
  ['key', 'text', (row) => row.wait?.key ?? null],
  ['not_before', 'timestamptz', (row) => row.wait?.notBeforeUs ?? null],
])

export const restsOver = section<Rows<'restsOver'>>((batch) => batch.restsOver, place)

export const taken = section<Rows<'taken'>>(
  (batch) => batch.taken,
  [...place, ['signal', 'uuid', (row) => row.signalId]],
)

export const postings = section<Rows<'postings'>>(
  (batch) => batch.postings,
  [
    ...place,
    ['attempt', 'int2', (row) => row.attempt],
    ['n', 'int2', (row) => row.n],
    ['debit', 'text', (row) => row.debit],
    ['credit', 'text', (row) => row.credit],
    ['amount', 'bigint', (row) => row.amount],
    ['currency', 'text', (row) => row.currency],
    ['party', 'text', (row) => row.party],
    ['charge', 'text', (row) => row.chargeKey],
    ['reverses_step', 'int2', (row) => row.reverses?.step ?? null],
    ['reverses_attempt', 'int2', (row) => row.reverses?.attempt ?? null],
    ['reverses_n', 'int2', (row) => row.reverses?.n ?? null],
    ['at', 'timestamptz', (row) => row.atUs],
  ],
)

export const turns = section<Rows<'turns'>>(
  (batch) => batch.turns,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.transactionId],
    ['round', 'int2', (row) => row.round],
    ['code', 'text', (row) => legible(row.code)],
    ['message', 'text', (row) => legible(row.message)],
    ['cancel', 'bool', (row) => row.isCancel],
    ['at', 'timestamptz', (row) => row.atUs],
  ],
)

export const reopened = section<Rows<'reopened'>>(
  (batch) => batch.reopened,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.transactionId],
    ['round', 'int2', (row) => row.round],
    ['from_step', 'int2', (row) => row.from],
    ['input', 'text', (row) => row.input],
    ['at', 'timestamptz', (row) => row.atUs],
    ['by', 'text', (row) => legible(row.by)],
  ],
)

export const signals = section<Rows<'signals'>>(
  (batch) => batch.signals,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.id],
    ['workflow', 'int4', (row) => row.workflowId],
    ['position', 'int8', (row) => row.offset],
    ['key', 'text', (row) => row.key],
    ['at', 'timestamptz', (row) => row.atUs],
    ['until', 'timestamptz', (row) => row.keepUntilUs],
    ['received', 'timestamptz', (row) => row.receivedUs],
    ['first', 'bool', (row) => row.take === 'first'],
    ['event', 'text', (row) => row.text],
  ],
)

/**
 * Of one place the last word counts, with what the first said it waits for; and one that rests and is over within one batch
 * never was: a statement does not see what it writes itself.
 */
export function restsLeft({ rests: all, restsOver: over }: Pick<Batch, 'rests' | 'restsOver'>): Batch['rests'] {
  if (all.length < 2 && over.length === 0) return all
  const left = new Map<string, Batch['rests'][number]>()
  for (const row of all) left.set(nameOf(row), { ...row, wait: row.wait ?? left.get(nameOf(row))?.wait ?? null })
  for (const row of over) left.delete(nameOf(row))
  return [...left.values()]
}

function nameOf({ transactionId, step, item }: Placed): string {
  return `${transactionId}/${step}/${item}`
}
