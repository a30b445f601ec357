/** Folds what was fetched: each record with all that comes of it is one entry, and so are offsets that hold none. */
import { crashPoint } from '../base/crash-point.ts'
import { EngineError } from '../base/error.ts'
import type { RawRecord } from '../envelope/record.ts'
import { publish } from '../telemetry/channels.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { deadLetter, given, type Reading, type ReadingRoom, read, unkept } from './arrival.ts'
import type { Arrivals } from './arrivals.ts'
import { claimed } from './claims.ts'
import { bytesOf, type Entry, entry, joined } from './entry.ts'
import { lettersAtOnce, withoutRecordsOf } from './failed-letters.ts'
import type { Allowance, Lane } from './lane.ts'
import type { DeadLetterRow, MissingRange, PassedRow } from './ports.ts'
import type { Preparing } from './preparing.ts'
import { joinedRare, signalRows } from './rare.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface RecordsParts {
  readonly lane: Lane
  readonly arrivals: Arrivals
  readonly subscriptions: Subscriptions
  /** Null: nothing takes time to find out. */
  readonly preparing: Preparing | null
  /** Offset of the first record that is not read. */
  readonly nextOffset: number
  room(): ReadingRoom
  /** Takes them in; answers with the entries of those that started at once. */
  admit(transactions: readonly Transaction[], nowUs: number, residentMax: number): Entry[]
  /** It is not to be after all. */
  drop(transaction: Transaction, nowUs: number): void
}

export class Records {
  readonly #parts: RecordsParts
  #readOffset: number

  constructor(parts: RecordsParts) {
    this.#parts = parts
    this.#readOffset = parts.nextOffset
  }

  /** Null when it must wait for the next commit. */
  fold(nowUs: number, allowance: Allowance, residentMax: number): Entry | null {
    const { arrivals, subscriptions, room } = this.#parts
    const arrival = arrivals.first()
    if (arrival?.kind === 'missing') {
      arrivals.shift()
      return this.#foldMissing(arrival.range)
    }
    const record = arrival?.record as RawRecord
    if (!this.#isReady(record)) return null
    crashPoint('record.before-decode')
    const reading = read(record, subscriptions.placeOf(record, nowUs), room())
    if (!claimed(reading, allowance.claims)) return null
    arrivals.shift()
    const { folded, started } = this.#foldRecord(record, reading, nowUs, residentMax)
    crashPoint('record.admitted')
    allowance.records--
    allowance.slots -= started
    allowance.bytes -= bytesOf(folded)
    return folded
  }

  /** What it waits for is found out for those behind it as well. */
  #isReady(record: RawRecord): boolean {
    const { preparing, subscriptions, arrivals } = this.#parts
    if (preparing === null || preparing.isReady(record, subscriptions.takersOf(record))) return true
    preparing.begin(record, arrivals, (each) => subscriptions.takersOf(each))
    return false
  }

  /** After Postgres refused its values: for each that was admitted a dead letter. */
  replace(
    guilty: Entry,
    source: { readonly record: RawRecord; readonly admitted: readonly Transaction[] },
    { code, message }: Refusal,
    nowUs: number,
  ): Entry {
    const { lane, subscriptions: takers, room, drop } = this.#parts
    const error = new EngineError(code, message)
    const letters = source.admitted.map((transaction) => {
      drop(transaction, nowUs)
      const place = takers.placeOf(source.record, nowUs)
      return given(deadLetter(source.record, transaction.plan, error, place, room()), [transaction.plan])
    })
    const waiters = room().catalogue.waitersByTopic.get(lane.partition.topic) ?? []
    for (const { workflowId } of guilty.rare?.signals ?? []) {
      const plan = waiters.find((each) => takers.idOf(each) === workflowId)
      const place = takers.placeOf(source.record, nowUs)
      if (plan) letters.push(given(unkept(source.record, plan, error, place, room()), [plan]))
    }
    const { nextOffset, passed, subscriptions } = guilty
    // Of those that failed at their admission nothing is left: they are not admitted after all.
    const kept = guilty.deadLetters.filter((letter) => letter.transactionId === null)
    const told = guilty.messages.filter((message) => message.transactionId === null)
    const parts = {
      nextOffset,
      passed,
      subscriptions,
      deadLetters: [...kept, ...letters.flatMap((each) => each.deadLetters)],
      messages: [...told, ...letters.flatMap((each) => each.messages)],
    }
    return entry(lane, { kind: 'upkeep' }, parts)
  }

  #foldMissing(range: MissingRange): Entry {
    const { lane } = this.#parts
    const passed = [...this.#absentBefore(range.fromOffset), { workflowId: null, ...range }]
    this.#readOffset = range.toOffset + 1
    const { fromOffset: from, toOffset: to, reason } = range
    publish('gap', { ...lane.partition, from: String(from), to: String(to), reason })
    return entry(lane, { kind: 'upkeep' }, { nextOffset: this.#readOffset, passed })
  }

  /** Answers also with how many transactions started. What starts at once is of one entry with its admission. */
  #foldRecord(
    record: RawRecord,
    reading: Reading,
    nowUs: number,
    residentMax: number,
  ): { folded: Entry; started: number } {
    const { lane, subscriptions: takers, admit } = this.#parts
    for (const subscription of reading.subscriptions) takers.add(subscription)
    const passed = [...this.#absentBefore(record.offset), ...reading.passed]
    this.#readOffset = record.offset + 1
    for (const letter of reading.deadLetters) this.#tellOf(letter, record.offset)
    if (reading.passed.some((each) => each.reason === 'no_workflow' && each.workflowId === null)) {
      publish('passed', { ...lane.partition, offset: String(record.offset) })
    }
    const started = admit(reading.transactions, nowUs, residentMax)
    const begun = joined(started)
    const ended = begun.endings
    const { rows, subscriptions } = reading
    const letters = lettersAtOnce(reading.transactions, rows, ended, takers.idOf)
    const own = withoutRecordsOf(ended, rows)
    const parts = {
      nextOffset: this.#readOffset,
      deadLetters: [...reading.deadLetters, ...letters],
      passed,
      subscriptions,
      ...begun,
      transactions: begun.transactions.length === 0 ? own : [...own, ...begun.transactions],
      messages: [...reading.messages, ...begun.messages],
      rare: reading.signals.length === 0 ? begun.rare : joinedRare([begun.rare, signalRows(reading.signals)]),
    }
    const source = { kind: 'record', record, admitted: reading.transactions } as const
    return { folded: entry(lane, source, parts), started: started.length }
  }

  /** Offsets that nobody said anything of: not there to be read. */
  #absentBefore(offset: number): PassedRow[] {
    if (offset === this.#readOffset) return []
    const gap = { workflowId: null, fromOffset: this.#readOffset, toOffset: offset - 1, reason: 'absent' } as const
    const { fromOffset: from, toOffset: to, reason } = gap
    publish('gap', { ...this.#parts.lane.partition, from: String(from), to: String(to), reason })
    return [gap]
  }

  #tellOf(letter: DeadLetterRow, offset: number): void {
    const { lane, subscriptions } = this.#parts
    const { code, reason, workflowId } = letter
    const workflow = workflowId === null ? null : subscriptions.nameOf(workflowId)
    publish('dead-letter', { ...lane.partition, offset: String(offset), workflow, code, reason })
  }
}

/** What Postgres would not take, and why. */
export interface Refusal {
  readonly code: 'value_refused' | 'charged_before'
  readonly message: string
}
