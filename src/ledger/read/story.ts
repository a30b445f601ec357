/** One transaction with all that the ledger knows of it, by the beginning of its id. */
import type { Connections } from '../connect.ts'
import {
  type AttemptRead,
  attemptsOf,
  type CalledRead,
  calledBy,
  type DoubtRead,
  doubtsOf,
  type OwedRead,
  owedBy,
  type PostingRead,
  postingsOf,
  type RoundRead,
  roundsOf,
  type StepRead,
  sourceOf,
  stepsOf,
  type WaitRead,
  waitsOf,
} from './parts.ts'
import { type PauseRead, pausesOver } from './pauses.ts'
import { summaryColumns, type TransactionSummary } from './transactions.ts'

export interface Story extends StoryHead {
  readonly steps: readonly StepRead[]
  readonly attempts: readonly AttemptRead[]
  /** Steps that sleep, or wait for an event. */
  readonly waits: readonly WaitRead[]
  readonly doubts: readonly DoubtRead[]
  readonly postings: readonly PostingRead[]
  /** Of one that has failed: what was not undone. */
  readonly owed: readonly OwedRead[]
  /** How each round but the first was begun. */
  readonly rounds: readonly RoundRead[]
  /** The transactions that its steps have called. */
  readonly called: readonly CalledRead[]
  /** Those that hold it, if it is open. */
  readonly pauses: readonly PauseRead[]
  /** Of its workflow's version. */
  readonly source: string
}

interface StoryHead extends TransactionSummary {
  readonly engine: string
  /** JSON text. */
  readonly event: string
  /** The transaction that called it, and the step that did: `bill[3]`. */
  readonly parent_id: string | null
  readonly parent_step: string | null
  readonly round: number
}

/** Up to `limit` of them; the id's beginning is hex digits, with dashes where a UUID has them or without. */
export async function storiesOf(db: Connections, idPrefix: string, limit: number): Promise<Story[]> {
  const rows = await db.query<StoryHead & Record<string, unknown>>({
    text: `
select ${summaryColumns}, engine, event::text as event, parent_id, parent_step, round
from millrace.transactions t
where t.id between $1::uuid and $2::uuid order by t.id limit $3`,
    values: [filled(idPrefix, '0'), filled(idPrefix, 'f'), limit],
  })
  return Promise.all(rows.map((row) => storyOf(db, row)))
}

async function storyOf(db: Connections, head: StoryHead): Promise<Story> {
  const { id, ended_at } = head
  const [steps, attempts, waits, doubts, postings, owed, rounds, called, pauses, source] = await Promise.all([
    stepsOf(db, id),
    attemptsOf(db, id),
    waitsOf(db, id),
    doubtsOf(db, id),
    postingsOf(db, id),
    owedBy(db, id),
    roundsOf(db, id),
    calledBy(db, id),
    ended_at === null ? pausesOver(db, head) : [],
    sourceOf(db, head),
  ])
  return { ...head, steps, attempts, waits, doubts, postings, owed, rounds, called, pauses, source }
}

/** The first or the last UUID that begins so. */
function filled(prefix: string, digit: string): string {
  return prefix.replaceAll('-', '').padEnd(32, digit)
}
