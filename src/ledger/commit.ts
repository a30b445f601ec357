/**
 * The group commit: one named statement, so that from lock to COMMIT there is no round trip. It locks and checks the
 * fence rows of its lanes; a takeover's UPDATE conflicts with the lock. Rows of lanes that another epoch has taken are
 * filtered inside the same statement, which answers with the lanes that passed.
 */

import type { Batch } from '../coordinator/ports.ts'
import { outcomeCode, passedCode, stateCode, stepStateCode } from './codes.ts'
import * as column from './columns.ts'

export const commitStatement = {
  name: 'millrace_commit',
  text: `
with fence as materialized (
  select l.id from millrace_data.lane l
  join unnest($1::int4[], $2::int8[]) as w (id, epoch) on l.id = w.id and l.epoch = w.epoch
  order by l.id for share of l
), progress as (
  update millrace_data.lane_progress p set next_offset = w.next_offset, low_id = w.low_id, seen_at = now()
  from unnest($1::int4[], $3::int8[], $4::uuid[]) as w (id, next_offset, low_id)
  where p.lane_id = w.id and w.id = any(array(select id from fence))
), last_commit as (
  update millrace_data.commit set returned_at = $7::timestamptz where id = $6::int8
), this_commit as (
  insert into millrace_data.commit (id, lanes, sent_at)
  select $5::int8, array(select id from fence), $8::timestamptz where exists (select from fence)
), transactions as (
  insert into millrace_data.transaction
    (id, lane_id, version_id, kafka_offset, key, event_id, envelope, auth, produced_at, fetched_at, admitted_at, commit_id)
  select r.id, lane, version, position, key, event, envelope, auth, produced, fetched, admitted, $5::int8
  from unnest($9::int4[], $10::uuid[], $11::int4[], $12::int8[], $13::text[], $14::text[], $15::text[], $16::bytea[],
              $17::timestamptz[], $18::timestamptz[], $19::timestamptz[])
    as r (lane, id, version, position, key, event, envelope, auth, produced, fetched, admitted)
  where lane = any(array(select id from fence))
), attempts as (
  insert into millrace_data.attempt
    (transaction_id, step, attempt, outcome, step_state, error_code, error_message, output, logs, next_at, eligible_at,
     dispatched_at, started_at, finished_at, received_at, commit_id)
  select id, step, attempt, outcome, state, code, message, output, logs, next, eligible, dispatched, started, finished,
         received, $5::int8
  from unnest($20::int4[], $21::uuid[], $22::int2[], $23::int2[], $24::int2[], $25::int2[], $26::text[], $27::text[],
              $28::text[], $29::text[], $30::timestamptz[], $31::timestamptz[], $32::timestamptz[], $33::timestamptz[],
              $34::timestamptz[], $35::timestamptz[])
    as r (lane, id, step, attempt, outcome, state, code, message, output, logs, next, eligible, dispatched, started,
          finished, received)
  where lane = any(array(select id from fence))
), endings as (
  insert into millrace_data.ending (transaction_id, state, error_code, error_message, ended_at, commit_id)
  select id, state, code, message, ended, $5::int8
  from unnest($36::int4[], $37::uuid[], $38::int2[], $39::text[], $40::text[], $41::timestamptz[])
    as r (lane, id, state, code, message, ended)
  where lane = any(array(select id from fence))
), dead_letters as (
  insert into millrace_data.dead_letter
    (id, lane_id, workflow_id, kafka_offset, key, value, headers, sealed, code, reason, received_at, commit_id)
  select id, lane, workflow, position, key, value, headers, sealed, code, reason, received, $5::int8
  from unnest($42::int4[], $43::uuid[], $44::int4[], $45::int8[], $46::bytea[], $47::bytea[], $48::text[], $49::bytea[],
              $50::text[], $51::text[], $52::timestamptz[])
    as r (lane, id, workflow, position, key, value, headers, sealed, code, reason, received)
  where lane = any(array(select id from fence))
), passed as (
  insert into millrace_data.passed (lane_id, workflow_id, from_offset, to_offset, reason, commit_id)
  select lane, workflow, first, last, reason, $5::int8
  from unnest($53::int4[], $54::int4[], $55::int8[], $56::int8[], $57::int2[]) as r (lane, workflow, first, last, reason)
  where lane = any(array(select id from fence))
), subscriptions as (
  insert into millrace_data.subscription (lane_id, workflow_id, from_offset)
  select lane, workflow, first from unnest($58::int4[], $59::int4[], $60::int8[]) as r (lane, workflow, first)
  where lane = any(array(select id from fence))
  on conflict do nothing
), parked as (
  insert into millrace_data.parked (transaction_id, lane_id)
  select id, lane from unnest($61::int4[], $62::uuid[]) as r (lane, id)
  where lane = any(array(select id from fence))
  on conflict do nothing
), unparked as (
  delete from millrace_data.parked
  where lane_id = any($1::int4[]) and transaction_id = any($37::uuid[]) and lane_id = any(array(select id from fence))
)
select id from fence`,
}

