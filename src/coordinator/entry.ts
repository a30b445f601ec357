/**
 * One event's share of a group commit: its rows, and the acts that follow when they are durable. A batch is made of
 * entries, so that a value Postgres refuses can be found by halving without touching its neighbours.
 */
import type { RawRecord } from '../envelope/record.ts'
import type { Traces } from '../telemetry/trace/traces.ts'
import type {
  Admit,
  AttemptRow,
  BegunRow,
  Effect,
  EndingRow,
  LiveEffect,
  OutgoingRow,
  Tell,
} from '../transaction/effect.ts'
import type { TransactionEvent } from '../transaction/event.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Message } from './arrival.ts'
import { lowestId } from './horizon.ts'
import type { Lane } from './lane.ts'
import type {
  Batch,
  Command,
  CommandAnswer,
  CommitStamp,
  DeadLetterRow,
  FailedLetterRow,
  LaneProgress,
  LetterState,
  MessageRow,
  OfLane,
  PassedRow,
  SubscriptionRow,
  TransactionRow,
} from './ports.ts'
import { addRare, gatherRare, joinedRare, noRows, type RareRows } from './rare.ts'

export interface Entry {
  readonly lane: Lane
  readonly source: EntrySource
  /** The lane's next offset once this entry is durable; null when it moves none. */
  readonly nextOffset: number | null
  readonly transactions: readonly TransactionRow[]
  readonly begun: readonly BegunRow[]
  readonly attempts: readonly AttemptRow[]
  readonly endings: readonly EndingRow[]
  readonly deadLetters: readonly DeadLetterRow[]
  readonly failedLetters: readonly FailedLetterRow[]
  readonly letterStates: readonly LetterState[]
  /** In the order in which they are to be published. */
  readonly messages: readonly Message[]
  readonly commands: readonly CommandAnswer[]
  readonly passed: readonly PassedRow[]
  readonly subscriptions: readonly SubscriptionRow[]
  readonly parked: readonly string[]
  /** What few transactions write; null: nothing. */
  readonly rare: RareRows | null
  /** What others of the lane hear once it is durable. */
  readonly tells: readonly Tell[]
  /** Those who give their turn away once it is durable. */
  readonly leaves: readonly string[]
  /** What is to be done once it is durable; what was done ahead of that is not among them. */
  acts: readonly Act[]
  /** `undone`: what it follows from was not written, so that it must not be either. */
  fate: 'open' | 'durable' | 'undone'
}

/** What the entry came from, kept for the case that its values are refused. */
export type EntrySource =
  | { readonly kind: 'record'; readonly record: RawRecord; readonly admitted: readonly Transaction[] }
  | {
      readonly kind: 'event'
      readonly before: Transaction
      readonly event: TransactionEvent
      /** Of the operator who asked for it. */
      readonly command: Command | null
      /** What asked ahead of its commit for the attempt that ended. */
      readonly after: Entry | null
    }
  | { readonly kind: 'redrive'; readonly command: Command; readonly admitted: readonly Transaction[] }
  | { readonly kind: 'upkeep' }

export interface Act {
  readonly transaction: Transaction
  readonly effect: LiveEffect
}

const nothing = Object.freeze([]) as readonly never[]

export type EntryParts = Partial<Omit<Entry, 'lane' | 'source' | 'fate'>>

export function entry(lane: Lane, source: EntrySource, parts: EntryParts): Entry {
  return {
    lane,
    source,
    nextOffset: parts.nextOffset ?? null,
    transactions: parts.transactions ?? nothing,
    begun: parts.begun ?? nothing,
    attempts: parts.attempts ?? nothing,
    endings: parts.endings ?? nothing,
    deadLetters: parts.deadLetters ?? nothing,
    failedLetters: parts.failedLetters ?? nothing,
    letterStates: parts.letterStates ?? nothing,
    messages: parts.messages ?? nothing,
    commands: parts.commands ?? nothing,
    passed: parts.passed ?? nothing,
    subscriptions: parts.subscriptions ?? nothing,
    parked: parts.parked ?? nothing,
    rare: parts.rare ?? null,
    tells: parts.tells ?? nothing,
    leaves: parts.leaves ?? nothing,
    acts: parts.acts ?? nothing,
    fate: 'open',
  }
}

/** What transitions asked for. */
export type Asked = Pick<
  Entry,
  'transactions' | 'begun' | 'attempts' | 'endings' | 'messages' | 'rare' | 'tells' | 'leaves' | 'acts'
>

/** And the sub-workflows it calls. */
export interface Wanted extends Omit<Asked, 'transactions' | 'leaves'> {
  readonly calls: readonly Admit[]
}

