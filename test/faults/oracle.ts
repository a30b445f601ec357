/**
 * Says what of the promise was broken. It knows three things: what Kafka holds, what the views of schema `millrace` say,
 * and the payment provider's own book; and nothing of how the engine works.
 */
import { effectsOf, readBook } from '../../demo/provider/book.ts'
import { heldSpans, type Span } from '../support/accounted.ts'
import { accounts, placeOf } from './accounts.ts'
import type { Arena } from './arena.ts'
import type { Expectation } from './events.ts'
import { type Held, readHeld } from './held.ts'
import { workflows } from './project.ts'
import { readCharged } from './published.ts'

export interface Verdict {
  /** Records that Kafka holds. */
  readonly events: number
  /** Without a row, never ended, ended badly though nothing was wrong with them, or without their charge. */
  readonly lost: number
  /** More rows than one for a position, more than one `ok` of a step, attempts not numbered from 1 without a gap. */
  readonly doubled: number
  readonly disordered: number
  readonly chargedTwice: number
  /** One line for each wrong, the first ones of each kind. */
  readonly problems: readonly string[]
}

/** Judges what came of one arena. */
export type Judge = (arena: Arena, options: JudgeOptions) => Promise<Verdict>

export interface JudgeOptions {
  /** False: a clock was shifted, so stamps of the ledger say nothing of order. */
  readonly clocksAgree?: boolean
  /** What Kafka holds, when that was read before. */
  readonly held?: readonly Held[]
  /** Topics of the same name that were deleted before this one, as they were. */
  readonly before?: readonly Era[]
}

/** One life of the topic, from its creation to its deletion. */
export interface Era {
  readonly incarnation: string
  readonly held: readonly Held[]
  readonly spans: readonly Span[]
}

/** The topic as it is now, to be asked for before it is deleted. */
export async function eraOf(arena: Arena, held?: readonly Held[]): Promise<Era> {
  const [newest] = (await arena.lanes()).slice(-1)
  return {
    incarnation: newest?.incarnation ?? '',
    held: held ?? (await readHeld(arena)),
    spans: await heldSpans(arena.admin, arena.id),
  }
}

export async function judge(arena: Arena, options: JudgeOptions = {}): Promise<Verdict> {
  await arena.query('analyze') // the views' joins are planned by what the tables hold
  const rows = await transactionsOf(arena)
  const letters = await deadLettersOf(arena)
  const eras = [...(options.before ?? []), await eraOf(arena, options.held)]
  const parts = await Promise.all(eras.map((era) => judgeEra(arena, era, rows, letters)))
  const charges = await chargesOf(arena, rows)
  const told = toldOf(await readCharged(arena), rows)
  const lost = [...parts.flatMap((part) => part.lost), ...(await halfDone(arena)), ...charges.missing, ...told.missing]
  const doubled = [...parts.flatMap((part) => part.doubled), ...(await attemptsDoubled(arena)), ...told.tooMany]
  const disordered = [
    ...charges.disordered,
    ...told.disordered,
    ...(options.clocksAgree === false ? [] : await startedTooEarly(arena)),
  ]
  const found = { lost, doubled, 'out of order': disordered, 'charged twice': charges.doubled }
  return {
    events: eras.reduce((sum, era) => sum + era.held.length, 0),
    lost: lost.length,
    doubled: doubled.length,
    disordered: disordered.length,
    chargedTwice: charges.doubled.length,
    problems: Object.entries(found).flatMap(([kind, list]) => firstOf(list).map((line) => `${kind}: ${line}`)),
  }
}

async function judgeEra(
  arena: Arena,
  { incarnation, held, spans }: Era,
  allRows: readonly TransactionRow[],
  allLetters: readonly DeadLetter[],
): Promise<{ lost: string[]; doubled: string[] }> {
  const rows = allRows.filter((row) => row.incarnation === incarnation)
  const letters = byPlace(allLetters.filter((letter) => letter.incarnation === incarnation))
  const accounted = await accounts(arena, incarnation, rows, spans)
  const copies = copiesOf(held, rows)
  return {
    lost: [...accounted.missing, ...fatesOf(held, rows, letters), ...copies.missing],
    doubled: [...accounted.tooMany, ...copies.tooMany],
  }
}

const shownMax = 5