/** The statement's parameters, in its order. Rows are sorted by key, so that concurrent commits cannot deadlock. */
export function commitValues(batch: Batch): unknown[] {
  const { lanes, transactions, attempts, endings, deadLetters, passed, subscriptions, parked, last } = batch
  const heads = [
    column.int4(lanes.map((row) => row.laneId)),
    column.int8(lanes.map((row) => row.epoch)),
    column.int8(lanes.map((row) => row.nextOffset)),
    column.uuid(lanes.map((row) => row.lowId)),
    batch.commitId,
    last?.commitId ?? null,
    last === null ? null : isoTime(last.returnedUs),
    isoTime(batch.sentUs),
  ]
  return [
    ...heads,
    ...transactionColumns(transactions),
    ...attemptColumns(attempts),
    ...endingColumns(endings),
    ...deadLetterColumns(deadLetters),
    column.int4(passed.map((row) => row.laneId)),
    column.int4(passed.map((row) => row.workflowId)),
    column.int8(passed.map((row) => row.fromOffset)),
    column.int8(passed.map((row) => row.toOffset)),
    column.int2(passed.map((row) => passedCode[row.reason])),
    column.int4(subscriptions.map((row) => row.laneId)),
    column.int4(subscriptions.map((row) => row.workflowId)),
    column.int8(subscriptions.map((row) => row.fromOffset)),
    column.int4(parked.map((row) => row.laneId)),
    column.uuid(parked.map((row) => row.transactionId)),
  ]
}

function transactionColumns(rows: Batch['transactions']): Buffer[] {
  return [
    column.int4(rows.map((row) => row.laneId)),
    column.uuid(rows.map((row) => row.id)),
    column.int4(rows.map((row) => row.versionId)),
    column.int8(rows.map((row) => row.offset)),
    column.text(rows.map((row) => row.key)),
    column.text(rows.map((row) => row.eventId)),
    column.text(rows.map((row) => row.envelope)),
    column.bytea(rows.map((row) => row.auth)),
    column.timestamptz(rows.map((row) => row.producedUs)),
    column.timestamptz(rows.map((row) => row.fetchedUs)),
    column.timestamptz(rows.map((row) => row.admittedUs)),
  ]
}

function attemptColumns(rows: Batch['attempts']): Buffer[] {
  return [
    column.int4(rows.map((row) => row.laneId)),
    column.uuid(rows.map((row) => row.transactionId)),
    column.int2(rows.map((row) => row.step)),
    column.int2(rows.map((row) => row.attempt)),
    column.int2(rows.map((row) => outcomeCode[row.outcome])),
    column.int2(rows.map((row) => (row.stepState === null ? null : stepStateCode[row.stepState]))),
    column.text(rows.map((row) => legible(row.errorCode))),
    column.text(rows.map((row) => legible(row.errorMessage))),
    column.text(rows.map((row) => row.output)),
    column.text(rows.map((row) => legible(row.logs))),
    column.timestamptz(rows.map((row) => row.nextUs)),
    column.timestamptz(rows.map((row) => row.eligibleUs)),
    column.timestamptz(rows.map((row) => row.dispatchedUs)),
    column.timestamptz(rows.map((row) => row.startedUs)),
    column.timestamptz(rows.map((row) => row.finishedUs)),
    column.timestamptz(rows.map((row) => row.receivedUs)),
  ]
}

function endingColumns(rows: Batch['endings']): Buffer[] {
  return [
    column.int4(rows.map((row) => row.laneId)),
    column.uuid(rows.map((row) => row.transactionId)),
    column.int2(rows.map((row) => stateCode[row.state])),
    column.text(rows.map((row) => legible(row.errorCode))),
    column.text(rows.map((row) => legible(row.errorMessage))),
    column.timestamptz(rows.map((row) => row.endedUs)),
  ]
}

function deadLetterColumns(rows: Batch['deadLetters']): Buffer[] {
  return [
    column.int4(rows.map((row) => row.laneId)),
    column.uuid(rows.map((row) => row.id)),
    column.int4(rows.map((row) => row.workflowId)),
    column.int8(rows.map((row) => row.offset)),
    column.bytea(rows.map((row) => row.key)),
    column.bytea(rows.map((row) => row.value)),
    column.text(rows.map((row) => row.headers)),
    column.bytea(rows.map((row) => row.sealed)),
    column.text(rows.map((row) => row.code)),
    column.text(rows.map((row) => legible(row.reason))),
    column.timestamptz(rows.map((row) => row.receivedUs)),
  ]
}

/** Text for people: a NUL, which Postgres' text cannot hold, is shown as the replacement character. */
function legible(value: string | null): string | null {
  return value?.includes('\u0000') ? value.replaceAll('\u0000', '\ufffd') : value
}

/** With microseconds, which Date does not have. */
export function isoTime(us: number): string {
  const micros = String(us % 1000).padStart(3, '0')
  return new Date(Math.floor(us / 1000)).toISOString().replace('Z', `${micros}Z`)
}
