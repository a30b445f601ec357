/**
 * The faces the coordinator needs of the rooms around it. It never imports them: `engine.ts` hands them in, and a fake
 * is a plain object. Stamps are µs since 1970, offsets numbers below 2^53.
 */
import type { RawRecord } from '../envelope/record.ts'
import type { AttemptReport } from '../transaction/attempt.ts'
import type { Signal } from '../transaction/event.ts'
import type { AttemptRecord, ChildRecord, PostingRecord, RestRecord, RoundRecord } from '../transaction/restore.ts'
import type { Failure, FinalState, ParentRef, StepRef } from '../transaction/transaction.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Batch, CommitAnswer, CommitStamp, Settled } from './batch.ts'

export type * from './batch.ts'

export interface PartitionRef {
  readonly topic: string
  readonly partition: number
}

/** A lane's place: of a topic that was deleted and made again, each incarnation has lanes of its own. */
export interface LaneRef extends PartitionRef {
  /** Kafka's id of the topic; empty when it could not be told. */
  readonly incarnation: string
}

/** What one fetch of a partition covers. */
export interface Fetched {
  readonly records: readonly RawRecord[]
  /** The offset after the last one it covers. */
  readonly nextOffset: number
  /** Offsets it covers that hold no record for us, and why, in order. */
  readonly missing: readonly MissingRange[]
}

export interface MissingRange {
  readonly fromOffset: number
  /** Inclusive. */
  readonly toOffset: number
  readonly reason: 'compacted' | 'aborted' | 'control' | 'retention'
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
  /** Kafka's id of the topic as it is now; empty when the broker cannot say. */
  incarnation(topic: string): Promise<string>
  /** True once the group has accepted a heartbeat of ours sent after this; false when the assignment changed instead. */
  confirm(): Promise<boolean>
  /** Tells Kafka how far each lane has come, for lag tools. Nothing depends on it. */
  reportProgress(progress: ReadonlyMap<PartitionRef, number>): Promise<void>
}

/** What takes time to find out about a record before it can be read: a schema, an issuer's keys, what a function says. */
export interface Preparer {
  /** True when nothing of it takes time for these workflows, or it is known already (`record.prepared`). Called for every record. */
  isReady(record: RawRecord, plans: readonly Plan[], topic: string): boolean
  /**
   * Fills `record.prepared` for these workflows, also with refusals, and keeps what is there. Rejects with a retryable `EngineError`
   * while a service is away, `details.service` at `details.address`: then it is asked again, however long that takes. The signal
   * says that nobody waits any more.
   */
  prepare(record: RawRecord, plans: readonly Plan[], topic: string, signal: AbortSignal): Promise<void>
}

export interface Workers {
  invoke(invocations: readonly Invocation[]): void
  /** Work for these functions is near: one that has no process may start one now, if there is room. */
  warm(functions: readonly string[]): void
  cancel(id: number): void
  /** What no process runs yet is not to be run: it comes back `lost`. Without ids, of all that waits. */
  cancelWaiting(ids?: ReadonlySet<number>): void
  /**
   * Nobody needs them any more. What waits ends as `lost` with code `cancelled`; of what runs the signal is aborted, and it
   * ends as its function then does, at the latest at its deadline.
   */
  abort(ids: readonly number[]): void
  /** Its "may have run" is durable: call the function that a process was kept for. */
  proceed(ids: readonly number[]): void
  /** This function only computes or reads, as far as is known: its steps need not wait for the commit before them. */
  isEffectFree(name: string): boolean
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
  /** What the key is made of when the function asks for it: see `transaction/ids.ts`. Nothing in it needs an escape in JSON. */
  readonly idempotencySeed: string
  /** Of the step that a compensation undoes: its function is told both keys. Null for any other. */
  readonly forwardSeed: string | null
  /** JSON text on one line. */
  readonly input: string
  /** From dispatch to kill, in milliseconds. */
  readonly timeoutMs: number
  /** Not to run past this moment, even if it was dispatched late; null is without limit. */
  readonly notAfterUs: number | null
  /** Run it in a process that runs nothing else: it was lost with a process before. */
  readonly alone: boolean
  /**
   * Sent ahead of the commit before it: only for a process whose function has no effects, by its own word. If it has some
   * by now it is not run, and ends as `lost` with code `not_effect_free`.
   */
  readonly ahead: boolean
  /** Its input has secret fields: what its process says on its own is not kept. */
  readonly isSecret: boolean
  /** The traceparent that its function goes on with; null: none. */
  readonly trace: string | null
}

export interface InvocationResult extends AttemptReport {
  readonly id: number
}

