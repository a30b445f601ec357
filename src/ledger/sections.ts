/**
 * The rows of the group commit that a chain of steps has: what most commits have, and what few have. See flow-sections.ts for
 * the rest of the language.
 */
import * as cell from './cells.ts'
import { commandCode, letterCode, outcomeCode, passedCode, stateCode, stepStateCode } from './codes.ts'
import { type Column, legible, type Rows, rowSection, section } from './section.ts'

export const lanes = rowSection(
  'lane_row',
  4,
  (batch) => batch.lanes,
  (row) => {
    cell.int4(row.laneId)
    cell.int8(row.epoch)
    cell.int8(row.nextOffset)
    cell.uuid(row.lowId)
  },
)

export const attempts = rowSection('attempt_row', 17, (batch) => batch.attempts, attemptCells)

export function attemptCells(row: Rows<'attempts'>): void {
  cell.int4(row.laneId)
  cell.uuid(row.transactionId)
  cell.int2(row.step)
  cell.int2(row.attempt)
  cell.int2(outcomeCode[row.outcome])
  cell.int2(row.stepState === null ? null : stepStateCode[row.stepState])
  cell.text(legible(row.errorCode))
  cell.text(legible(row.errorMessage))
  cell.text(row.output)
  cell.text(legible(row.logs))
  cell.timestamptz(row.nextUs)
  cell.timestamptz(row.eligibleUs)
  cell.timestamptz(row.dispatchedUs)
  cell.timestamptz(row.startedUs)
  cell.timestamptz(row.finishedUs)
  cell.timestamptz(row.receivedUs)
  cell.text(legible(row.resolvedBy))
}

export const endings = rowSection(
  'ending_row',
  6,
  (batch) => batch.endings,
  (row) => {
    cell.int4(row.laneId)
    cell.uuid(row.transactionId)
    cell.int2(stateCode[row.state])
    cell.text(legible(row.errorCode))
    cell.text(legible(row.errorMessage))
    cell.timestamptz(row.endedUs)
  },
)

export const transactions = rowSection(
  'transaction_row',
  12,
  (batch) => batch.transactions,
  (row) => {
    cell.int4(row.laneId)
    cell.uuid(row.id)
    cell.int4(row.versionId)
    cell.int8(row.offset)
    cell.text(row.key)
    cell.text(row.eventId)
    cell.text(row.envelope)
    cell.bytea(row.auth)
    cell.timestamptz(row.producedUs)
    cell.timestamptz(row.fetchedUs)
    cell.timestamptz(row.admittedUs)
    cell.uuid(row.redrivenFrom)
  },
)

/** For those that others have called, which have more. */
export const transactionColumns: readonly Column<Rows<'transactions'>>[] = [
  ['lane', 'int4', (row) => row.laneId],
  ['id', 'uuid', (row) => row.id],
  ['version', 'int4', (row) => row.versionId],
  ['position', 'int8', (row) => row.offset],
  ['key', 'text', (row) => row.key],
  ['event', 'text', (row) => row.eventId],
  ['envelope', 'text', (row) => row.envelope],
  ['auth', 'bytea', (row) => row.auth],
  ['produced', 'timestamptz', (row) => row.producedUs],
  ['fetched', 'timestamptz', (row) => row.fetchedUs],
  ['admitted', 'timestamptz', (row) => row.admittedUs],
  ['redriven', 'uuid', (row) => row.redrivenFrom],
]

export const deadLetters = section<Rows<'deadLetters'>>(
  (batch) => batch.deadLetters,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.id],
    ['workflow', 'int4', (row) => row.workflowId],
    ['position', 'int8', (row) => row.offset],
    ['key', 'bytea', (row) => row.key],
    ['value', 'bytea', (row) => row.value],
    ['headers', 'text', (row) => row.headers],
    ['sealed', 'bytea', (row) => row.sealed],
    ['code', 'text', (row) => row.code],
    ['reason', 'text', (row) => legible(row.reason)],
    ['received', 'timestamptz', (row) => row.receivedUs],
    ['transaction', 'uuid', (row) => row.transactionId],
  ],
)

export const passed = section<Rows<'passed'>>(
  (batch) => batch.passed,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['workflow', 'int4', (row) => row.workflowId],
    ['first', 'int8', (row) => row.fromOffset],
    ['last', 'int8', (row) => row.toOffset],
    ['reason', 'int2', (row) => passedCode[row.reason]],
  ],
)

export const subscriptions = section<Rows<'subscriptions'>>(
  (batch) => batch.subscriptions,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['workflow', 'int4', (row) => row.workflowId],
    ['first', 'int8', (row) => row.fromOffset],
  ],
)

export const parked = section<Rows<'parked'>>(
  (batch) => batch.parked,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.transactionId],
  ],
)

type Claim = Rows<'transactions'> & { readonly dedup: NonNullable<Rows<'transactions'>['dedup']> }

export const claims = section<Claim>(
  (batch) => batch.transactions.filter((row): row is Claim => row.dedup !== null),
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.id],
    ['key', 'uuid', (row) => row.dedup.key],
    ['workflow', 'int4', (row) => row.dedup.workflowId],
    ['position', 'int8', (row) => row.offset],
    ['event', 'text', (row) => row.eventId],
    ['stamp', 'timestamptz', (row) => row.dedup.atUs],
    ['until', 'timestamptz', (row) => row.dedup.atUs + row.dedup.withinUs],
  ],
)

type Kept = Rows<'transactions'> & { readonly raw: NonNullable<Rows<'transactions'>['raw']> }

export const rawRecords = section<Kept>(
  (batch) => batch.transactions.filter((row): row is Kept => row.raw !== null),
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.id],
    ['key', 'bytea', (row) => row.raw.key],
    ['value', 'bytea', (row) => row.raw.value],
    ['headers', 'text', (row) => row.raw.headers],
    ['sealed', 'bytea', (row) => row.raw.sealed],
  ],
)

export const begun = section<Rows<'begun'>>(
  (batch) => batch.begun,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.transactionId],
    ['step', 'int2', (row) => row.step],
    ['attempt', 'int2', (row) => row.attempt],
    ['item', 'text', (row) => row.item],
  ],
)

export const failedLetters = section<Rows<'failedLetters'>>(
  (batch) => batch.failedLetters,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.id],
    ['transaction', 'uuid', (row) => row.transactionId],
    ['code', 'text', (row) => legible(row.code)],
    ['reason', 'text', (row) => legible(row.reason)],
    ['received', 'timestamptz', (row) => row.receivedUs],
  ],
)

export const letterStates = section<Rows<'letterStates'>>(
  (batch) => batch.letterStates,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.id],
    ['state', 'int2', (row) => letterCode[row.state]],
  ],
)

export const messages = section<Rows<'messages'>>(
  (batch) => batch.messages,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['seq', 'int8', (row) => row.seq],
    ['id', 'uuid', (row) => row.id],
    ['transaction', 'uuid', (row) => row.transactionId],
    ['step', 'int2', (row) => row.step],
    ['n', 'int2', (row) => row.n],
    ['topic', 'text', (row) => row.topic],
    ['key', 'bytea', (row) => row.key],
    ['value', 'bytea', (row) => row.value],
    ['headers', 'text', (row) => row.headers],
    ['letter', 'uuid', (row) => row.deadLetterId],
    ['error', 'text', (row) => legible(row.error)],
  ],
)

export const commands = section<Rows<'commands'>>(
  (batch) => batch.commands,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'int8', (row) => Number(row.id)],
    ['state', 'int2', (row) => commandCode[row.state]],
    ['answer', 'text', (row) => legible(row.answer)],
  ],
)