/** What a transition asked for, parted into rows and acts: most of it is a row and an act. */
export function rowsAndActs(transaction: Transaction, effects: readonly Effect[], traces: Traces): Wanted {
  const asked: Gathered = {
    begun: nothing,
    attempts: nothing,
    endings: nothing,
    messages: nothing,
    rare: null,
    acts: nothing,
    calls: nothing,
    tells: nothing,
  }
  for (const effect of effects) {
    switch (effect.type) {
      case 'RecordBegun':
        asked.begun = and(asked.begun, effect.row)
        break
      case 'RecordAttempt':
        asked.attempts = and(asked.attempts, effect.row)
        break
      case 'RecordEnding':
        asked.endings = and(asked.endings, effect.row)
        break
      case 'RecordMessage':
        asked.messages = and(asked.messages, outgoing(effect.row, transaction, traces))
        break
      case 'Admit':
        asked.calls = and(asked.calls, effect)
        break
      case 'Tell':
        asked.tells = and(asked.tells, effect)
        break
      case 'Invoke':
      case 'Proceed':
      case 'Abort':
      case 'ArmTimer':
        asked.acts = and(asked.acts, { transaction, effect })
        break
      default:
        asked.rare = gatherRare(asked.rare, effect)
    }
  }
  return asked
}

type Gathered = { -readonly [Kind in keyof Wanted]: Wanted[Kind] }

function and<T>(list: readonly T[], item: T): readonly T[] {
  if (list === nothing) return [item]
  ;(list as T[]).push(item)
  return list
}

function outgoing(message: OutgoingRow, transaction: Transaction, traces: Traces): Message {
  const { key, value, headers: _, ...row } = message
  const headers = JSON.stringify(tracedHeaders(message, transaction, traces))
  return { ...row, key: bytes(key), value: bytes(value), headers, deadLetterId: null }
}

/** Whoever reads the message goes on with the trace, unless its author names another. */
function tracedHeaders({ id, headers }: OutgoingRow, transaction: Transaction, traces: Traces): OutgoingRow['headers'] {
  const carried = traces.ofMessage(transaction, id)
  if (carried === null || Object.keys(headers).some((name) => name.toLowerCase() === 'traceparent')) return headers
  return { ...headers, ...carried }
}

/** Of an entry, too, which has more. */
function askedBy({ transactions, begun, attempts, endings, messages, rare, tells, leaves, acts }: Asked): Asked {
  return { transactions, begun, attempts, endings, messages, rare, tells, leaves, acts }
}

function bytes(value: string | Buffer | null): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : value
}

export function joined(entries: readonly Asked[]): Asked {
  if (entries.length === 1) return askedBy(entries[0] as Asked)
  return {
    transactions: entries.flatMap((each) => each.transactions),
    begun: entries.flatMap((each) => each.begun),
    attempts: entries.flatMap((each) => each.attempts),
    endings: entries.flatMap((each) => each.endings),
    messages: entries.flatMap((each) => each.messages),
    rare: joinedRare(entries.map((each) => each.rare)),
    tells: entries.flatMap((each) => each.tells),
    leaves: entries.flatMap((each) => each.leaves),
    acts: entries.flatMap((each) => each.acts),
  }
}

/** About as many as its rows take in a commit: what is of no bounded size is counted. */
export function bytesOf({ transactions, attempts, deadLetters, messages }: Entry): number {
  return (
    sumOf(attempts, (row) => (row.output?.length ?? 0) + (row.logs?.length ?? 0)) +
    sumOf(transactions, (row) => row.envelope.length + (row.raw?.value?.length ?? 0)) +
    sumOf(messages, (row) => row.value?.length ?? 0) +
    sumOf(deadLetters, (row) => (row.value?.length ?? 0) + row.headers.length)
  )
}

function sumOf<Row>(rows: readonly Row[], of: (row: Row) => number): number {
  let sum = 0
  for (let at = 0; at < rows.length; at++) sum += of(rows[at] as Row)
  return sum
}

/**
 * `whole`: these are all entries that were folded. Of a part of them the low-water mark must not know what the rest
 * has ended: it goes to the lowest id, and the next whole batch sets it right.
 */
export function batchOf(
  entries: readonly Entry[],
  stamps: { commitId: bigint; sentUs: number; last: CommitStamp | null },
  whole: boolean,
): Batch {
  const rows = new Rows()
  for (const each of entries) rows.add(each)
  return {
    ...stamps,
    lanes: progressOf(entries, whole),
    transactions: byId(rows.transactions, (row) => row.id),
    attempts: byId(rows.attempts, (row) => row.transactionId),
    endings: byId(rows.endings, (row) => row.transactionId),
    begun: rows.begun,
    deadLetters: rows.deadLetters,
    failedLetters: rows.failedLetters,
    letterStates: rows.letterStates,
    messages: numbered(rows.messages, entries),
    commands: rows.commands,
    passed: merged(rows.passed),
    subscriptions: rows.subscriptions,
    parked: rows.parked,
    ...rows.rare,
  }
}