export interface Ledger {
  /** Stores the checked sources that are new; answers with the ids of each version, by its hash. */
  register(plans: readonly Plan[]): Promise<ReadonlyMap<string, VersionIds>>
  /** What the ledger knows of a topic's lanes before one is opened. */
  knownLanes(topic: string, incarnation: string): Promise<KnownLanes>
  /** Makes lanes that are not there yet; those that are stay as they are. */
  createLanes(topic: string, incarnation: string, lanes: readonly NewLane[]): Promise<void>
  /**
   * Takes a new epoch, so that whoever held the lane before is refused, and says what is open. Null: another coordinator
   * holds it and was asked for it; it is taken when that one releases it, its lease is over, or it has been asked for longer
   * than a handover may take.
   */
  takeLane(lane: LaneRef): Promise<OpenedLane | null>
  /** Lanes of earlier incarnations of this topic with something unfinished in them. */
  strandedLanes(topic: string, incarnation: string): Promise<readonly LaneRef[]>
  /** Ours no more, and whoever comes next need not wait. */
  releaseLanes(lanes: readonly HeldLane[]): Promise<void>
  /**
   * Signs of life of lanes we hold, the last commit's return, and what others want of those lanes. `asOfUs`: that of the answer
   * whose pauses are held to; null: of none yet.
   */
  renew(last: CommitStamp | null, lanes: readonly LaneSign[], asOfUs?: number | null): Promise<Renewed>
  /** Removes what nobody looks for any more, some at a time. */
  tidy(): Promise<void>
  /** Reads open transactions as they stand in the ledger, in no particular order. */
  load(ids: readonly string[]): Promise<OpenTransaction[]>
  /** The sources of these versions. */
  sources(versions: readonly string[]): Promise<OpenedLane['sources']>
  /** Throws `EngineError`: see `ledger/failure.ts` for its codes. */
  commit(batch: Batch): Promise<CommitAnswer>
  /**
   * Rests of a lane that fall due after this one and until then, in their order: at most so many. They stay
   * until a commit of their transaction ends them.
   */
  due(laneId: number, after: DueRest, untilUs: number, most: number): Promise<readonly DueRest[]>
  /** When the one after it is due; null: there is none. */
  nextDue(laneId: number, after: DueRest): Promise<number | null>
  /**
   * Waits of these lanes that were not looked at since they began, or since an event came for them, in an order of their own,
   * behind this one: at most so many.
   */
  unlooked(laneIds: readonly number[], after: WaitRef | null, most: number): Promise<readonly WaitRef[]>
  /**
   * Kept events that these may take, of each the oldest first, and no more than so many of each. Not those that their
   * transaction has taken, or, where only the first may have one, that anybody has.
   */
  findSignals(waits: readonly SoughtFor[], most: number): Promise<readonly FoundSignal[]>
  /**
   * Makes each event the step's own where only the first may have it, if its rest is still there and nobody else was quicker.
   * Durable at once. Answers with those that were.
   */
  claimSignals(claims: readonly SignalClaim[]): Promise<readonly SignalClaim[]>
  /** They were looked at, and nothing was there for them; not those that were nudged meanwhile. */
  looked(waits: readonly WaitRef[]): Promise<void>
  /**
   * Marks those who wait for these events, which are durable, as not looked at. Answers with those of the lanes named; the
   * holders of the others hear of it.
   */
  nudge(signals: readonly SignalRef[], laneIds: readonly number[]): Promise<readonly WaitRef[]>
  /** Hears of lanes in which somebody was nudged by another coordinator, ours or not. Nothing depends on it. */
  onNudge(hear: (laneIds: readonly number[]) => void): void
  /** After an unknown COMMIT: takes new epochs, which waits for the old commit, then looks whether it landed. */
  settle(batch: Batch): Promise<Settled>
}

/** Brings lanes' messages from the ledger to Kafka. What it needs of the ledger is `OutboxLedger`. */
export interface Outbox {
  /** A lane of ours has messages in the ledger that are not published. */
  wake(lane: OutboxLane): void
  /** Something of the lane is on its way, or is about to be; false also while an outage holds it. */
  isBusy(lane: HeldLane): boolean
  /** Ours no more: nothing further of it is begun. Correctness does not hang on it. */
  close(lane: HeldLane): void
}

/** Its epoch may change while it is ours: it is read anew each time. */
export interface OutboxLane extends HeldLane {
  readonly partition: PartitionRef
}

/** All of these look at the fence: null or false says that the lane is not held under this epoch. */
export interface OutboxLedger {
  /** Up to where the lane's messages are marked, and the id of the message with this number; null: there is none. */
  outboxPlace(
    lane: HeldLane,
    seq: number,
  ): Promise<{ readonly publishedSeq: number; readonly id: string | null } | null>
  /** What comes after this number, in order: one message at least, and no more than so many and so many bytes. */
  unpublished(lane: HeldLane, afterSeq: number, most: OutboxBite): Promise<readonly OutboxMessage[] | null>
  /** Kafka has all up to this number. */
  markPublished(lane: HeldLane, seq: number): Promise<boolean>
  /** Kafka will never take this one. */
  refuseMessage(lane: HeldLane, seq: number, error: string): Promise<boolean>
}

export interface OutboxBite {
  readonly rows: number
  readonly bytes: number
}

/** A message as it waits to be published. */
export interface OutboxMessage {
  readonly seq: number
  readonly id: string
  readonly transactionId: string | null
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** JSON text. */
  readonly headers: string
  /** It was given up on: it is passed over. */
  readonly error: string | null
  /** The dead letter that it is a copy of; key, value and headers are its own. */
  readonly letter: OutboxLetter | null
}

