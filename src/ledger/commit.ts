/**
 * The group commit: one named statement, so that from lock to COMMIT there is no round trip. It locks and checks the
 * fence rows of its lanes; a takeover's UPDATE conflicts with the lock. Rows of lanes that another epoch has taken are
 * filtered inside the same statement, and so are transactions that are copies of earlier ones; it answers with the lanes
 * that passed and the copies. What a statement does not name costs nothing to begin, and at low load that is most of it: so
 * there is one for each set of parts that a batch has, made when it is first asked for.
 */

import type { Batch, CommitAnswer } from '../coordinator/ports.ts'
import * as flow from './flow-commit.ts'
import * as nested from './flow-sections.ts'
import { type Form, formOf, nameOf, sectionsOf } from './form.ts'
import { isoTime } from './micros.ts'
import type { RowOids } from './row-types.ts'
import type { Section } from './section.ts'
import * as rows from './sections.ts'

/** What the parts of one statement are written with. */
export interface Terms {
  /** A section, with the numbers that its parameters have in this statement. */
  readonly from: (section: Section) => string
  /** The row's lane has passed. */
  readonly held: string
  /** The transaction of this id is no copy: of a copy nothing else is written. */
  readonly original: (id: string) => string
}

interface Statement {
  readonly name: string
  readonly text: string
  readonly sections: readonly Section[]
}

const statements = new Map<string, Statement>()

export function commitStatement(batch: Batch, oids: RowOids): { name: string; text: string; values: unknown[] } {
  const form = formOf(batch)
  const name = nameOf(form)
  let made = statements.get(name)
  if (!made) {
    made = statement(name, form)
    statements.set(name, made)
  }
  return { name, text: made.text, values: commitValues(batch, made.sections, oids) }
}

const held = 'lane = any(array(select id from fence))'

function statement(name: string, form: Form): Statement {
  const sections = sectionsOf(form)
  const terms = {
    from: numbered(sections),
    held,
    original: (id: string) => (form.rare ? `${id} <> all(array(select id from copies))` : 'true'),
  }
  const parts = [
    beginning(terms),
    form.rare && copyParts(terms),
    form.rounds && flow.reopened(terms),
    form.arrivals && admissions(terms, form),
    form.attempts && attempts(terms, form),
    form.endings && endings(terms, form),
    form.rests && flow.rests(terms),
    form.signals && flow.signals(terms),
    form.money && flow.money(terms),
    form.rounds && flow.turns(terms),
    form.others && otherParts(terms),
    form.rare && rareParts(terms),
  ]
  const text = `${parts.filter((part) => part !== false).join('')}
select id as lane, null::uuid as copy, null::uuid as first from fence
${form.rare ? 'union all select null, id, first_id from copies' : ''}`
  return { name, text, sections }
}

/** Parameters 1 to 4 are single values. */
function numbered(sections: readonly Section[]): Terms['from'] {
  const texts = new Map<Section, string>()
  let next = 5
  for (const each of sections) {
    texts.set(each, each.from(next))
    next += each.width
  }
  return (section) => texts.get(section) as string
}

function beginning({ from }: Terms): string {
  return `
with fence as materialized (
  select l.id from millrace_data.lane l
  join ${from(rows.lanes)} on l.id = r.lane and l.epoch = r.epoch
  order by l.id for share of l
), progress as (
  update millrace_data.lane_progress p set next_offset = r.position, low_id = r.low, seen_at = now()
  from ${from(rows.lanes)}
  where p.lane_id = r.lane and ${held}
), last_commit as (
  update millrace_data.commit set returned_at = $3::timestamptz where id = $2::int8
), this_commit as (
  insert into millrace_data.commit (id, lanes, sent_at)
  select $1::int8, array(select id from fence), $4::timestamptz where exists (select from fence)
)`
}

/** Before attempts and endings: whoever takes these tables in this order does not meet a commit in a ring. */
function admissions({ from, original }: Terms, { nested: calls }: Form): string {
  const [columns, values] = calls
    ? [', parent_id, parent_step, parent_item', ', parent, parent_step, parent_item']
    : ['', '']
  return `, transactions as (
  insert into millrace_data.transaction
    (id, lane_id, version_id, kafka_offset, key, event_id, envelope, auth, produced_at, fetched_at, admitted_at, commit_id,
     redriven_from${columns})
  select r.id, lane, version, position, key, event, envelope, auth, produced, fetched, admitted, $1::int8, redriven${values}
  from ${from(calls ? nested.calledTransactions : rows.transactions)}
  where ${held} and ${original('r.id')}${calls ? ` and (parent is null or ${original('parent')})` : ''}
)`
}

function attempts({ from, original }: Terms, { nested: items }: Form): string {
  const more = items ? ', item, seq, unknown, round' : ''
  return `, attempts as (
  insert into millrace_data.attempt
    (transaction_id, step, attempt, outcome, step_state, error_code, error_message, output, logs, next_at, eligible_at,
     dispatched_at, started_at, finished_at, received_at, commit_id, resolved_by${more})
  select id, step, attempt, outcome, state, code, message, output, logs, next, eligible, dispatched, started, finished,
         received, $1::int8, resolved${more}
  from ${from(items ? nested.nestedAttempts : rows.attempts)}
  where ${held} and ${original('r.id')}
)`
}

/** One that was opened again may end in the same commit: its former ending goes first. */
function endings({ from, original }: Terms, { rounds }: Form): string {
  return `, endings as (
  insert into millrace_data.ending (transaction_id, state, error_code, error_message, ended_at, commit_id)
  select id, state, code, message, ended, $1::int8 from ${from(rows.endings)}
  where ${held} and ${original('r.id')}${rounds ? ' and (select count(*) from reopened) is not null' : ''}
), unparked as (
  delete from millrace_data.parked
  where lane_id = any(array(select id from fence))
    and transaction_id = any(array(select id from ${from(rows.endings)} where ${held}))
)`
}