export function firstOf(lines: readonly string[]): string[] {
  const rest = lines.length - shownMax
  return [...lines.slice(0, shownMax), ...(rest > 0 ? [`… and ${rest} more`] : [])]
}

interface TransactionRow {
  readonly id: string
  readonly workflow: string
  readonly key: string | null
  readonly partition: number
  readonly offset: number
  readonly state: string
  readonly code: string | null
  readonly eventId: string
  readonly incarnation: string
}

function transactionsOf(arena: Arena): Promise<TransactionRow[]> {
  return arena.query<TransactionRow & { id: string }>(
    `select id, workflow, key, kafka_partition as partition, kafka_offset::int as offset, state, error_code as code,
            event_id as "eventId", incarnation
     from millrace.transactions where topic = $1 and engine = $1`,
    [arena.id],
  )
}

interface DeadLetter {
  readonly workflow: string | null
  readonly partition: number
  readonly offset: number
  readonly value: Buffer | null
  readonly incarnation: string
}

function deadLettersOf(arena: Arena): Promise<DeadLetter[]> {
  return arena.query<DeadLetter & { workflow: string | null }>(
    `select workflow, kafka_partition as partition, kafka_offset::int as offset, value, incarnation
     from millrace.dead_letters where topic = $1 and engine = $1`,
    [arena.id],
  )
}

function byPlace(letters: readonly DeadLetter[]): Map<string, DeadLetter> {
  const found = new Map<string, DeadLetter>()
  for (const letter of letters) {
    for (const workflow of letter.workflow === null ? workflows : [letter.workflow]) {
      found.set(placeOf(workflow, letter), letter)
    }
  }
  return found
}

/** What each record became, against what its header says it is to become. */
function fatesOf(
  held: readonly Held[],
  rows: readonly TransactionRow[],
  letters: ReadonlyMap<string, DeadLetter>,
): string[] {
  const rowOf = new Map(rows.map((row) => [placeOf(row.workflow, row), row]))
  return held.flatMap((record) =>
    workflows.flatMap((workflow) => {
      const place = placeOf(workflow, record)
      const row = rowOf.get(place)
      const wanted = wantedOf(record.expect as Expectation, workflow)
      if (row?.state === 'running') return [`${place}: ${row.id} never ended`]
      if (wanted === 'any' || (!row && !letters.has(place))) return []
      if (wanted === 'dead') return deathOf(place, record, letters.get(place))
      return row?.state === 'completed' ? [] : [`${place}: ${row ? `${row.state} (${row.code})` : 'a dead letter'}`]
    }),
  )
}

/** Of each event, however often it was published, one transaction of each workflow. */
function copiesOf(held: readonly Held[], rows: readonly TransactionRow[]): { missing: string[]; tooMany: string[] } {
  const counts = new Map<string, number>()
  for (const { workflow, eventId } of rows) {
    counts.set(`${workflow} ${eventId}`, (counts.get(`${workflow} ${eventId}`) ?? 0) + 1)
  }
  const good = held.filter((record) => record.expect === 'ok' && record.eventId !== null)
  const events = [...new Set(good.map((record) => record.eventId))]
  const wanted = events.flatMap((eventId) => workflows.map((workflow) => `${workflow} ${eventId}`))
  return {
    missing: wanted.filter((name) => !counts.has(name)).map((name) => `${name}: no transaction of that event`),
    tooMany: wanted.filter((name) => (counts.get(name) ?? 0) > 1).map((name) => `${name}: ${counts.get(name)} times`),
  }
}

function wantedOf(expect: Expectation, workflow: string): 'completed' | 'dead' | 'any' {
  if (expect === 'some') return 'any'
  if (expect === 'dead') return 'dead'
  return expect === 'dead-charge' && workflow === 'charge' ? 'dead' : 'completed'
}

function deathOf(place: string, record: Held, letter: DeadLetter | undefined): string[] {
  if (!letter) return [`${place}: bad, but no dead letter`]
  const same =
    letter.value === null || record.value === null ? letter.value === record.value : letter.value.equals(record.value)
  return same ? [] : [`${place}: its dead letter has other bytes`]
}

