/**
 * Everything that may be done to a row, table by table. Each statement gives back the place that `verify` must name: `at` an
 * offset, `id` whatever the finding has for one.
 */
export interface Tamper {
  readonly name: string
  readonly sql: string
  readonly kind: string
}

/** An id of now that nothing has. */
const stranger = `(left(millrace.first_id(now())::text, 24) || right(gen_random_uuid()::text, 12))::uuid`
/** Of workflow sale, completed, in the middle of its lane. */
const some = `(select id from millrace.transactions where workflow = 'sale' and state = 'completed' and redriven_from is null
               order by kafka_partition, kafka_offset limit 1 offset 9)`
const failed = `(select t.id from millrace.transactions t join millrace.attempts a on a.transaction_id = t.id
                 where t.workflow = 'sale' and t.state = 'failed' and a.attempt = 1 and a.outcome = 'fail'
                 and a.step = 'pay' order by kafka_offset limit 1)`
/** Its step `pay` was tried twice. */
const twice = `(select t.id from millrace.transactions t join millrace.attempts a on a.transaction_id = t.id
                where t.workflow = 'sale' and t.state = 'completed' and a.attempt = 2 order by kafka_offset limit 1)`
const doubted = `(select transaction_id from millrace.attempts where resolved_by is not null)`
const letter = `(select id from millrace.dead_letters where code = 'value_not_utf8')`
const failedLetter = `(select id from millrace.dead_letters where transaction_id = ${failed})`
const table = 'millrace_data.'
const at = 'kafka_offset as at'

function into(name: string, columns: string, changed: Readonly<Record<string, string>>, where: string): string {
  const values = columns.split(' ').map((column) => changed[column] ?? column)
  return `insert into ${table}${name} (${columns.replaceAll(' ', ', ')}) select ${values.join(', ')} from ${table}${name} ${where}`
}

/** As it was before its last step. */
function reopened(progress: string): string {
  return `
with it as (select ${some} as id),
     e as (delete from ${table}ending where transaction_id = (select id from it)),
     a as (delete from ${table}attempt where transaction_id = (select id from it) and step = 2),
     r as (insert into ${table}raw_record (transaction_id, headers) select id, '{}' from it),
     p as (update ${table}lane_progress set ${progress})
select id${progress.includes('fff') ? '' : ' as gone'} from it`
}

/** The one after it in its line. */
function next(id: string): string {
  return `(
    select n.id from ${table}transaction s
    join ${table}transaction n on n.version_id = s.version_id and n.key = s.key and n.lane_id = s.lane_id
     and n.kafka_offset > s.kafka_offset where s.id = ${id} order by n.kafka_offset limit 1)`
}

const transactionColumns =
  'id lane_id version_id kafka_offset key event_id envelope auth produced_at fetched_at admitted_at commit_id redriven_from'
const attemptColumns =
  'transaction_id step attempt outcome step_state error_code output next_at dispatched_at received_at commit_id resolved_by'
const letterColumns =
  'id lane_id workflow_id kafka_offset key value headers code reason received_at state commit_id transaction_id'
const of = (id: string) => `where id = ${id}`
const ofTransaction = (id: string) => `where transaction_id = ${id}`