/** What else comes of records, and of what has been open for long. */
function otherParts({ from, original }: Terms): string {
  return `, dead_letters as (
  insert into millrace_data.dead_letter
    (id, lane_id, workflow_id, kafka_offset, key, value, headers, sealed, code, reason, received_at, commit_id,
     transaction_id)
  select id, lane, workflow, position, key, value, headers, sealed, code, reason, received, $1::int8, transaction
  from ${from(rows.deadLetters)}
  where ${held} and (transaction is null or ${original('transaction')})
), passed as (
  insert into millrace_data.passed (lane_id, workflow_id, from_offset, to_offset, reason, commit_id)
  select lane, workflow, first, last, reason, $1::int8 from ${from(rows.passed)}
  where ${held}
), subscriptions as (
  insert into millrace_data.subscription (lane_id, workflow_id, from_offset)
  select lane, workflow, first from ${from(rows.subscriptions)}
  where ${held}
  on conflict do nothing
), parked as (
  insert into millrace_data.parked (transaction_id, lane_id)
  select id, lane from ${from(rows.parked)}
  where ${held}
  on conflict do nothing
)`
}

/** Who is a copy is decided first: what follows leaves it out. */
function copyParts({ from }: Terms): string {
  return `, claims as (
  -- In the order of their keys, so that two commits cannot wait for each other. Whoever is there within the window stays.
  insert into millrace_data.dedup as d (key, transaction_id, record_at, keep_until)
  select distinct on (key) key, id, stamp, until from ${from(rows.claims)} where ${held} order by key, position
  on conflict (key) do update set (transaction_id, record_at, keep_until, seen_at) = (
    select case when stays then d.transaction_id else excluded.transaction_id end,
           case when stays then d.record_at else excluded.record_at end,
           case when stays then greatest(d.keep_until, d.record_at + (excluded.keep_until - excluded.record_at))
                else excluded.keep_until end,
           case when stays then d.seen_at else excluded.seen_at end
    from (select d.record_at between excluded.record_at - (excluded.keep_until - excluded.record_at)
                                 and excluded.keep_until as stays) s)
  returning key, transaction_id
), copies as (
  select r.id, c.transaction_id as first_id, lane, workflow, position, event
  from ${from(rows.claims)} join claims c on c.key = r.key
  where ${held} and c.transaction_id <> r.id
), duplicates as (
  insert into millrace_data.duplicate (lane_id, workflow_id, kafka_offset, first_id, event_id, commit_id)
  select lane, workflow, position, first_id, event, $1::int8 from copies
)`
}

function rareParts({ from, original }: Terms): string {
  return `, raw_records as (
  insert into millrace_data.raw_record (transaction_id, key, value, headers, sealed)
  select id, key, value, headers, sealed from ${from(rows.rawRecords)}
  where ${held} and ${original('r.id')}
), begun as (
  insert into millrace_data.begun (transaction_id, step, attempt, item, commit_id)
  select id, step, attempt, item, $1::int8 from ${from(rows.begun)}
  where ${held} and ${original('r.id')}
), failed_letters as (
  insert into millrace_data.dead_letter
    (id, lane_id, workflow_id, kafka_offset, key, value, headers, sealed, code, reason, received_at, commit_id,
     transaction_id)
  select r.id, lane, p.workflow_id, p.kafka_offset, k.key, k.value, k.headers, k.sealed, code, reason, received, $1::int8,
         r.transaction
  from ${from(rows.failedLetters)}
  join millrace_data.raw_record k on k.transaction_id = r.transaction
  cross join lateral millrace_data.place_of(r.transaction) p
  where ${held}
), raw_gone as (
  delete from millrace_data.raw_record
  where transaction_id = any(array(select id from ${from(rows.endings)} where ${held}))
), letter_states as (
  update millrace_data.dead_letter d set state = r.state from ${from(rows.letterStates)}
  where d.id = r.id and ${held}
), messages as (
  insert into millrace_data.outbox
    (lane_id, seq, id, transaction_id, step, n, topic, key, value, headers, dead_letter_id, error, commit_id)
  select lane, seq, id, transaction, step, n, topic, key, value, headers, letter, error, $1::int8
  from ${from(rows.messages)}
  where ${held} and (transaction is null or ${original('transaction')})
), commands as (
  update millrace_data.command c set state = r.state, answer = r.answer, commit_id = $1::int8 from ${from(rows.commands)}
  where c.id = r.id and ${held}
)`
}

/** One row of the answer: a lane that passed, or a copy and whose. */
export interface AnswerRow {
  lane: number | null
  copy: string | null
  first: string | null
}

export function commitAnswer(answer: readonly AnswerRow[]): CommitAnswer {
  const passed = new Set<number>()
  const duplicates = new Map<string, string>()
  for (const { lane, copy, first } of answer) {
    if (lane !== null) passed.add(lane)
    else duplicates.set(copy as string, first as string)
  }
  return { passed, duplicates }
}

/** The statement's parameters, in its order. Rows are sorted by key, so that concurrent commits cannot deadlock. */
function commitValues(batch: Batch, sections: readonly Section[], oids: RowOids): unknown[] {
  const { commitId, last, sentUs } = batch
  const returned = last === null ? null : isoTime(last.returnedUs)
  return [
    commitId,
    last?.commitId ?? null,
    returned,
    isoTime(sentUs),
    ...sections.flatMap((each) => each.values(batch, oids)),
  ]
}
