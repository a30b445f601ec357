/** What the ledger and the book outside hold of a case, as `expected.yaml` writes it. */
import type { Step } from './expected.ts'
import type { Names } from './qualify.ts'

export type Query = <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>

export interface TransactionRow {
  readonly id: string
  readonly workflow: string
  readonly event_id: string
  readonly parent_id: string | null
  readonly parent_step: string | null
  readonly state: string
  readonly error_code: string | null
  readonly round: number
}

export const transactionsSql = `
select id, workflow, event_id, parent_id, parent_step, state, error_code, round
from millrace.transactions where engine = $1 order by admitted_at, id`

/** Those of the case by name: the id of the event; of one that was called, its parent's name and the step that called. */
export function namedOf(rows: readonly TransactionRow[], names: Names): Map<string, TransactionRow> {
  const own = rows.filter(({ workflow }) => names.isOurs(workflow))
  const byId = new Map(own.map((row) => [row.id, row]))
  const nameOf = (row: TransactionRow): string => {
    const parent = row.parent_id === null ? undefined : byId.get(row.parent_id)
    if (parent) return `${nameOf(parent)}/${row.parent_step}`
    const isAlone = own.filter((each) => each.parent_id === null && each.event_id === row.event_id).length === 1
    return isAlone ? row.event_id : `${row.event_id} ${names.workflowOf(row.workflow)}`
  }
  const named = new Map<string, TransactionRow>()
  for (const row of own) {
    const name = nameOf(row)
    const before = [...named.keys()].filter((each) => each === name || each.startsWith(`${name}#`)).length
    named.set(before === 0 ? name : `${name}#${before + 1}`, row)
  }
  return named
}

export interface StepRow {
  readonly transaction_id: string
  readonly step: string
  readonly item: string
  readonly state: string
  readonly output: unknown
}

interface AttemptRow {
  readonly transaction_id: string
  readonly step: string
  readonly item: string
  readonly kind: string
  readonly direction: 'forward' | 'undo'
  readonly outcome: string
  readonly error_code: string | null
  readonly resolved_by: string | null
  readonly output: unknown
}

interface PostingRow {
  readonly transaction_id: string
  readonly step: string
  readonly item: string
  readonly direction: 'forward' | 'undo'
  readonly debit: string
  readonly credit: string
  readonly amount: string
  readonly currency: string
}

interface MessageRow {
  readonly transaction_id: string
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly state: string
}

interface RoundRow {
  readonly transaction_id: string
  readonly former_state: string
  readonly former_error_code: string | null
  readonly from_step: string | null
}

/** All rows of these transactions, each list in its order. */
export async function rowsOf(query: Query, ids: readonly string[]) {
  const of = <Row extends object>(sql: string) => query<Row>(sql, [ids])
  return {
    steps: await of<StepRow>(
      `select transaction_id, step, item, state, output from millrace.steps
       where transaction_id = any($1::uuid[]) and state <> 'pending' order by position, item`,
    ),
    attempts: await of<AttemptRow>(
      `select transaction_id, step, item, kind, direction, outcome, error_code, resolved_by, output from millrace.attempts
       where transaction_id = any($1::uuid[]) order by coalesce(finished_at, received_at), attempt`,
    ),
    postings: await of<PostingRow>(
      `select transaction_id, step, item, direction, debit, credit, amount, currency from millrace.postings
       where transaction_id = any($1::uuid[])`,
    ),
    messages: await of<MessageRow>(
      `select transaction_id, topic, key, value, state from millrace.outbox
       where transaction_id = any($1::uuid[]) order by seq`,
    ),
    owed: await of<{ transaction_id: string; step: string; item: string }>(
      `select transaction_id, step, item from millrace.owed where transaction_id = any($1::uuid[]) order by step, item`,
    ),
    rounds: await of<RoundRow>(
      `select transaction_id, former_state, former_error_code, from_step from millrace.rounds
       where transaction_id = any($1::uuid[]) order by round`,
    ),
    ended: await of<{ id: string }>(
      `select id from millrace.transactions where id = any($1::uuid[]) and ended_at is not null order by ended_at`,
    ),
  }
}

export type Rows = Awaited<ReturnType<typeof rowsOf>>

