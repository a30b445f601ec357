/** Reads transactions back whole, open ones and ended ones; of what their versions cannot have nothing is asked. */
import type { OpenTransaction } from '../coordinator/ports.ts'
import type { AttemptRecord } from '../transaction/restore.ts'
import type { Failure, ParentRef } from '../transaction/transaction.ts'
import { outcomeName, stateName, stepStateName } from './codes.ts'
import type { Connections } from './connect.ts'
import { byTransaction, type Of } from './grouped.ts'
import { between, rangeOf } from './id-range.ts'
import { loadChildren, loadPostings, loadRests, loadRounds } from './load-flow.ts'
import { micros, microsOf } from './micros.ts'

/** Partitions outside of the ids' range are not opened: of those that are, most lie in one or two. */
export async function load(db: Connections, ids: readonly string[]): Promise<OpenTransaction[]> {
  if (ids.length === 0) return []
  const rows = await db.query<TransactionRead>({
    name: 'millrace_load',
    text: `
select t.id, v.hash, v.step_kinds as kinds, t.kafka_offset, t.key, t.event_id, t.envelope, t.auth,
       ${micros('t.admitted_at')} as admitted_us, t.parent_id, t.parent_step, t.parent_item,
       e.state as ended, e.error_code, e.error_message, f.code, f.message, f.is_cancel,
       exists (select from millrace_data.round q where q.transaction_id = t.id) as reopened
from millrace_data.transaction t
join millrace_data.version v on v.id = t.version_id
left join millrace_data.ending e on e.transaction_id = t.id and ${between('e.transaction_id')}
left join millrace_data.turn f on f.transaction_id = t.id and not exists (
  select from millrace_data.turn later where later.transaction_id = t.id and later.round > f.round) and not exists (
  select from millrace_data.round q where q.transaction_id = t.id and q.round > f.round)
where t.id = any($1::uuid[]) and ${between('t.id')}`,
    values: rangeOf(ids),
  })
  const attempts = await loadAttempts(db, ids)
  const begun = await loadBegun(db, ids)
  const having = (...kinds: readonly string[]) =>
    idsWith(rows, (row) => row.kinds?.some((each) => kinds.includes(each)))
  const rests = await loadRests(db, having('sleep', 'wait'))
  const children = await loadChildren(db, having('call'))
  const postings = await loadPostings(db, having('undo'))
  const rounds = await loadRounds(
    db,
    idsWith(rows, (row) => row.reopened),
  )
  return rows.map((row) => ({
    ...openTransaction(row),
    attempts: attempts.of(row.id),
    begun: begun.of(row.id),
    rests: rests.of(row.id),
    children: children.of(row.id),
    postings: postings.of(row.id),
    rounds: rounds.of(row.id),
  }))
}

interface TransactionRead {
  id: string
  hash: string
  kinds: string[] | null
  kafka_offset: string
  key: string | null
  event_id: string
  envelope: string
  auth: Buffer | null
  admitted_us: string
  parent_id: string | null
  parent_step: number | null
  parent_item: string | null
  ended: number | null
  error_code: string | null
  error_message: string | null
  code: string | null
  message: string | null
  is_cancel: boolean | null
  reopened: boolean
}

function idsWith(rows: readonly TransactionRead[], holds: (row: TransactionRead) => boolean | undefined): string[] {
  return rows.filter((row) => holds(row)).map((row) => row.id)
}

function openTransaction(row: TransactionRead) {
  return {
    id: row.id,
    version: row.hash,
    offset: Number(row.kafka_offset),
    key: row.key,
    eventId: row.event_id,
    envelope: row.envelope,
    auth: row.auth,
    admittedUs: Number(row.admitted_us),
    parent: parentOf(row),
    failure: failureOf(row),
    ended: row.ended === null ? null : stateName(row.ended),
  }
}

function parentOf({ parent_id: id, parent_step: step, parent_item: item }: TransactionRead): ParentRef | null {
  return id === null ? null : { id, step: step as number, item: item as string }
}

/** As it was when it was decided; of one that ended at once, as it ended. */
function failureOf({ code, message, is_cancel, ended, error_code, error_message }: TransactionRead): Failure | null {
  if (code !== null) return { code, message: message ?? '', isCancel: is_cancel === true }
  if (ended === null || error_code === null) return null
  return { code: error_code, message: error_message ?? '', isCancel: stateName(ended) === 'cancelled' }
}

interface AttemptRead {
  transaction_id: string
  step: number
  attempt: number
  item: string
  outcome: number
  step_state: number | null
  output: string | null
  next_us: string | null
  error_code: string | null
  error_message: string | null
  eligible_us: string | null
  seq: number | null
  unknown: boolean | null
  round: number | null
}

async function loadAttempts(db: Connections, ids: readonly string[]): Promise<Of<AttemptRecord>> {
  const rows = await db.query<AttemptRead & Record<string, unknown>>({
    name: 'millrace_load_attempts',
    text: `
select transaction_id, step, attempt, item, outcome, step_state, output, ${micros('next_at')} as next_us,
       case step_state when 3 then error_code end as error_code,
       case step_state when 3 then error_message end as error_message,
       ${micros('eligible_at')} as eligible_us, seq, unknown, round
from millrace_data.attempt where transaction_id = any($1::uuid[]) and ${between('transaction_id')}
order by transaction_id, step, attempt`,
    values: rangeOf(ids),
  })
  return byTransaction(rows.some((row) => row.item !== '') ? rows.sort(byPlace) : rows, attemptRecord)
}

/** The key's order has the item last; few have one. */
function byPlace(a: AttemptRead, b: AttemptRead): number {
  if (a.transaction_id !== b.transaction_id) return a.transaction_id < b.transaction_id ? -1 : 1
  if (a.step !== b.step) return a.step - b.step
  return a.item === b.item ? a.attempt - b.attempt : a.item < b.item ? -1 : 1
}

function attemptRecord(row: AttemptRead): AttemptRecord {
  return {
    step: row.step,
    item: row.item,
    attempt: row.attempt,
    outcome: outcomeName(row.outcome),
    stepState: stepStateName(row.step_state),
    output: row.output,
    nextUs: microsOf(row.next_us),
    errorCode: row.error_code,
    errorMessage: row.error_message,
    eligibleUs: microsOf(row.eligible_us),
    seq: row.seq,
    unknown: row.unknown === true,
    round: row.round ?? 1,
  }
}

/** Few functions are not idempotent, so these are few. */
async function loadBegun(db: Connections, ids: readonly string[]) {
  const rows = await db.query<{ transaction_id: string; step: number; attempt: number; item: string }>({
    name: 'millrace_load_begun',
    text: `
with b as materialized (
  select transaction_id, step, attempt, item from millrace_data.begun
  where transaction_id = any($1::uuid[]) and ${between('transaction_id')}
)
select b.* from b where not exists (
  select from millrace_data.attempt a
  where a.transaction_id = b.transaction_id and a.step = b.step and a.attempt = b.attempt and a.item = b.item
    and ${between('a.transaction_id')})`,
    values: rangeOf(ids),
  })
  return byTransaction(rows, ({ step, attempt, item }) => ({ step, item, attempt }))
}