/** Completed, though a step of it is not settled. */
async function halfDone(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ id: string; n: number }>(
    `select t.id, count(s.step) filter (where s.state in ('ok', 'skipped'))::int as n
     from millrace.transactions t
     join millrace.versions v on v.workflow = t.workflow and v.version = t.version
     left join millrace.steps s on s.transaction_id = t.id
     where t.topic = $1 and t.state = 'completed'
     group by t.id, v.steps
     having count(s.step) filter (where s.state in ('ok', 'skipped')) <> cardinality(v.steps)`,
    [arena.id],
  )
  return rows.map((row) => `${row.id} is completed with ${row.n} settled steps`)
}

async function attemptsDoubled(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ id: string; step: string; oks: number; numbers: number[] }>(
    `select transaction_id as id, step, count(*) filter (where outcome = 'ok')::int as oks,
            array_agg(attempt order by attempt) as numbers
     from millrace.attempts group by 1, 2
     having count(*) filter (where outcome = 'ok') > 1 or min(attempt) <> 1 or max(attempt) <> count(*)`,
  )
  return rows.map((row) => `${row.id} ${row.step}: ${row.oks} ok among attempts ${row.numbers.join(', ')}`)
}

/** Clocks of two processes on one machine differ by less. */
const clockToleranceMs = 50

/** An attempt given to a worker before the predecessor of its key had ended. */
async function startedTooEarly(arena: Arena): Promise<string[]> {
  const rows = await arena.query<{ id: string; key: string; ms: number }>(
    `with began as (
       select transaction_id, min(dispatched_at) as at from millrace.attempts group by 1
     ), lined as (
       select t.id, t.key, b.at, lag(t.ended_at) over (
         partition by t.workflow, t.incarnation, t.key, t.kafka_partition order by t.kafka_offset) as before
       from millrace.transactions t left join began b on b.transaction_id = t.id
       where t.topic = $1 and t.key is not null
     )
     select id, key, round(extract(epoch from before - at) * 1000)::int as ms from lined
     where at < before - $2 * interval '1 ms' order by ms desc`,
    [arena.id, clockToleranceMs],
  )
  return rows.map((row) => `${row.id} of key ${row.key} began ${row.ms} ms before its predecessor had ended`)
}

/** The provider's book against the ledger: the reference of a charge is the transaction. */
async function chargesOf(arena: Arena, rows: readonly TransactionRow[]) {
  const book = await readBook(arena.bookFile)
  const charges = effectsOf(book).sort((a, b) => a.no - b.no)
  const times = new Map<string, number>()
  for (const { reference } of charges) times.set(reference, (times.get(reference) ?? 0) + 1)
  const own = rows.filter((row) => row.workflow === 'charge')
  const byId = new Map(own.map((row) => [row.id, row]))
  const strangers = [...times.keys()].filter((reference) => !byId.has(reference))
  return {
    missing: [
      ...own
        .filter((row) => row.state === 'completed' && !times.has(row.id))
        .map((row) => `${row.id} was never charged`),
      ...strangers.map((reference) => `${reference} was charged and is not in the ledger`),
    ],
    doubled: [...times].filter(([, n]) => n > 1).map(([reference, n]) => `${reference} was charged ${n} times`),
    disordered: disorderOf(charges.flatMap(({ reference }) => byId.get(reference) ?? [])),
  }
}

/** Of each charge one message, though coordinators died while they sent them; of each account in order. */
function toldOf(told: readonly string[], rows: readonly TransactionRow[]) {
  const times = new Map<string, number>()
  for (const id of told) times.set(id, (times.get(id) ?? 0) + 1)
  const charged = rows.filter((row) => row.workflow === 'charge' && row.state === 'completed')
  const byId = new Map(rows.map((row) => [row.id, row]))
  return {
    missing: charged.filter((row) => !times.has(row.id)).map((row) => `${row.id}: nothing was published of its charge`),
    tooMany: [...times].filter(([, n]) => n > 1).map(([id, n]) => `${id}: its charge was published ${n} times`),
    disordered: disorderOf(told.flatMap((id) => byId.get(id) ?? [])).map((line) => `published: ${line}`),
  }
}

/** `charged`: in the order of the book. Of each account on a partition, offsets only grow. */
function disorderOf(charged: readonly TransactionRow[]): string[] {
  const last = new Map<string, number>()
  return charged.flatMap(({ key, partition, offset, incarnation }) => {
    const line = `${incarnation}/${partition}/${key}`
    const before = last.get(line) ?? -1
    last.set(line, Math.max(before, offset))
    return offset < before ? [`${key} on partition ${partition}: offset ${offset} was charged after ${before}`] : []
  })
}
