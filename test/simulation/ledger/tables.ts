/** The ledger's tables in memory, with the keys that Postgres holds unique. Rows stay as the coordinator wrote them. */
import type {
  Command,
  CommandAnswer,
  DeadLetterRow,
  DedupClaim,
  LetterState,
  MessageRow,
  OfLane,
  PassedRow,
  RawRow,
  TransactionRow,
  VersionIds,
} from '../../../src/coordinator/ports.ts'
import type { AttemptRow, BegunRow, EndingRow } from '../../../src/transaction/effect.ts'
import type { Plan } from '../../../src/workflow/plan.ts'
import { Inbox } from './commands.ts'

export interface StoredLane {
  readonly laneId: number
  readonly engine: string
  readonly topic: string
  readonly incarnation: string
  readonly partition: number
  /** Where it began. */
  readonly firstOffset: number
  /** The fence. */
  epoch: number
  owner: string | null
  /** Null: released, or never taken. */
  session: number | null
  leaseUs: number | null
  askedBy: string | null
  askedUs: number | null
  nextOffset: number
  lowId: string
  seenUs: number
  paused: string | null
  queued: number
  running: number
  /** workflow -> the offset from which on it takes records. */
  readonly subscriptions: Map<number, number>
  publishedSeq: number
  /** Derived, so that nobody scans history: transactions without an ending, parked ones, the last message's number. */
  readonly open: Set<string>
  readonly parked: Set<string>
  readonly messages: StoredMessage[]
  seq: number
}

export interface StoredVersion extends VersionIds {
  readonly plan: Plan
}

export interface StoredCommit {
  readonly lanes: readonly number[]
  readonly sentUs: number
  returnedUs: number | null
}

export interface StoredDuplicate {
  readonly laneId: number
  readonly workflowId: number
  readonly offset: number
  readonly firstId: string
  readonly eventId: string
  readonly commitId: bigint
}

export type StoredMessage = OfLane<Omit<MessageRow, 'error'>> & { error: string | null }
export type StoredLetter = OfLane<DeadLetterRow> & { state: LetterState['state'] | 'open' }
export interface StoredDedup extends Pick<DedupClaim, 'atUs'> {
  readonly transactionId: string
  readonly keepUntilUs: number
  readonly seenUs: number
}

export type StoredCommand = Omit<Command, 'letter'> & {
  state: CommandAnswer['state'] | 'pending'
  answer: string | null
}

export const lowestId = '00000000-0000-0000-0000-000000000000'

export class Tables {
  /** Text that is refused wherever a row holds it, besides a NUL. */
  poison: string | null = null
  readonly workflows = new Map<string, number>()
  readonly versions = new Map<string, StoredVersion>()
  readonly versionsById = new Map<number, StoredVersion>()
  readonly lanes: StoredLane[] = []
  readonly commits = new Map<bigint, StoredCommit>()
  readonly transactions = new Map<string, OfLane<TransactionRow>>()
  /** Of one transaction, in the order of step and attempt. */
  readonly attempts = new Map<string, OfLane<AttemptRow>[]>()
  readonly begun = new Map<string, OfLane<BegunRow>[]>()
  readonly endings = new Map<string, OfLane<EndingRow>>()
  readonly rawRecords = new Map<string, RawRow>()
  readonly letters = new Map<string, StoredLetter>()
  readonly dedup = new Map<string, StoredDedup>()
  readonly duplicates = new Map<string, StoredDuplicate>()
  readonly passed: OfLane<PassedRow>[] = []
  readonly commands = new Inbox()
  #session = 0

  /** The number of a coordinator that starts. */
  nextSession(): number {
    return ++this.#session
  }

  lane(laneId: number): StoredLane {
    const lane = this.lanes[laneId - 1]
    if (!lane) throw new Error(`no lane ${laneId}`)
    return lane
  }

  laneOf(engine: string, topic: string, incarnation: string, partition: number): StoredLane | undefined {
    return this.lanes.find(
      (lane) =>
        lane.topic === topic &&
        lane.partition === partition &&
        lane.incarnation === incarnation &&
        lane.engine === engine,
    )
  }

  planOf(row: TransactionRow): Plan {
    return this.versionOf(row).plan
  }

  versionOf(row: TransactionRow): StoredVersion {
    const version = this.versionsById.get(row.versionId)
    if (!version) throw new Error(`no version ${row.versionId}`)
    return version
  }

  attemptsOf(id: string): readonly OfLane<AttemptRow>[] {
    return this.attempts.get(id) ?? []
  }

  begunOf(id: string): readonly OfLane<BegunRow>[] {
    return this.begun.get(id) ?? []
  }

  /** Attempts that may have run and have no outcome. */
  unknownOf(id: string): readonly OfLane<BegunRow>[] {
    const begun = this.begunOf(id)
    if (begun.length === 0) return begun
    const ended = new Set(this.attemptsOf(id).map((row) => `${row.step}/${row.attempt}`))
    return begun.filter((row) => !ended.has(`${row.step}/${row.attempt}`))
  }

  /** It has had its turn, and not given it away by standing in doubt until a person settled it. */
  hasStarted(id: string): boolean {
    const last = this.attemptsOf(id).at(-1)
    return (last !== undefined && last.resolvedBy === null) || this.unknownOf(id).length > 0
  }

  /** The last attempt at some step left it in doubt. */
  isInDoubt(id: string): boolean {
    const last = new Map<number, OfLane<AttemptRow>>()
    for (const row of this.attemptsOf(id)) last.set(row.step, row)
    return [...last.values()].some((row) => row.stepState === 'in_doubt')
  }
}

export function duplicateName(laneId: number, workflowId: number, offset: number): string {
  return `${laneId}/${workflowId}/${offset}`
}