/** Of the transaction; `topicOf` gives a topic's short name. */
export function transactionOf(row: TransactionRow, rows: Rows, names: Names) {
  const own = <Row extends { transaction_id: string }>(list: readonly Row[]) =>
    list.filter((each) => each.transaction_id === row.id)
  const attempts = own(rows.attempts)
  return {
    state: row.state,
    error: row.error_code,
    steps: Object.fromEntries(own(rows.steps).map((step) => [nameOf(step), stepOf(step, attempts)])),
    order: attempts.filter(({ outcome, kind }) => outcome === 'ok' && isFunction(kind)).map(doingOf),
    postings: own(rows.postings).map(postingOf).sort(),
    messages: own(rows.messages).map((message) => messageOf(message, names)),
    owed: own(rows.owed).map(nameOf),
    rounds: own(rows.rounds).map(roundOf),
  }
}

function stepOf(step: StepRow, all: readonly AttemptRow[]): Step {
  const own = all.filter((each) => nameOf(each) === nameOf(step))
  const outcomes = (direction: string) => own.filter((each) => each.direction === direction).map(outcomeOf)
  const undo = outcomes('undo')
  const { state, output } = step
  const given = own.findLast((each) => each.direction === 'undo')?.output
  const values = { output, given } as Pick<Step, 'output' | 'given'>
  return { state, attempts: outcomes('forward'), ...(undo.length > 0 && { undo }), ...values }
}

function outcomeOf({ outcome, error_code, resolved_by }: AttemptRow): string {
  if (resolved_by !== null) return `resolved ${outcome}`
  return error_code === null || error_code === outcome ? outcome : `${outcome} ${error_code}`
}

function isFunction(kind: string): boolean {
  return kind === 'invoke' || kind === 'undo'
}

function nameOf({ step, item }: { step: string; item: string }): string {
  return item === '' ? step : `${step}[${item}]`
}

function doingOf(row: { step: string; item: string; direction: string }): string {
  return row.direction === 'undo' ? `undo of ${nameOf(row)}` : nameOf(row)
}

function postingOf(row: PostingRow): string {
  const { debit, credit, amount, currency } = row
  return `${doingOf(row)}: ${debit} > ${credit} ${amount} ${currency}`
}

function messageOf({ topic, key, value, state }: MessageRow, names: Names): object {
  return {
    topic: names.topicOf(topic),
    ...(key !== null && { key: key.toString() }),
    value: value === null ? null : JSON.parse(value.toString()),
    ...(state !== 'published' && { state }),
  }
}

function roundOf({ former_state, former_error_code, from_step }: RoundRow): string {
  return [former_state, former_error_code, from_step === null ? null : `from ${from_step}`].filter(Boolean).join(', ')
}

/** Balances of what these have posted. */
export function accountsOf(postings: readonly PostingRow[]): Record<string, string> {
  const sums = new Map<string, bigint>()
  const add = (account: string, currency: string, amount: bigint) => {
    const name = `${account} ${currency}`
    sums.set(name, (sums.get(name) ?? 0n) + amount)
  }
  for (const { debit, credit, amount, currency } of postings) {
    add(debit, currency, -BigInt(amount))
    add(credit, currency, BigInt(amount))
  }
  const accounts: Record<string, string> = {}
  for (const name of [...sums.keys()].sort()) {
    const [account = '', currency] = name.split(' ')
    const balance = `${sums.get(name)} ${currency}`
    accounts[account] = account in accounts ? `${accounts[account]}, ${balance}` : balance
  }
  return accounts
}

/** By the id of the event, who took it. */
export async function signalsOf(query: Query, names: Names, nameOfId: (id: string) => string) {
  const rows = await query<{ id: string; workflow: string; taken_by: string[] | null }>(
    `select event ->> 'id' as id, workflow, taken_by from millrace.signals where topic like $1 || '%' order by at`,
    [names.topic('')],
  )
  return Object.fromEntries(
    rows.map(({ id, workflow, taken_by }) => {
      const isAlone = rows.filter((each) => each.id === id).length === 1
      const name = isAlone ? id : `${id} ${names.workflowOf(workflow)}`
      return [name, (taken_by ?? []).map(nameOfId).sort()]
    }),
  )
}

export async function lettersOf(query: Query, names: Names) {
  const rows = await query<{ id: string; code: string }>(
    `select headers ->> 'ce_id' as id, code from millrace.dead_letters where topic like $1 || '%'`,
    [names.topic('')],
  )
  return rows.map(({ id, code }) => `${id} ${code}`).sort()
}
