/** What the HTTP door needs of the rooms around it. `engine.ts` hands them in, and a fake is a plain object. */
import type { Gate } from '../auth/way.ts'
import type { Auth } from '../envelope/auth.ts'
import type { RawHeader, RawRecord } from '../envelope/record.ts'
import type { Records } from '../transaction/restore.ts'
import type { Plan } from '../workflow/plan.ts'

export interface Writer {
  /**
   * Resolves once Kafka has it for good. Throws `EngineError`: `door_full`, `kafka_outage`, `write_unknown` (all retryable; of the last
   * one nobody knows whether it was written), `message_refused`.
   */
  write(record: NewRecord): Promise<Written>
  /** Null while there is room and Kafka answers. */
  readonly trouble: string | null
}

export interface NewRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: readonly RawHeader[]
  readonly timestampMs: number
}

export interface Written {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** As Kafka keeps it: a topic may have the broker's own clock in it. */
  readonly timestampMs: number
}

/** Where the record of a transaction stands. */
export interface Place {
  readonly partition: number
  readonly offset: number
}

/** A transaction that somebody asks for, by the id it should have. */
export interface Asked {
  readonly id: string
  /** The step whose end is waited for; null: the end. */
  readonly after: string | null
  /** Where to look if there is none of this id: it may have become something else. */
  readonly from: Origin | null
}

export interface Origin extends Place {
  readonly workflow: string
  readonly topic: string
  readonly incarnation: string
}

export type StepEnd = 'ok' | 'skipped' | 'failed' | null

export type Standing =
  /** Not in the ledger yet. */
  | { readonly is: 'written' }
  /** `after`: how the step that was asked for has ended, if it has. */
  | { readonly is: 'open'; readonly after: StepEnd }
  | {
      readonly is: 'ended'
      readonly after: StepEnd
      readonly state: string
      readonly code: string | null
      readonly message: string | null
    }
  /** It is a copy of this one. */
  | { readonly is: 'duplicate'; readonly firstId: string }
  /** It could become no transaction. */
  | { readonly is: 'refused'; readonly code: string }
  /** It has another id than it was told: it was read more than an hour after it was written. */
  | { readonly is: 'moved'; readonly id: string }

/** What the status of a transaction shows. */
export interface Story {
  readonly id: string
  readonly workflow: string
  /** As `millrace.transactions` says it. */
  readonly state: string
  readonly code: string | null
  readonly message: string | null
  readonly endedAt: string | null
  readonly admittedAt: string
  /** `principal` and `family` of who sent it; null: nobody was authenticated. */
  readonly sender: { readonly principal: string; readonly family: string } | null
  readonly steps: readonly StoryStep[]
}

export interface StoryStep {
  readonly step: string
  /** Place in the lists of `forEach` steps; empty outside of them. */
  readonly item: string
  readonly kind: string
  readonly state: string
  readonly attempts: number
}

/** A transaction as the ledger has it, to make an answer of. */
export interface Kept extends Records {
  readonly id: string
  readonly version: string
  readonly offset: number
  readonly key: string | null
  readonly eventId: string
  readonly envelope: string
  readonly admittedUs: number
}

export interface Claim {
  /** A hash as UUID text. */
  readonly key: string
  /** Of all that must be the same when it is repeated. */
  readonly digest: Buffer
  /** Who claims, unique. */
  readonly owner: string
}

export type ClaimAnswer =
  /** `again`: somebody claimed it before, and nobody knows whether that was written. */
  | { readonly is: 'ours'; readonly again: boolean }
  | { readonly is: 'done'; readonly id: string; readonly place: Place }
  /** Somebody else is at it. */
  | { readonly is: 'busy' }
  | { readonly is: 'other_request' }

export interface ClaimDone {
  readonly key: string
  readonly owner: string
  readonly id: string
  readonly place: Place
}

/** All throw `EngineError`, of which `ledger_outage` is retryable. */
export interface DoorLedger {
  standing(asked: readonly Asked[]): Promise<readonly Standing[]>
  /** Those that are there. */
  stories(ids: readonly string[]): Promise<ReadonlyMap<string, Story>>
  kept(ids: readonly string[]): Promise<readonly Kept[]>
  sourceOf(version: string): Promise<{ readonly workflow: string; readonly source: string } | null>
  claim(claims: readonly Claim[]): Promise<readonly ClaimAnswer[]>
  claimed(done: readonly ClaimDone[]): Promise<void>
  /** Nobody knows whether it was written: whoever repeats it may try at once. */
  abandon(keys: readonly { readonly key: string; readonly owner: string }[]): Promise<void>
  /** Of these topics, those of which every partition is paused for being full. */
  full(topics: readonly string[]): Promise<ReadonlySet<string>>
}

/** Who may come in. */
export interface Gates {
  /** Null: the workflow asks for nobody. */
  of(plan: Plan): Gate | null
  /** What tells the coordinators who it was: a header of the record, whose other headers and value are complete. */
  stamp(plan: Plan, topic: string, auth: Auth, record: Pick<RawRecord, 'value' | 'headers'>): RawHeader
}

/** What a record needs before it can be read; see `coordinator/ports.ts`. */
export interface Preparer {
  isReady(record: RawRecord, plans: readonly Plan[], topic: string): boolean
  prepare(record: RawRecord, plans: readonly Plan[], topic: string, signal: AbortSignal): Promise<void>
}
