/**
 * Says what of the promise was broken where transactions branch, rest, wait, call and turn back. Like the other oracle it
 * knows what Kafka holds, what the views say and the provider's book; and that nothing may be left behind in the tables of
 * what rests.
 */
import { type Book, readBook } from '../../../demo/provider/book.ts'
import { accounts, placeOf } from '../accounts.ts'
import type { Arena } from '../arena.ts'
import { type Held, readHeld } from '../held.ts'
import { eraOf, firstOf, type JudgeOptions, type Verdict } from '../oracle.ts'
import type { Project } from '../project.ts'
import { stepsDoubled } from './attempts.ts'
import { childrenUnlike } from './children.ts'
import { leftBehind } from './leftovers.ts'
import { outOfLine } from './lines.ts'
import { moneyUnlike } from './money.ts'
import { signalsWrong } from './signals.ts'
import { notUndone, undoneInDisorder } from './undone.ts'

export interface Fate {
  readonly state: string
  readonly code: string | null
}

export interface SagaRow {
  readonly id: string
  readonly workflow: string
  readonly partition: number
  readonly offset: number
  readonly state: string
  readonly code: string | null
  readonly eventId: string
}

export interface SagaOracle {
  readonly project: Project
  /** What a record is to become. */
  fateOf(record: Held): Fate
  /** What else must hold; one line for each wrong. */
  also?(arena: Arena, rows: readonly SagaRow[], book: Book): Promise<readonly string[]>
}

export async function judgeSagas(arena: Arena, oracle: SagaOracle, options: JudgeOptions = {}): Promise<Verdict> {
  await arena.query('analyze')
  const { project } = oracle
  const held = options.held ?? (await readHeld(arena))
  const era = await eraOf(arena, held)
  const rows = await rowsOf(arena)
  const book = await readBook(arena.bookFile)
  const accounted = await accounts(arena, era.incarnation, rows, era.spans, project.workflows)
  const signals = await signalsWrong(arena)
  const found = {
    lost: [
      ...accounted.missing,
      ...(await fatesUnlike(arena, held, rows, oracle)),
      ...(await notUndone(arena)),
      ...(await childrenUnlike(arena)),
      ...signals.lost,
      ...(await leftBehind(arena)),
      ...((await oracle.also?.(arena, rows, book)) ?? []),
    ],
    doubled: [...accounted.tooMany, ...(await stepsDoubled(arena)), ...signals.doubled],
    'out of order': [
      ...(await undoneInDisorder(arena)),
      ...(options.clocksAgree === false ? [] : await outOfLine(arena)),
    ],
    'charged wrongly': await moneyUnlike(arena, book),
  }
  return {
    events: held.length,
    lost: found.lost.length,
    doubled: found.doubled.length,
    disordered: found['out of order'].length,
    chargedTwice: found['charged wrongly'].length,
    problems: Object.entries(found).flatMap(([kind, list]) => firstOf(list).map((line) => `${kind}: ${line}`)),
  }
}

/** Those that records became: what they call has its parent's place. */
function rowsOf(arena: Arena): Promise<SagaRow[]> {
  return arena.query<SagaRow & { id: string }>(
    `select id, workflow, kafka_partition as partition, kafka_offset::int as offset, state, error_code as code,
            event_id as "eventId"
     from millrace.transactions where topic = $1 and engine = $1 and parent_id is null`,
    [arena.id],
  )
}

/** What a person has cancelled may end so. */
async function fatesUnlike(
  arena: Arena,
  held: readonly Held[],
  rows: readonly SagaRow[],
  { project, fateOf }: SagaOracle,
): Promise<string[]> {
  const cancelled = new Set((await cancelledBy(arena)).map((row) => row.target))
  const rowOf = new Map(rows.map((row) => [placeOf(row.workflow, row), row]))
  const letters = await lettersOf(arena)
  return held.flatMap((record) =>
    project.workflows.flatMap((workflow) => {
      const place = placeOf(workflow, record)
      const row = rowOf.get(place)
      const wanted = nameOf(fateOf(record))
      const code = letters.get(`${record.partition}/${record.offset}`)
      if (!row && code === undefined) return []
      const found = row ? nameOf(row) : nameOf({ state: 'dead_letter', code: code as string })
      if (found === wanted || (row && row.state === 'cancelled' && cancelled.has(row.id))) return []
      return [`${place}: ${row?.id ?? ''} ${found}, and was to be ${wanted}`]
    }),
  )
}

function nameOf({ state, code }: Fate): string {
  return code === null ? state : `${state} ${code}`
}

function cancelledBy(arena: Arena): Promise<{ target: string }[]> {
  return arena.query(`select target from millrace.commands where kind = 'cancel' and state = 'done'`)
}

async function lettersOf(arena: Arena): Promise<Map<string, string>> {
  const rows = await arena.query<{ place: string; code: string }>(
    `select kafka_partition || '/' || kafka_offset as place, code from millrace.dead_letters
     where topic = $1 and transaction_id is null`,
    [arena.id],
  )
  return new Map(rows.map(({ place, code }) => [place, code]))
}