export const tampers: readonly Tamper[] = [
  {
    name: 'transaction deleted',
    sql: `delete from ${table}transaction ${of(some)} returning ${at}`,
    kind: 'missing',
  },
  {
    name: 'transaction inserted at a place that has one',
    sql: `${into('transaction', transactionColumns, { id: stranger }, of(some))} returning ${at}, id`,
    kind: 'transaction_moved',
  },
  {
    name: 'transaction inserted beyond the end',
    sql: `${into('transaction', transactionColumns, { id: stranger, kafka_offset: '7000' }, of(some))} returning ${at}, id`,
    kind: 'transaction_moved',
  },
  ...[
    ['offset', 'kafka_offset = kafka_offset + 1'],
    ['lane', `lane_id = (select id from ${table}lane l where l.id <> lane_id)`],
    ['workflow', `version_id = (select v.id from ${table}version v where v.id <> version_id limit 1)`],
    ['redriven_from', `redriven_from = ${letter}`],
  ].map(([what, set]) => ({
    name: `transaction’s ${what} changed`,
    sql: `update ${table}transaction set ${set} ${of(some)} returning ${at}, id`,
    kind: 'transaction_moved',
  })),
  ...[
    ['admitted_at', `admitted_at = admitted_at + interval '2 hours'`, 'transaction_time'],
    ['produced_at', `produced_at = produced_at - interval '5 ms'`, 'transaction_time'],
    ['key', `key = 'customer-x'`, 'key_differs'],
    ['event_id', `event_id = 'another'`, 'event_differs'],
    ['envelope', `envelope = replace(envelope, '"n":', '"n":1')`, 'value_differs'],
    ['commit', 'commit_id = 4242', 'commit_missing'],
    [
      'commit, to one after its attempts’',
      `commit_id = (select max(commit_id) + 1 from ${table}attempt a where a.transaction_id = transaction.id)`,
      'before_admission',
    ],
  ].map(([what, set, kind]) => ({
    name: `transaction’s ${what} changed`,
    sql: `update ${table}transaction set ${set} ${of(some)} returning ${at}, id`,
    kind: kind as string,
  })),

  {
    name: 'the first step’s attempt deleted',
    sql: `delete from ${table}attempt ${ofTransaction(some)} and step = 0 returning transaction_id as id`,
    kind: 'step_missing',
  },
  {
    name: 'the first of two attempts deleted',
    sql: `delete from ${table}attempt ${ofTransaction(twice)} and step = 2 and attempt = 1 returning transaction_id as id`,
    kind: 'attempt_missing',
  },
  {
    name: 'the last step’s attempt deleted',
    sql: `delete from ${table}attempt ${ofTransaction(some)} and step = 2 returning transaction_id as id`,
    kind: 'completed_early',
  },
  {
    name: 'all attempts deleted',
    sql: `delete from ${table}attempt ${ofTransaction(some)} returning transaction_id as id`,
    kind: 'completed_early',
  },
  {
    name: 'the attempt that failed deleted',
    sql: `delete from ${table}attempt ${ofTransaction(failed)} and step = 2 returning transaction_id as id`,
    kind: 'failed_without_step',
  },
  {
    name: 'the last of two attempts deleted',
    sql: `delete from ${table}attempt ${ofTransaction(twice)} and step = 2 and attempt = 2 returning transaction_id as id`,
    kind: 'ended_unsettled',
  },
  {
    name: 'attempt inserted after the one that settled its step',
    sql: `${into('attempt', attemptColumns, { attempt: '2' }, `${ofTransaction(some)} and step = 0`)} returning transaction_id as id`,
    kind: 'after_settled',
  },
  {
    name: 'attempt inserted for a step that there is not',
    sql: `${into('attempt', attemptColumns, { step: '7' }, `${ofTransaction(some)} and step = 0`)} returning transaction_id as id`,
    kind: 'step_missing',
  },
  {
    name: 'attempt inserted for a transaction that there is not',
    sql: `${into('attempt', attemptColumns, { transaction_id: stranger }, `${ofTransaction(some)} and step = 0`)} returning transaction_id as id`,
    kind: 'no_transaction',
  },
  ...[
    ['outcome ok to fail', some, 0, 1, 'outcome = 3, step_state = 3', 'failure_ignored'],
    ['outcome fail to ok', failed, 2, 1, 'outcome = 1, step_state = 1, error_code = null', 'failed_without_step'],
    ['outcome retry to fail', twice, 2, 1, 'outcome = 3', 'outcome_differs'],
    ['outcome retry to ok', twice, 2, 1, 'outcome = 1, step_state = 1', 'after_settled'],
    ['error_code', failed, 2, 1, `error_code = 'other'`, 'error_differs'],
    ['step_state settled to open', some, 0, 1, 'outcome = 2, step_state = null', 'before_settled'],
    ['step_state open to failed', twice, 2, 1, 'step_state = 3', 'after_settled'],
    ['step_state failed to in doubt', failed, 2, 1, 'step_state = 4', 'ended_in_doubt'],
    ['step_state in doubt to open', doubted, 2, 1, 'step_state = null, next_at = now()', 'not_in_doubt'],
    ['resolved_by taken away', doubted, 2, 2, 'resolved_by = null', 'after_settled'],
    ['attempt', twice, 2, 2, 'attempt = 3', 'attempt_missing'],
    ['step', some, 2, 1, 'step = 3', 'step_missing'],
    [
      'commit to that of the step before',
      some,
      2,
      1,
      `commit_id = (select commit_id from ${table}attempt b where b.transaction_id = attempt.transaction_id and b.step = 0)`,
      'too_early',
    ],
    ['commit to one that there is not', some, 2, 1, 'commit_id = commit_id + 3000', 'after_end'],
  ].map(([what, id, step, attempt, set, kind]) => ({
    name: `attempt’s ${what} changed`,
    sql: `update ${table}attempt set ${set} ${ofTransaction(id as string)} and step = ${step} and attempt = ${attempt}
          returning transaction_id as id`,
    kind: kind as string,
  })),

  {
    name: 'ending deleted',
    sql: `delete from ${table}ending ${ofTransaction(some)} returning transaction_id as id`,
    kind: 'open_though_done',
  },
  {
    name: 'ending of a failed one deleted',
    sql: `delete from ${table}ending ${ofTransaction(failed)} returning transaction_id as id`,
    kind: 'failure_ignored',
  },
  {
    name: 'ending inserted for a transaction that there is not',
    sql: `insert into ${table}ending select ${stranger}, state, error_code, error_message, ended_at, commit_id
          from ${table}ending ${ofTransaction(some)} returning transaction_id as id`,
    kind: 'no_transaction',
  },
  {
    name: 'ending inserted for one that is in the middle',
    sql: `delete from ${table}attempt ${ofTransaction(some)} and step > 0 returning transaction_id as id`,
    kind: 'completed_early',
  },
  ...[
    ['state to failed', some, `state = 2, error_code = 'declined'`, 'failed_without_step'],
    ['state to completed', failed, 'state = 1, error_code = null', 'failure_ignored'],
    ['error_code', failed, `error_code = 'other'`, 'error_differs'],
    [
      'commit',
      some,
      `commit_id = (select min(commit_id) from ${table}attempt a where a.transaction_id = ending.transaction_id)`,
      'after_end',
    ],
  ].map(([what, id, set, kind]) => ({
    name: `ending’s ${what} changed`,
    sql: `update ${table}ending set ${set} ${ofTransaction(id as string)} returning transaction_id as id`,
    kind: kind as string,
  })),

  {
    name: 'dead letter deleted',
    sql: `delete from ${table}dead_letter ${of(letter)} returning ${at}`,
    kind: 'missing',
  },
  {
    name: 'dead letter of a failed transaction deleted',
    sql: `delete from ${table}dead_letter ${of(failedLetter)} returning ${at}, transaction_id as id`,
    kind: 'letter_missing',
  },
  {
    name: 'dead letter inserted',
    sql: `${into('dead_letter', letterColumns, { id: stranger }, of(letter))} returning ${at}, id`,
    kind: 'letter_moved',
  },
  {
    name: 'dead letter inserted for a completed transaction',
    sql: `update ${table}dead_letter set transaction_id = ${some} ${of(failedLetter)} returning ${at}, id`,
    kind: 'letter_moved',
  },
  ...[
    ['offset', 'kafka_offset = kafka_offset - 1', 'letter_moved'],
    ['workflow', `workflow_id = (select id from ${table}workflow limit 1)`, 'letter_moved'],
    ['received_at', `received_at = received_at - interval '5 ms'`, 'letter_time'],
    ['value', `value = 'other'`, 'letter_differs'],
    ['key', `key = 'other'`, 'letter_differs'],
    ['headers', `headers = '{}'`, 'letter_differs'],
    ['code', `code = 'value_null'`, 'letter_wrongly'],
    ['state', 'state = 3', 'letter_state_by_nobody'],
  ].map(([what, set, kind]) => ({
    name: `dead letter’s ${what} changed`,
    sql: `update ${table}dead_letter set ${set} ${of(letter)} returning ${at}, id`,
    kind: kind as string,
  })),
  {
    name: 'redriven dead letter opened again',
    sql: `update ${table}dead_letter set state = 1 where state = 2 returning ${at}`,
    kind: 'redrive_without_effect',
  },
  {
    name: 'discarded dead letter opened again',
    sql: `update ${table}dead_letter set state = 1 where state = 3 returning ${at}`,
    kind: 'discard_without_effect',
  },

  {
    name: 'passed offset deleted',
    sql: `delete from ${table}passed where ctid = (select ctid from ${table}passed where reason = 1 limit 1) returning from_offset as at`,
    kind: 'missing',
  },
  {
    name: 'passed offset inserted',
    sql: `insert into ${table}passed (lane_id, from_offset, to_offset, reason, commit_id)
          select lane_id, kafka_offset, kafka_offset, 3, commit_id from ${table}transaction ${of(some)} returning from_offset as at`,
    kind: 'doubled',
  },
  {
    name: 'passed range made longer',
    sql: `update ${table}passed set to_offset = to_offset + 1
          where ctid = (select ctid from ${table}passed where reason = 1 order by lane_id, from_offset limit 1)
          returning to_offset as at`,
    kind: 'doubled',
  },
  {
    name: 'passed range moved',
    sql: `update ${table}passed set from_offset = from_offset + 1, to_offset = to_offset + 1
          where ctid = (select ctid from ${table}passed where reason = 1 order by lane_id, from_offset limit 1)
          returning to_offset as at`,
    kind: 'doubled',
  },
  {
    name: 'other type passed as absent',
    sql: `update ${table}passed set reason = 3
          where ctid = (select ctid from ${table}passed where reason = 1 order by lane_id, from_offset limit 1)
          returning from_offset as at`,
    kind: 'record_ignored',
  },
  {
    name: 'other type passed as before the start',
    sql: `update ${table}passed set reason = 2
          where ctid = (select ctid from ${table}passed where reason = 1 order by lane_id, from_offset limit 1)
          returning from_offset as at`,
    kind: 'passed_wrongly',
  },
  {
    name: 'absent passed as other type',
    sql: `update ${table}passed set reason = 1
          where ctid = (select ctid from ${table}passed where reason > 2 order by lane_id, from_offset limit 1)
          returning from_offset as at`,
    kind: 'no_such_record',
  },
  {
    name: 'a transaction passed in its place as another type',
    sql: `insert into ${table}passed (lane_id, workflow_id, from_offset, to_offset, reason, commit_id)
          select lane_id, workflow_id, kafka_offset, kafka_offset, 1, commit_id
          from ${table}transaction t join ${table}version v on v.id = t.version_id where t.id = ${some} returning from_offset as at;
          with gone as (delete from ${table}transaction ${of(some)} returning id), a as (
            delete from ${table}attempt where transaction_id in (select id from gone)), d as (
            delete from ${table}dedup where transaction_id in (select id from gone))
          delete from ${table}ending where transaction_id in (select id from gone)`,
    kind: 'passed_wrongly',
  },

  {
    name: 'duplicate deleted',
    sql: `delete from ${table}duplicate where (lane_id, kafka_offset) = (select lane_id, kafka_offset from ${table}duplicate limit 1)
          returning ${at}`,
    kind: 'missing',
  },
  {
    name: 'duplicate inserted',
    sql: `insert into ${table}duplicate select t.lane_id, v.workflow_id, kafka_offset, t.id, event_id, commit_id
          from ${table}transaction t join ${table}version v on v.id = t.version_id where t.id = ${some} returning ${at}`,
    kind: 'doubled',
  },
  ...[
    ['first, to none', `first_id = ${stranger}`, 'first_missing'],
    ['first, to one of another event', `first_id = ${some}`, 'first_differs'],
    [
      'first, to one of another workflow',
      `first_id = (select id from millrace.transactions where workflow = 'typed' limit 1)`,
      'first_differs',
    ],
    ['event_id', `event_id = 'another'`, 'event_differs'],
  ].map(([what, set, kind]) => ({
    name: `duplicate’s ${what} changed`,
    sql: `update ${table}duplicate set ${set}
          where (lane_id, kafka_offset) = (select lane_id, kafka_offset from ${table}duplicate order by 1, 2 limit 1) returning ${at}`,
    kind: kind as string,
  })),
  {
    name: 'duplicate’s offset changed',
    sql: `update ${table}duplicate set kafka_offset = kafka_offset + 3000
          where (lane_id, kafka_offset) = (select lane_id, kafka_offset from ${table}duplicate order by 1, 2 limit 1) returning ${at}`,
    kind: 'beyond_next',
  },
  {
    name: 'claim deleted',
    sql: `delete from ${table}dedup ${ofTransaction(some)} returning transaction_id as id`,
    kind: 'claim_missing',
  },
  {
    name: 'claim given to another',
    sql: `update ${table}dedup set transaction_id = ${twice} ${ofTransaction(some)} returning ${some} as id`,
    kind: 'claim_missing',
  },
  {
    name: 'claim given to none',
    sql: `update ${table}dedup set transaction_id = ${stranger} ${ofTransaction(some)} returning transaction_id as id`,
    kind: 'claim_of_none',
  },

  {
    name: 'subscription deleted',
    sql: `delete from ${table}subscription where lane_id = (select min(id) from ${table}lane)
          and workflow_id = (select id from ${table}workflow where name = 'sale')`,
    kind: 'not_subscribed',
  },
  {
    name: 'subscription’s start changed',
    sql: `update ${table}subscription set from_offset = 3 where lane_id = (select min(id) from ${table}lane)`,
    kind: 'before_start',
  },
  {
    name: 'next_offset raised',
    sql: `update ${table}lane_progress set next_offset = next_offset + 1 where lane_id = (select min(id) from ${table}lane)
          returning next_offset - 1 as at`,
    kind: 'missing',
  },
  {
    name: 'next_offset lowered',
    sql: `update ${table}lane_progress set next_offset = next_offset - 1 where lane_id = (select min(id) from ${table}lane)
          returning next_offset as at`,
    kind: 'beyond_next',
  },
  {
    name: 'progress deleted',
    sql: `delete from ${table}lane_progress where lane_id = (select min(id) from ${table}lane)`,
    kind: 'no_progress',
  },
  {
    name: 'an open transaction that nobody will find',
    sql: reopened(`low_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'`),
    kind: 'unreachable',
  },
  {
    name: 'an open transaction that others of its key have overtaken',
    sql: `${reopened(`low_id = '00000000-0000-0000-0000-000000000000'`)};
          select ${next(`(select transaction_id from ${table}raw_record)`)} as id`,
    kind: 'overtakes',
  },
  {
    name: 'a transaction that began before the one before it had ended',
    sql: `update ${table}ending set commit_id = (
            select max(a.commit_id) from ${table}attempt a where a.transaction_id = ${next(some)})
          ${ofTransaction(some)} returning ${next(some)} as id`,
    kind: 'overlaps',
  },

  {
    name: 'parked though it has ended',
    sql: `insert into ${table}parked select id, lane_id from ${table}transaction ${of(some)} returning transaction_id as id`,
    kind: 'parked_wrongly',
  },
  {
    name: 'a record kept of what has ended',
    sql: `insert into ${table}raw_record (transaction_id, headers) values (${some}, '{}') returning transaction_id as id`,
    kind: 'record_kept',
  },
  {
    name: 'begun deleted',
    sql: `delete from ${table}begun ${ofTransaction(doubted)} returning transaction_id as id`,
    kind: 'begun_missing',
  },
  {
    name: 'begun inserted',
    sql: `insert into ${table}begun select id, 1, 9, commit_id from ${table}transaction ${of(some)} returning transaction_id as id`,
    kind: 'begun_wrongly',
  },

  {
    name: 'commit deleted',
    sql: `delete from ${table}commit where id = (select commit_id from ${table}ending ${ofTransaction(some)})`,
    kind: 'commit_missing',
  },
  {
    name: 'commit’s lanes changed',
    sql: `update ${table}commit set lanes = '{77}' where id = (select commit_id from ${table}ending ${ofTransaction(some)})`,
    kind: 'not_its_lane',
  },

  {
    name: 'command deleted',
    sql: `delete from ${table}command where kind = 'resolve' returning target as id`,
    kind: 'resolved_by_nobody',
  },
  ...[
    ['state', `state = 3`, 'resolved_by_nobody'],
    ['state, to pending', 'state = 1', 'half_answered'],
    ['commit', 'commit_id = commit_id - 1', 'resolve_without_effect'],
  ].map(([what, set, kind]) => ({
    name: `command’s ${what} changed`,
    sql: `update ${table}command set ${set} where kind = 'resolve'`,
    kind: kind as string,
  })),
  {
    name: 'redrive deleted',
    sql: `delete from ${table}command where kind = 'redrive' returning target as id`,
    kind: 'letter_state_by_nobody',
  },

  {
    name: 'message deleted',
    sql: `delete from ${table}outbox where dead_letter_id = ${failedLetter} returning dead_letter_id as id`,
    kind: 'message_missing',
  },
  ...[
    ['a step', some, 'step is not null and dead_letter_id is null'],
    ['its end', some, 'step is null and dead_letter_id is null'],
    ['its failure', failed, 'step is null and dead_letter_id is null'],
  ].map(([what, id, which]) => ({
    name: `message of ${what} deleted`,
    sql: `delete from ${table}outbox ${ofTransaction(id as string)} and ${which} returning transaction_id as id`,
    kind: 'message_missing',
  })),
  {
    name: 'message of a transaction numbered anew',
    sql: `update ${table}outbox set n = 7 ${ofTransaction(some)} and step is null returning id`,
    kind: 'message_differs',
  },
  {
    name: 'message of a transaction given to another step',
    sql: `${into('outbox', 'lane_id seq id transaction_id step n topic headers commit_id', { seq: '9000', id: stranger, commit_id: '(1::int8 << 60)' }, `${ofTransaction(some)} and step is null`)} returning id`,
    kind: 'message_differs',
  },
  {
    name: 'message inserted twice',
    sql: `insert into ${table}outbox (lane_id, seq, id, topic, headers, dead_letter_id, commit_id)
          select lane_id, 9000, id, topic, headers, dead_letter_id, 9223372036854775807 >> 1
          from ${table}outbox where dead_letter_id = ${failedLetter} returning id`,
    kind: 'message_twice',
  },
  ...[
    ['id', `id = ${stranger}`, 'message_differs'],
    ['seq', 'seq = 0 - seq + 100000', 'disordered'],
    ['cause', `dead_letter_id = ${stranger}`, 'cause_missing'],
  ].map(([what, set, kind]) => ({
    name: `message’s ${what} changed`,
    sql: `update ${table}outbox set ${set} where (lane_id, seq) = (select lane_id, seq from ${table}outbox where dead_letter_id = ${failedLetter}) returning id`,
    kind: kind as string,
  })),
  {
    name: 'mark of what is published moved beyond the end',
    sql: `insert into ${table}outbox_progress select lane_id, max(seq) + 1, now() from ${table}outbox group by 1 limit 1`,
    kind: 'mark_beyond',
  },

  {
    name: 'source changed',
    sql: `update ${table}version set source = source || ' ' where id = 1 returning id`,
    kind: 'source_changed',
  },
  {
    name: 'hash changed',
    sql: `update ${table}version set hash = repeat('0', 64) where id = 1 returning id`,
    kind: 'source_changed',
  },
  {
    name: 'steps changed',
    sql: `update ${table}version set step_ids[1] = 'other' where cardinality(step_ids) = 3 returning id`,
    kind: 'steps_differ',
  },
  {
    name: 'source replaced with its hash',
    sql: `update ${table}version set source = 'x', hash = encode(sha256('x'), 'hex') where id = 1 returning id`,
    kind: 'source_invalid',
  },
  { name: 'engine renamed', sql: `update ${table}engine set name = 'other'`, kind: 'transaction_moved' },
  { name: 'topic renamed', sql: `update ${table}topic set name = 'other'`, kind: 'transaction_moved' },
  {
    name: 'topic’s id changed',
    sql: `update ${table}topic set incarnation = 'another'`,
    kind: 'transaction_moved',
  },
  {
    name: 'workflow renamed',
    sql: `update ${table}workflow set name = 'other' where name = 'sale'`,
    kind: 'transaction_moved',
  },
  {
    name: 'lane moved to another partition',
    sql: `update ${table}lane set kafka_partition = 7 where id = (select min(id) from ${table}lane)`,
    kind: 'transaction_moved',
  },
]
