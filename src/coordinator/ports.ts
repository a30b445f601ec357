/**
 * The faces the coordinator needs of the rooms around it. It never imports them: `engine.ts` hands them in, and a fake
 * is a plain object. Stamps are µs since 1970, offsets numbers below 2^53.
 */
import type { AttemptReport } from '../transaction/attempt.ts'
import type { AttemptRow, EndingRow } from '../transaction/effect.ts'
import type { AttemptRecord } from '../transaction/restore.ts'
import type { Plan } from '../workflow/plan.ts'

export interface PartitionRef {
  readonly topic: string
  readonly partition: number
}

export interface Intake {
  /** Reads on from this offset; records come through `Coordinator.receive`. */
  read(partition: PartitionRef, fromOffset: number): void
  pause(partition: PartitionRef): void
  resume(partition: PartitionRef): void
  /** The offsets a partition has now. */
  bounds(topic: string): Promise<ReadonlyMap<number, { earliest: number; latest: number }>>
  /** The first offset at or after this time, for every partition; the end where there is none. */
  offsetsAt(topic: string, timeMs: number): Promise<ReadonlyMap<number, number>>
  /** Tells Kafka how far each lane has come, for lag tools. Nothing depends on it. */
  reportProgress(progress: ReadonlyMap<PartitionRef, number>): Promise<void>
}

export interface Workers {
  invoke(invocations: readonly Invocation[]): void
  cancel(id: number): void
  /** What no process runs yet is not to be run: it comes back `lost`. */
  cancelWaiting(): void
}

/** One attempt to be run by a worker process. */
export interface Invocation {
  /** Chosen by the caller, unique among what is in flight; echoed in the result. */
  readonly id: number
  readonly function: string
  readonly transactionId: string
  readonly workflow: string
  readonly step: string
  /** From 1. */
  readonly attempt: number
  readonly idempotencyKey: string
  /** JSON text on one line. */
  readonly input: string
  /** From dispatch to kill, in milliseconds. */
  readonly timeoutMs: number
  /** Not to run past this moment, even if it was dispatched late; null is without limit. */
  readonly notAfterUs: number | null
  /** Run it in a process that runs nothing else: it was lost with a process before. */
  readonly alone: boolean
}

export interface InvocationResult extends AttemptReport {
  readonly id: number
}

export interface Ledger {
  /** Stores the checked sources that are new; answers with the ids of each version, by its hash. */
  register(plans: readonly Plan[]): Promise<ReadonlyMap<string, VersionIds>>
  /** What the ledger knows of a topic's lanes before one is opened. */
  knownLanes(topic: string): Promise<KnownLanes>
  /** Makes lanes that are not there yet; those that are stay as they are. */
  createLanes(topic: string, lanes: readonly NewLane[]): Promise<void>
  /** Takes a new epoch, so that whoever held the lane before is refused, and says what is open. */
  openLane(partition: PartitionRef): Promise<OpenedLane>
  /** Reads open transactions as they stand in the ledger, in no particular order. */
  load(ids: readonly string[]): Promise<OpenTransaction[]>
  /** Throws `EngineError`: see `ledger/failure.ts` for its codes. */
  commit(batch: Batch): Promise<CommitAnswer>
  /** After an unknown COMMIT: takes new epochs, which waits for the old commit, then looks whether it landed. */
  settle(batch: Batch): Promise<Settled>
  /** Completes the last commit's `committed_at` and the lanes' `seen_at` when no further commit does. */
  complete(last: CommitStamp | null, laneIds: readonly number[]): Promise<void>
}

export interface VersionIds {
  readonly workflowId: number
  readonly versionId: number
}

export interface KnownLanes {
  readonly partitions: ReadonlySet<number>
  /** Names of the workflows that already take this topic's records in some lane. */
  readonly workflows: ReadonlySet<string>
}

export interface NewLane {
  readonly partition: number
  readonly nextOffset: number
  readonly subscriptions: readonly { readonly workflowId: number; readonly fromOffset: number }[]
}

export interface OpenedLane {
  readonly laneId: number
  readonly epoch: number
  readonly nextOffset: number
  /** workflow name -> the offset from which on it takes records. */
  readonly subscriptions: ReadonlyMap<string, number>
  /** Open transactions, oldest offset first: what order needs to know of them. */
  readonly open: readonly OpenRef[]
  /** The sources of the versions they run on, by hash. */
  readonly sources: ReadonlyMap<
    string,
    { readonly workflow: string; readonly source: string; readonly versionId: number }
  >
}

export interface OpenRef {
  readonly id: string
  readonly workflow: string
  readonly key: string | null
  readonly admittedUs: number
}

export interface OpenTransaction {
  readonly id: string
  readonly version: string
  readonly offset: number
  readonly key: string | null
  readonly eventId: string
  readonly envelope: string
  readonly auth: Buffer | null
  readonly admittedUs: number
  readonly attempts: readonly AttemptRecord[]
}

/** All that one group commit writes. Rows of lanes that fail the fence are left out by the commit itself. */
export interface Batch {
  readonly commitId: bigint
  readonly sentUs: number
  readonly lanes: readonly LaneProgress[]
  readonly transactions: readonly OfLane<TransactionRow>[]
  readonly attempts: readonly OfLane<AttemptRow>[]
  readonly endings: readonly OfLane<EndingRow>[]
  readonly deadLetters: readonly OfLane<DeadLetterRow>[]
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
}

export const passedReasons = ['other_type', 'before_start', 'absent', 'no_workflow'] as const

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
}

export interface Settled {
  /** Lanes whose rows the unknown commit wrote; null when it never landed. */
  readonly landed: ReadonlySet<number> | null
  /** New epochs of the lanes that are still ours; the others were taken over. */
  readonly epochs: ReadonlyMap<number, number>
}
