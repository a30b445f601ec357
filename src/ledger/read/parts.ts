/** What the ledger knows of one transaction, each kind of it by itself. */
import type { Connections } from '../connect.ts'
import { isoText } from './time.ts'

/** A step, and of which item: the places in the lists of the `forEach` steps around it, as `3` or `3.0`; else empty. */
export interface StepPlace {
  readonly step: string
  readonly item: string
}

export interface StepRead extends StepPlace {
  readonly kind: string
  readonly state: string
  readonly attempts: number
}

export interface AttemptRead extends StepPlace {
  readonly kind: string
  readonly direction: 'forward' | 'undo'
  readonly round: number
  readonly attempt: number
  /** Null: its step runs none. */
  readonly function: string | null
  readonly outcome: string
  readonly error_code: string | null
  readonly error_message: string | null
  readonly eligible_at: string | null
  readonly dispatched_at: string | null
  readonly started_at: string | null
  readonly finished_at: string | null
  readonly committed_at: string | null
  readonly next_at: string | null
  /** JSON text. */
  readonly output: string | null
  readonly logs: string | null
  /** No attempt, but a person's word on the one before it: who, and why. */
  readonly resolved_by: string | null
  readonly received_at: string | null
}

export interface WaitRead extends StepPlace {
  /** Null: never. */
  readonly due_at: string | null
  readonly since_at: string
  /** Of the event it waits for; null: it sleeps. */
  readonly topic: string | null
  readonly key: string | null
}

export interface DoubtRead extends StepPlace {
  readonly attempt: number
}

export interface PostingRead extends StepPlace {
  readonly attempt: number
  readonly direction: 'forward' | 'undo'
  readonly n: number
  readonly debit: string
  readonly credit: string
  /** Minor units, as decimal digits. */
  readonly amount: string
  readonly currency: string
  readonly party: string | null
  readonly charge_key: string | null
  /** The attempt of its step whose posting it reverses. */
  readonly reverses_attempt: number | null
  readonly posted_at: string
}

export interface OwedRead extends StepPlace {
  readonly kind: string
  /** What undoes it; null: it has called another transaction. */
  readonly function: string | null
  readonly error_code: string | null
  readonly error_message: string | null
  readonly attempts: number | null
}

export interface RoundRead {
  readonly round: number
  readonly opened_at: string
  readonly opened_by: string
  /** From which step on it runs again; null: what it owed is undone. */
  readonly from_step: string | null
  /** JSON text. */
  readonly input: string | null
  readonly former_state: string
  readonly former_error_code: string | null
  readonly former_error_message: string | null
}

export interface CalledRead {
  readonly id: string
  readonly workflow: string
  readonly state: string
  /** The step that has called it, as `bill[3]`. */
  readonly parent_step: string
  readonly admitted_at: string
}

export function stepsOf(db: Connections, id: string): Promise<StepRead[]> {
  return db.query<StepRead & Record<string, unknown>>({
    text: `
select step, item, kind, state, attempts from millrace.steps
where transaction_id = $1 order by position, item`,
    values: [id],
  })
}

export function attemptsOf(db: Connections, id: string): Promise<AttemptRead[]> {
  const times = ['eligible_at', 'dispatched_at', 'started_at', 'finished_at', 'committed_at', 'next_at', 'received_at']
  return db.query<AttemptRead & Record<string, unknown>>({
    text: `
select step, item, kind, direction, round, attempt, function, outcome, error_code, error_message,
       ${times.map(isoText).join(', ')}, output::text as output, logs, resolved_by
from millrace.attempts a
where transaction_id = $1
order by coalesce(a.eligible_at, a.received_at, a.committed_at), attempt`,
    values: [id],
  })
}

export function waitsOf(db: Connections, id: string): Promise<WaitRead[]> {
  return db.query<WaitRead & Record<string, unknown>>({
    text: `
select step, item, ${isoText('due_at')}, ${isoText('since_at')}, topic, key
from millrace.waits w where transaction_id = $1 order by w.due_at, step, item`,
    values: [id],
  })
}

export function doubtsOf(db: Connections, id: string): Promise<DoubtRead[]> {
  return db.query<DoubtRead & Record<string, unknown>>({
    text: 'select step, item, attempt from millrace.in_doubt d where transaction_id = $1 order by d.received_at',
    values: [id],
  })
}

export function postingsOf(db: Connections, id: string): Promise<PostingRead[]> {
  return db.query<PostingRead & Record<string, unknown>>({
    text: `
select step, item, attempt, direction, n, debit, credit, amount::text as amount, currency, party, charge_key, reverses_attempt,
       ${isoText('posted_at')}
from millrace.postings p where transaction_id = $1 order by p.posted_at, step, item, attempt, n`,
    values: [id],
  })
}

export function owedBy(db: Connections, id: string): Promise<OwedRead[]> {
  return db.query<OwedRead & Record<string, unknown>>({
    text: `
select step, item, kind, function, error_code, error_message, attempts
from millrace.owed where transaction_id = $1 order by step, item`,
    values: [id],
  })
}

export function roundsOf(db: Connections, id: string): Promise<RoundRead[]> {
  return db.query<RoundRead & Record<string, unknown>>({
    text: `
select round, ${isoText('opened_at')}, opened_by, from_step, input::text as input, former_state, former_error_code,
       former_error_message
from millrace.rounds r where transaction_id = $1 order by round`,
    values: [id],
  })
}

/** Its id begins with the same time as its parent's: no other place is looked at. */
export function calledBy(db: Connections, id: string): Promise<CalledRead[]> {
  const sameTime = id.slice(0, 13)
  return db.query<CalledRead & Record<string, unknown>>({
    text: `
select id, workflow, state, parent_step, ${isoText('admitted_at')}
from millrace.transactions t
where t.id between $2::uuid and $3::uuid and parent_id = $1 order by t.admitted_at, t.id`,
    values: [id, `${sameTime}-0000-0000-000000000000`, `${sameTime}-ffff-ffff-ffffffffffff`],
  })
}

export async function sourceOf(
  db: Connections,
  { workflow, version }: { readonly workflow: string; readonly version: string },
): Promise<string> {
  const [row] = await db.query<{ source: string }>({
    text: 'select source from millrace.versions where workflow = $1 and version = $2',
    values: [workflow, version],
  })
  return row?.source ?? ''
}
