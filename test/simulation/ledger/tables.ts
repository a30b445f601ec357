/** The ledger's tables in memory, with the keys that Postgres holds unique. Rows stay as the coordinator wrote them. */
import type {
  Command,
  CommandAnswer,
  DeadLetterRow,
  DedupClaim,
  KeptRest,
  LetterState,
  MessageRow,
  OfLane,
  PassedRow,
  Pause,
  RawRow,
  SignalRow,
  TransactionRow,
  VersionIds,
} from '../../../src/coordinator/ports.ts'
import type {
  AttemptRow,
  BegunRow,
  EndingRow,
  PostingRow,
  ReopenedRow,
  TurnRow,
} from '../../../src/transaction/effect.ts'
import type { StepRef } from '../../../src/transaction/transaction.ts'
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

export type StoredSignal = OfLane<SignalRow> & { readonly topic: string }

/** Which waiting step an event is for. */
export interface StoredTaken extends StepRef {
  readonly transactionId: string
  /** Nobody else may take it. */
  readonly isOnly: boolean
  /** Else it is claimed, and a commit takes it or frees it. */
  isTaken: boolean
}

/** A wait that is to be looked at, and how often it was said so. */
export interface StoredLook extends StepRef {
  readonly laneId: number
  readonly transactionId: string
  times: number
}

/** How the round before it had ended. */
export interface StoredRound extends ReopenedRow {
  readonly former: EndingRow
}

export interface StoredPause extends Pause {
  readonly engine: string
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
  /** Of one transaction, in the order of step, item and attempt. */
  readonly attempts = new Map<string, OfLane<AttemptRow>[]>()
  readonly begun = new Map<string, OfLane<BegunRow>[]>()
  readonly endings = new Map<string, OfLane<EndingRow>>()
  readonly rawRecords = new Map<string, RawRow>()
  readonly letters = new Map<string, StoredLetter>()
  readonly dedup = new Map<string, StoredDedup>()
  readonly duplicates = new Map<string, StoredDuplicate>()
  readonly passed: OfLane<PassedRow>[] = []
  readonly commands = new Inbox()
  /** By transaction, then by place. */
  readonly rests = new Map<string, Map<string, OfLane<KeptRest>>>()
  /** By transaction and place. */
  readonly looks = new Map<string, StoredLook>()
  readonly signals = new Map<string, StoredSignal>()
  /** Those of one workflow, topic and key. */
  readonly signalsOf = new Map<string, StoredSignal[]>()
  /** By event. */
  readonly taken = new Map<string, StoredTaken[]>()
  /** Event -> the lane that is to tell of it. */
  readonly untold = new Map<string, number>()
  readonly postings = new Map<string, OfLane<PostingRow>[]>()
  /** By engine and key. */
  readonly charges = new Map<string, OfLane<PostingRow>>()
  readonly turns = new Map<string, OfLane<TurnRow>[]>()
  readonly rounds = new Map<string, StoredRound[]>()
  /** Parent -> those it has called. */
  readonly children = new Map<string, OfLane<TransactionRow>[]>()
  pauses: StoredPause[] = []
  /** Who listens for nudges from elsewhere. */
  readonly listeners: ((laneIds: readonly number[]) => void)[] = []
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

  restsOf(id: string): readonly OfLane<KeptRest>[] {
    return [...(this.rests.get(id)?.values() ?? [])]
  }

  /** From 1. */
  roundOf(id: string): number {
    return this.rounds.get(id)?.at(-1)?.round ?? 1
  }

  /** Attempts that may have run and have no outcome. */
  unknownOf(id: string): readonly OfLane<BegunRow>[] {
    const begun = this.begunOf(id)
    if (begun.length === 0) return begun
    const ended = new Set(this.attemptsOf(id).map((row) => `${placeOf(row)}/${row.attempt}`))
    return begun.filter((row) => !ended.has(`${placeOf(row)}/${row.attempt}`))
  }

  /** It has had its turn, and not given it away by standing in doubt until a person settled it. */
  hasStarted(id: string): boolean {
    const last = this.attemptsOf(id).reduce<OfLane<AttemptRow> | null>(later, null)
    const isOfRound = last !== null && (last.round ?? 1) >= this.roundOf(id)
    return (isOfRound && last.resolvedBy === null) || this.unknownOf(id).length > 0
  }

  /** The last attempt at some step left it in doubt. */
  isInDoubt(id: string): boolean {
    const last = new Map<string, OfLane<AttemptRow>>()
    for (const row of this.attemptsOf(id)) last.set(placeOf(row), row)
    return [...last.values()].some((row) => row.stepState === 'in_doubt')
  }

  /** This attempt left its step in doubt, and nobody has settled it. */
  isDoubtful(row: OfLane<AttemptRow>): boolean {
    const isLater = (each: AttemptRow) => placeOf(each) === placeOf(row) && each.attempt > row.attempt
    return row.stepState === 'in_doubt' && !this.attemptsOf(row.transactionId).some(isLater)
  }

  /** Nothing of it runs: its lane has given it up until it wakes. */
  restsAlone(id: string): boolean {
    return this.restsOf(id).some((rest) => rest.isAlone && !rest.isStrict)
  }
}

/** Whatever was written last. */
function later(last: OfLane<AttemptRow> | null, row: OfLane<AttemptRow>): OfLane<AttemptRow> {
  if (last === null) return row
  const by =
    (row.round ?? 1) - (last.round ?? 1) ||
    (row.seq ?? 0) - (last.seq ?? 0) ||
    (row.receivedUs ?? 0) - (last.receivedUs ?? 0) ||
    row.step - last.step ||
    row.attempt - last.attempt
  return by > 0 ? row : last
}

/** A step and its item. */
export function placeOf({ step, item }: StepRef): string {
  return `${step}/${item}`
}

export function duplicateName(laneId: number, workflowId: number, offset: number): string {
  return `${laneId}/${workflowId}/${offset}`
}

export function add<Row>(map: Map<string, Row[]>, name: string, row: Row): Row[] {
  const rows = map.get(name)
  if (!rows) map.set(name, [row])
  else rows.push(row)
  return rows ?? [row]
}