export interface OutboxLetter {
  readonly id: string
  readonly sealed: Buffer | null
  readonly code: string
  readonly reason: string
  /** Of the record. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface HeldLane {
  readonly laneId: number
  readonly epoch: number
}

/** What `lanes` shows of one. */
export interface LaneSign extends HeldLane {
  /** Why its partition is not read for now. */
  readonly paused: string | null
  readonly queued: number
  readonly running: number
}

export interface Renewed {
  /** Of the lanes named, those whose epoch still holds. */
  readonly held: ReadonlySet<number>
  /** Of those, the ones another coordinator asks for. */
  readonly asked: ReadonlySet<number>
  /** Pending commands of operators, oldest first. */
  readonly commands: readonly Command[]
  /** Of the lanes named, those with waits that were not looked at. */
  readonly nudged: ReadonlySet<number>
  /** Events of these lanes of which those who wait may not know: they are to be given to `waiters`. At most so many at once. */
  readonly untold: readonly SignalRef[]
  /** What of this engine is paused now. */
  readonly pauses: readonly Pause[]
  /** When that was, by Postgres' clock. */
  readonly asOfUs: number
}

/** Nothing of the workflow starts or wakes; with a key, nothing of that key. */
export interface Pause {
  readonly workflow: string
  readonly key: string | null
}

/** A rest that is due, in the order in which they fall due. */
export interface DueRest extends StepRef {
  readonly transactionId: string
  readonly dueUs: number
}

export interface WaitRef extends StepRef {
  readonly laneId: number
  readonly transactionId: string
  /** How often it was nudged since it was last looked at, its beginning included. */
  readonly nudge: number
}

/** `afterId`: only what comes after this event, of the same wait; null: from the oldest on. */
export interface SoughtFor extends WaitRef {
  readonly afterId: string | null
}

export interface FoundSignal {
  readonly wait: WaitRef
  /** Of the workflow on which the transaction runs that waits. */
  readonly version: string
  readonly signal: Signal
  /** Only the first may have it: it is to be claimed. */
  readonly isForOne: boolean
}

export interface SignalClaim extends StepRef {
  readonly transactionId: string
  readonly signalId: string
}

export interface SignalRef {
  readonly id: string
  readonly workflowId: number
  readonly topic: string
  readonly key: string
}

/** What an operator wants of a transaction or a dead letter. */
export interface Command {
  readonly id: bigint
  readonly laneId: number
  readonly kind: 'resolve' | 'redrive' | 'discard' | 'cancel' | 'compensate' | 'retry'
  /** Id of the transaction or dead letter. */
  readonly target: string
  /** JSON text. */
  readonly args: string
  readonly askedBy: string
  readonly why: string | null
  /** The dead letter it is about, if there is one of that id. */
  readonly letter: StoredLetter | null
}

export interface StoredLetter {
  readonly workflow: string | null
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** JSON text. */
  readonly headers: string
  readonly sealed: Buffer | null
  readonly state: 'open' | 'redriven' | 'discarded'
}

export interface VersionIds {
  readonly workflowId: number
  readonly versionId: number
}

export interface KnownLanes {
  /** The topic was known by this name before, under another id. */
  readonly recreated: boolean
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
  /** The number of its last message in the outbox, and whether all up to it are published. */
  readonly outbox: { readonly seq: number; readonly unpublished: boolean }
  /** workflow name -> the offset from which on it takes records. */
  readonly subscriptions: ReadonlyMap<string, number>
  /** What of this engine is paused now. */
  readonly pauses: readonly Pause[]
  /** Of those workflows: name -> id. */
  readonly workflowIds: ReadonlyMap<string, number>
  /**
   * Open transactions, those that have had their turn first, then by offset: what order needs to know of them. Not those that
   * rest alone, but for those of `strict` workflows.
   */
  readonly open: readonly OpenRef[]
  /** The sources of the versions they run on, by hash. */
  readonly sources: ReadonlyMap<
    string,
    { readonly workflow: string; readonly source: string; readonly workflowId: number; readonly versionId: number }
  >
}

export interface OpenRef {
  readonly id: string
  readonly workflow: string
  readonly key: string | null
  readonly admittedUs: number
  /** A step of it is in doubt, and it has no branches that go on: it stands aside until a person settles it. */
  readonly inDoubt: boolean
  /** All of it rests, and its workflow is strict: it holds its line, and is not loaded before it wakes. */
  readonly rests: boolean
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
  /** In the order of step, item and attempt. */
  readonly attempts: readonly AttemptRecord[]
  /** Attempts that may have run and have no outcome. */
  readonly begun: readonly (StepRef & { readonly attempt: number })[]
  readonly rests: readonly RestRecord[]
  readonly children: readonly ChildRecord[]
  readonly postings: readonly PostingRecord[]
  readonly parent: ParentRef | null
  /** Of its current round. */
  readonly failure: Failure | null
  /** How each round but the first was begun, in their order. */
  readonly rounds: readonly RoundRecord[]
  /** Null while it is open. */
  readonly ended: FinalState | null
}
