/**
 * One event's share of a group commit: its rows, and the acts that follow when they are durable. A batch is made of
 * entries, so that a value Postgres refuses can be found by halving without touching its neighbours.
 */
import type { RawRecord } from '../envelope/record.ts'
import type { AttemptRow, BegunRow, Effect, EndingRow, LiveEffect, OutgoingRow } from '../transaction/effect.ts'
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
  readonly acts: readonly Act[]
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
    }
  | { readonly kind: 'redrive'; readonly command: Command; readonly admitted: readonly Transaction[] }
  | { readonly kind: 'upkeep' }

export interface Act {
  readonly transaction: Transaction
  readonly effect: LiveEffect
}

const nothing = Object.freeze([]) as readonly never[]

export function entry(lane: Lane, source: EntrySource, parts: Partial<Omit<Entry, 'lane' | 'source'>>): Entry {
  return {
    lane,
    source,
    nextOffset: null,
    transactions: nothing,
    begun: nothing,
    attempts: nothing,
    endings: nothing,
    deadLetters: nothing,
    failedLetters: nothing,
    letterStates: nothing,
    messages: nothing,
    commands: nothing,
    passed: nothing,
    subscriptions: nothing,
    parked: nothing,
    acts: nothing,
    ...parts,
  }
}

/** What transitions asked for. */
export type Asked = Pick<Entry, 'begun' | 'attempts' | 'endings' | 'messages' | 'acts'>

/** What a transition asked for, parted into rows and acts. */
export function rowsAndActs(transaction: Transaction, effects: readonly Effect[]): Asked {
  const begun: BegunRow[] = []
  const attempts: AttemptRow[] = []
  const endings: EndingRow[] = []
  const messages: Message[] = []
  const acts: Act[] = []
  for (const effect of effects) {
    switch (effect.type) {
      case 'RecordBegun':
        begun.push(effect.row)
        break
      case 'RecordAttempt':
        attempts.push(effect.row)
        break
      case 'RecordEnding':
        endings.push(effect.row)
        break
      case 'RecordMessage':
        messages.push(outgoing(effect.row))
        break
      default:
        acts.push({ transaction, effect })
    }
  }
  return { begun, attempts, endings, messages, acts }
}

function outgoing({ key, value, headers, ...row }: OutgoingRow): Message {
  return { ...row, key: bytes(key), value: bytes(value), headers: JSON.stringify(headers), deadLetterId: null }
}

function bytes(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'utf8')
}

export function joined(entries: readonly Asked[]): Asked {
  return {
    begun: entries.flatMap((each) => each.begun),
    attempts: entries.flatMap((each) => each.attempts),
    endings: entries.flatMap((each) => each.endings),
    messages: entries.flatMap((each) => each.messages),
    acts: entries.flatMap((each) => each.acts),
  }
}

/** About as many as its rows take in a commit: what is of no bounded size is counted. */
export function bytesOf({ transactions, attempts, deadLetters, messages }: Entry): number {
  let bytes = 0
  for (const row of messages) bytes += row.value?.length ?? 0
  for (const row of transactions) bytes += row.envelope.length + (row.raw?.value?.length ?? 0)
  for (const row of attempts) bytes += (row.output?.length ?? 0) + (row.logs?.length ?? 0)
  for (const row of deadLetters) bytes += (row.value?.length ?? 0) + row.headers.length
  return bytes
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
  return {
    ...stamps,
    lanes: progressOf(entries, whole),
    transactions: byId(
      rowsOf(entries, (each) => each.transactions),
      (row) => row.id,
    ),
    attempts: byId(
      rowsOf(entries, (each) => each.attempts),
      (row) => row.transactionId,
    ),
    endings: byId(
      rowsOf(entries, (each) => each.endings),
      (row) => row.transactionId,
    ),
    begun: rowsOf(entries, (each) => each.begun),
    deadLetters: rowsOf(entries, (each) => each.deadLetters),
    failedLetters: rowsOf(entries, (each) => each.failedLetters),
    letterStates: rowsOf(entries, (each) => each.letterStates),
    messages: numbered(
      rowsOf(entries, (each) => each.messages),
      entries,
    ),
    commands: rowsOf(entries, (each) => each.commands),
    passed: merged(rowsOf(entries, (each) => each.passed)),
    subscriptions: rowsOf(entries, (each) => each.subscriptions),
    parked: rowsOf(entries, (each) => each.parked.map((transactionId) => ({ transactionId }))),
  }
}

function rowsOf<Row extends object>(entries: readonly Entry[], pick: (each: Entry) => readonly Row[]): OfLane<Row>[] {
  const rows: OfLane<Row>[] = []
  for (const each of entries) for (const row of pick(each)) rows.push({ ...row, laneId: each.lane.laneId })
  return rows
}

/**
 * Numbers are given when a batch is written, in its order, and again when it is written again: so a lane's numbers appear
 * in the ledger in their order, and whoever reads on from one misses none.
 */
function numbered(rows: readonly OfLane<Message>[], entries: readonly Entry[]): OfLane<MessageRow>[] {
  const last = new Map(entries.map(({ lane }) => [lane.laneId, lane.committedSeq]))
  return rows.map((row) => {
    const seq = (last.get(row.laneId) ?? 0) + 1
    last.set(row.laneId, seq)
    return { ...row, seq }
  })
}

function progressOf(entries: readonly Entry[], whole: boolean): LaneProgress[] {
  const next = new Map<Lane, number>()
  for (const each of entries) next.set(each.lane, each.nextOffset ?? next.get(each.lane) ?? each.lane.committedOffset)
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