/** All rows of a batch's entries, each with its lane. */
class Rows {
  readonly transactions: OfLane<TransactionRow>[] = []
  readonly attempts: OfLane<AttemptRow>[] = []
  readonly endings: OfLane<EndingRow>[] = []
  readonly begun: OfLane<BegunRow>[] = []
  readonly deadLetters: OfLane<DeadLetterRow>[] = []
  readonly failedLetters: OfLane<FailedLetterRow>[] = []
  readonly letterStates: OfLane<LetterState>[] = []
  readonly messages: OfLane<Message>[] = []
  readonly commands: OfLane<CommandAnswer>[] = []
  readonly passed: OfLane<PassedRow>[] = []
  readonly subscriptions: OfLane<SubscriptionRow>[] = []
  readonly parked: OfLane<{ readonly transactionId: string }>[] = []
  readonly rare = noRows()

  add(of: Entry): void {
    const { laneId } = of.lane
    if (of.rare !== null) addRare(this.rare, of.rare, laneId)
    addTo(this.transactions, of.transactions, laneId)
    addTo(this.attempts, of.attempts, laneId)
    addTo(this.endings, of.endings, laneId)
    addTo(this.begun, of.begun, laneId)
    addTo(this.deadLetters, of.deadLetters, laneId)
    addTo(this.failedLetters, of.failedLetters, laneId)
    addTo(this.letterStates, of.letterStates, laneId)
    addTo(this.messages, of.messages, laneId)
    addTo(this.commands, of.commands, laneId)
    addTo(this.passed, of.passed, laneId)
    addTo(this.subscriptions, of.subscriptions, laneId)
    if (of.parked.length > 0) this.parked.push(...of.parked.map((transactionId) => ({ transactionId, laneId })))
  }
}

/** The rows are the entry's own, and of its lane alone: the lane is written on them, for copies of them all are dear. */
export function addTo<Row extends object>(rows: OfLane<Row>[], more: readonly Row[], laneId: number): void {
  for (let at = 0; at < more.length; at++) {
    const row = more[at] as Row & { laneId?: number }
    row.laneId = laneId
    rows.push(row as OfLane<Row>)
  }
}

/**
 * Numbers are given when a batch is written, in its order, and again when it is written again: so a lane's numbers appear
 * in the ledger in their order, and whoever reads on from one misses none.
 */
function numbered(rows: readonly OfLane<Message>[], entries: readonly Entry[]): OfLane<MessageRow>[] {
  if (rows.length === 0) return []
  const last = new Map(entries.map(({ lane }) => [lane.laneId, lane.committedSeq]))
  return rows.map((row) => {
    const seq = (last.get(row.laneId) ?? 0) + 1
    last.set(row.laneId, seq)
    return { ...row, seq }
  })
}

function progressOf(entries: readonly Entry[], whole: boolean): LaneProgress[] {
  const next = new Map<Lane, number>()
  for (const { lane, nextOffset } of entries) {
    if (nextOffset !== null) next.set(lane, nextOffset)
    else if (!next.has(lane)) next.set(lane, lane.committedOffset)
  }
  return [...next]
    .map(([lane, nextOffset]) => ({
      laneId: lane.laneId,
      epoch: lane.epoch,
      nextOffset,
      lowId: whole ? lane.lowId() : lowestId,
    }))
    .sort((a, b) => a.laneId - b.laneId)
}

/** Stable, so that a transaction's attempts stay in the order in which they were folded. */
function byId<Row>(rows: Row[], idOf: (row: Row) => string): Row[] {
  return rows.sort((a, b) => (idOf(a) < idOf(b) ? -1 : idOf(a) > idOf(b) ? 1 : 0))
}

/** Neighbouring offsets passed for the same reason become one range. */
function merged(rows: readonly OfLane<PassedRow>[]): OfLane<PassedRow>[] {
  const ranges = new Map<string, OfLane<PassedRow>>()
  const done: OfLane<PassedRow>[] = []
  for (const row of rows) {
    const name = `${row.laneId}/${row.workflowId}/${row.reason}`
    const open = ranges.get(name)
    if (open && open.toOffset + 1 === row.fromOffset) ranges.set(name, { ...open, toOffset: row.toOffset })
    else {
      if (open) done.push(open)
      ranges.set(name, row)
    }
  }
  return [...done, ...ranges.values()]
}
