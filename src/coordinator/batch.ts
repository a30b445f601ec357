/** One group commit as the ledger is given it, and its answer. Stamps are µs since 1970, offsets numbers below 2^53. */
import type {
  AttemptRow,
  BegunRow,
  EndingRow,
  PostingRow,
  ReopenedRow,
  RestOverRow,
  RestRow,
  TakenRow,
  TurnRow,
} from '../transaction/effect.ts'
import type { ParentRef } from '../transaction/transaction.ts'

/** All that one group commit writes. Rows of lanes that fail the fence are left out by the commit itself. */
export interface Batch {
  readonly commitId: bigint
  readonly sentUs: number
  readonly lanes: readonly LaneProgress[]
  readonly transactions: readonly OfLane<TransactionRow>[]
  readonly attempts: readonly OfLane<AttemptRow>[]
  readonly endings: readonly OfLane<EndingRow>[]
  readonly begun: readonly OfLane<BegunRow>[]
  readonly rests: readonly OfLane<KeptRest>[]
  /** Also of what ended by an attempt's row. Of one that rests and is over within one batch nothing is left. */
  readonly restsOver: readonly OfLane<RestOverRow>[]
  readonly taken: readonly OfLane<TakenRow>[]
  readonly postings: readonly OfLane<PostingRow>[]
  readonly turns: readonly OfLane<TurnRow>[]
  readonly reopened: readonly OfLane<ReopenedRow>[]
  readonly signals: readonly OfLane<SignalRow>[]
  readonly deadLetters: readonly OfLane<DeadLetterRow>[]
  /** Of failed transactions whose record was kept for that. */
  readonly failedLetters: readonly OfLane<FailedLetterRow>[]
  readonly letterStates: readonly OfLane<LetterState>[]
  readonly messages: readonly OfLane<MessageRow>[]
  readonly commands: readonly OfLane<CommandAnswer>[]
  readonly passed: readonly OfLane<PassedRow>[]
  readonly subscriptions: readonly OfLane<SubscriptionRow>[]
  /** Open for minutes: ids that `low_id` may move past. */
  readonly parked: readonly OfLane<{ readonly transactionId: string }>[]
  /** The commit before this one, whose return is known now. */
  readonly last: CommitStamp | null
}

export type OfLane<Row> = Row & { readonly laneId: number }

export interface LaneProgress {
  readonly laneId: number
  readonly epoch: number
  readonly nextOffset: number
  readonly lowId: string
}

export interface TransactionRow {
  readonly id: string
  readonly versionId: number
  readonly offset: number
  readonly key: string | null
  readonly eventId: string
  readonly envelope: string
  readonly auth: Buffer | null
  readonly producedUs: number | null
  readonly fetchedUs: number
  readonly admittedUs: number
  /** Null: nothing tells a copy of it. */
  readonly dedup: DedupClaim | null
  /** The record as it came, for a dead letter if it fails; null when its workflow wants none. */
  readonly raw: RawRow | null
  /** The dead letter it is made of again. */
  readonly redrivenFrom: string | null
  /** The step that called it; then its offset is that of its parent. */
  readonly parent: ParentRef | null
}

/** A rest as the ledger keeps it: with what it is found by. */
export interface KeptRest extends RestRow {
  readonly workflowId: number
  /** The next of its key waits all the same: opening its lane names it. */
  readonly isStrict: boolean
}

/** An event kept for those of a workflow that wait for it, or will. */
export interface SignalRow {
  readonly id: string
  readonly workflowId: number
  readonly offset: number
  readonly key: string
  /** The record's time. */
  readonly atUs: number
  readonly receivedUs: number
  /** Nobody who begins to wait after this finds it; record time. */
  readonly keepUntilUs: number
  readonly take: 'first' | 'all'
  /** JSON text, see `Signal`. */
  readonly text: string
}

/** Who is first with this key is admitted; another within the window is recorded as its duplicate, in the same commit. */
export interface DedupClaim {
  /** A hash as UUID text, over engine, workflow and the key itself. */
  readonly key: string
  readonly workflowId: number
  /** The record's time. */
  readonly atUs: number
  readonly withinUs: number
}

export interface RawRow {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: string
  readonly sealed: Buffer | null
}

export interface FailedLetterRow {
  readonly id: string
  readonly transactionId: string
  readonly code: string
  readonly reason: string
  readonly receivedUs: number
}

export interface LetterState {
  readonly id: string
  readonly state: 'redriven' | 'discarded'
}

export interface CommandAnswer {
  readonly id: bigint
  readonly state: 'done' | 'refused'
  readonly answer: string
}

/** One message for Kafka, in the commit that caused it. */
export interface MessageRow {
  /** The lane's own count, from 1, growing. */
  readonly seq: number
  readonly id: string
  readonly transactionId: string | null
  readonly step: number | null
  readonly n: number
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** JSON text: name -> text or {"base64": …}. */
  readonly headers: string
  /** A copy of this dead letter; key, value and headers are taken from there. */
  readonly deadLetterId: string | null
  /** It could not be made, and why: it is passed over. */
  readonly error: string | null
}

export interface DeadLetterRow {
  readonly id: string
  readonly workflowId: number | null
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: string
  readonly sealed: Buffer | null
  readonly code: string
  readonly reason: string
  readonly receivedUs: number
  /** Of a transaction that failed; null: it never became one. */
  readonly transactionId: string | null
}

export const passedReasons = [
  'other_type',
  'before_start',
  'absent',
  'no_workflow',
  'compacted',
  'aborted',
  'control',
  'retention',
  'no_key',
] as const

export interface PassedRow {
  readonly workflowId: number | null
  readonly fromOffset: number
  readonly toOffset: number
  readonly reason: (typeof passedReasons)[number]
}

export interface SubscriptionRow {
  readonly workflowId: number
  readonly fromOffset: number
}

export interface CommitStamp {
  readonly commitId: bigint
  readonly returnedUs: number
}

export interface CommitAnswer {
  /** Lanes whose epoch still held: their rows are in. */
  readonly passed: ReadonlySet<number>
  /** Transactions that were not admitted, being copies: id -> the id of the first. */
  readonly duplicates: ReadonlyMap<string, string>
}

export interface Settled {
  /** What the unknown commit would have answered; null when it never landed. */
  readonly landed: CommitAnswer | null
  /** New epochs of the lanes that are still ours; the others were taken over. */
  readonly epochs: ReadonlyMap<number, number>
}
