/**
 * The parameters of the group commit: each kind of row is a section, each column of it one array. Numbers of parameters
 * are given out here, so that a column more moves no other.
 */
import type { Batch } from '../coordinator/ports.ts'
import { commandCode, letterCode, outcomeCode, passedCode, stateCode, stepStateCode } from './codes.ts'
import { byteaOf, int2Of, int4Of, int8Of, textOf, timestamptzOf, uuidOf } from './columns.ts'

const writers = {
  bytea: byteaOf,
  int2: int2Of,
  int4: int4Of,
  int8: int8Of,
  text: textOf,
  timestamptz: timestamptzOf,
  uuid: uuidOf,
}

type Nullable<T> = T | null
type Column<Row> =
  | readonly [name: string, type: 'int2' | 'int4' | 'int8' | 'timestamptz', of: (row: Row) => Nullable<number>]
  | readonly [name: string, type: 'uuid' | 'text', of: (row: Row) => Nullable<string>]
  | readonly [name: string, type: 'bytea', of: (row: Row) => Nullable<Buffer>]

export interface Section {
  /** `unnest($1::int4[], …) as r (lane, …)`. */
  readonly from: string
  readonly values: (batch: Batch) => Buffer[]
}

/** Parameters 1 to 4 are single values; see `commit.ts`. */
let next = 5

function section<Row>(rowsOf: (batch: Batch) => readonly Row[], columns: readonly Column<Row>[]): Section {
  const arrays = columns.map(([, type]) => `$${next++}::${type}[]`)
  return {
    from: `unnest(${arrays.join(', ')}) as r (${columns.map(([name]) => name).join(', ')})`,
    values: (batch) => {
      const rows = rowsOf(batch)
      return columns.map(([, type, of]) => writers[type](rows, of as (row: Row) => never))
    },
  }
}

type Rows<Name extends keyof Batch> = Batch[Name] extends readonly (infer Row)[] ? Row : never

export const lanes = section<Rows<'lanes'>>(
  (batch) => batch.lanes,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['epoch', 'int8', (row) => row.epoch],
    ['position', 'int8', (row) => row.nextOffset],
    ['low', 'uuid', (row) => row.lowId],
  ],
)

export const attempts = section<Rows<'attempts'>>(
  (batch) => batch.attempts,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.transactionId],
    ['step', 'int2', (row) => row.step],
    ['attempt', 'int2', (row) => row.attempt],
    ['outcome', 'int2', (row) => outcomeCode[row.outcome]],
    ['state', 'int2', (row) => (row.stepState === null ? null : stepStateCode[row.stepState])],
    ['code', 'text', (row) => legible(row.errorCode)],
    ['message', 'text', (row) => legible(row.errorMessage)],
    ['output', 'text', (row) => row.output],
    ['logs', 'text', (row) => legible(row.logs)],
    ['next', 'timestamptz', (row) => row.nextUs],
    ['eligible', 'timestamptz', (row) => row.eligibleUs],
    ['dispatched', 'timestamptz', (row) => row.dispatchedUs],
    ['started', 'timestamptz', (row) => row.startedUs],
    ['finished', 'timestamptz', (row) => row.finishedUs],
    ['received', 'timestamptz', (row) => row.receivedUs],
    ['resolved', 'text', (row) => legible(row.resolvedBy)],
  ],
)

export const endings = section<Rows<'endings'>>(
  (batch) => batch.endings,
  [
    ['lane', 'int4', (row) => row.laneId],
    ['id', 'uuid', (row) => row.transactionId],
    ['state', 'int2', (row) => stateCode[row.state]],
    ['code', 'text', (row) => legible(row.errorCode)],
    ['message', 'text', (row) => legible(row.errorMessage)],
    ['ended', 'timestamptz', (row) => row.endedUs],
  ],
)

export const transactions = section<Rows<'transactions'>>(
  (batch) => batch.transactions,
  [
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
  ],
)

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

/** In the order of their parameters: of commits that only move transactions on, as most are at low load, */
export const stepSections: readonly Section[] = [lanes, attempts, endings]

/** those that every commit may have, */
export const sections: readonly Section[] = [...stepSections, transactions, deadLetters, passed, subscriptions, parked]

/** and those that few have: without them the statement is begun much quicker. */
export const rareSections: readonly Section[] = [
  claims,
  rawRecords,
  begun,
  failedLetters,
  letterStates,
  messages,
  commands,
]

/** Nothing came from Kafka, and nothing has been open for long. */
export function isStep({ transactions: admitted, deadLetters: letters, passed: offsets, ...batch }: Batch): boolean {
  return [admitted, letters, offsets, batch.subscriptions, batch.parked].every((rows) => rows.length === 0)
}

export function isRare(batch: Batch): boolean {
  const { begun: attemptsBegun, failedLetters: failed, letterStates: settled, messages: sent, commands: asked } = batch
  const counts = [attemptsBegun, failed, settled, sent, asked].some((rows) => rows.length > 0)
  if (counts || batch.endings.some((row) => row.recordKept)) return true
  return batch.transactions.some((row) => row.dedup !== null || row.raw !== null)
}

/** Text for people: a NUL, which Postgres' text cannot hold, is shown as the replacement character. */
function legible(value: string | null): string | null {
  return value?.includes('\u0000') ? value.replaceAll('\u0000', '\ufffd') : value
}
