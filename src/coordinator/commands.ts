/** Operators' commands of one lane: seen again until they are answered, carried out once, answered in the same commit. */
import { EngineError, messageOf } from '../base/error.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { TransactionEvent } from '../transaction/event.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Plan } from '../workflow/plan.ts'
import type { Place, ReadingRoom } from './arrival.ts'
import { idsOf } from './catalogue.ts'
import { eventOf } from './command-event.ts'
import { type Entry, entry, joined } from './entry.ts'
import { lettersAtOnce, withoutRecordsOf } from './failed-letters.ts'
import type { Lane } from './lane.ts'
import type { Command, CommandAnswer, StoredLetter } from './ports.ts'
import type { Preparing } from './preparing.ts'
import { type Redriven, redrive, redriven } from './redrive.ts'
import type { Roster } from './roster.ts'

/** What a command may ask of its lane. */
export interface LaneFace {
  readonly lane: Lane
  readonly roster: Roster
  /** Null: nothing takes time to find out. */
  readonly preparing: Preparing | null
  /** The command waits no more. */
  again(command: Command): void
  room(): ReadingRoom
  place(offset: number, nowUs: number): Place
  foldEvent(id: string, event: TransactionEvent, command: Command): Entry | null
  /** Takes them in; answers with the entries of those that started at once. */
  admit(transactions: readonly Transaction[], nowUs: number): Entry[]
  /** It is not to be after all. */
  drop(transaction: Transaction, nowUs: number): void
}

export class Commands {
  readonly #face: LaneFace
  readonly #seen = new Set<bigint>()
  /** Those whose transaction is being loaded, by its id. */
  readonly #awaited = new Map<string, Command[]>()
  /** Targets that are not in the ledger, until their commands are answered. */
  readonly #absent = new Set<string>()
  /** Records of dead letters that are being prepared, by the command that redrives them. */
  readonly #preparing = new Map<bigint, RawRecord>()
  /** Dead letters that a command of this life has settled. */
  readonly #settledLetters = new Set<string>()

  constructor(face: LaneFace) {
    this.#face = face
  }

  isNew(command: Command): boolean {
    if (this.#seen.has(command.id)) return false
    this.#seen.add(command.id)
    return true
  }

  /** The transaction is here: these wait for it. */
  arrived(id: string): Command[] {
    const commands = this.#awaited.get(id) ?? []
    this.#awaited.delete(id)
    return commands
  }

  /** Null: it waits for its transaction. */
  fold(command: Command, nowUs: number): Entry | null {
    try {
      const isOfLetter = command.kind === 'redrive' || command.kind === 'discard'
      return isOfLetter ? this.#settle(command, nowUs) : this.#pass(command, nowUs)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      return refused(this.#face.lane, command, messageOf(error))
    }
  }

  /** Postgres refused the values of what was redriven: the letter stays as it is. */
  takeBack(command: Command, admitted: readonly Transaction[], reason: string, nowUs: number): Entry {
    for (const transaction of admitted) this.#face.drop(transaction, nowUs)
    this.#settledLetters.delete(command.target)
    return refused(this.#face.lane, command, reason)
  }

  /** To its transaction, which is loaded if it is not here: it may stand aside, rest or have ended. */
  #pass(command: Command, nowUs: number): Entry | null {
    const { target } = command
    const { roster, lane } = this.#face
    if (roster.get(target)) return this.#face.foldEvent(target, eventOf(command, nowUs), command)
    if (this.#absent.delete(target)) return refused(lane, command, 'there is no such transaction in the ledger')
    if (!roster.recall(target)) roster.callBack(target)
    this.#awaited.set(target, [...(this.#awaited.get(target) ?? []), command])
    return null
  }

  /** It was looked for, and is not in the ledger. */
  absent(id: string): void {
    if (this.#awaited.has(id)) this.#absent.add(id)
  }

  #settle(command: Command, nowUs: number): Entry | null {
    const { lane } = this.#face
    const { letter, target } = command
    if (letter === null) return refused(lane, command, 'there is no such dead letter')
    if (letter.state !== 'open') return refused(lane, command, `it is ${letter.state} already`)
    if (this.#settledLetters.has(target)) return refused(lane, command, 'it was settled just now')
    if (command.kind === 'redrive') return this.#redrive(command, letter, nowUs)
    this.#settledLetters.add(target)
    const letterStates = [{ id: target, state: 'discarded' } as const]
    return entry(lane, { kind: 'upkeep' }, { letterStates, commands: [done(command, 'discarded')] })
  }

  /** Null: what it is waits to be found out. */
  #redrive(command: Command, letter: StoredLetter, nowUs: number): Entry | null {
    const { lane, room } = this.#face
    const redrivenFrom = command.target
    const { origin } = this.#face.place(letter.offset, nowUs)
    const place = { origin: { ...origin, redrivenFrom }, admittedUs: nowUs, gone: [], redrivenFrom }
    const again = this.#prepared(command, redriven(command, letter, origin.topic, room(), nowUs))
    if (again === null) return null
    const reading = redrive(again, place, room())
    this.#settledLetters.add(redrivenFrom)
    const begun = joined(this.#face.admit(reading.transactions, nowUs))
    const workflowIdOf = (plan: Plan) => idsOf(room().catalogue, plan).workflowId
    const { transactions, rows } = reading
    const parts = {
      deadLetters: [...reading.deadLetters, ...lettersAtOnce(transactions, rows, begun.endings, workflowIdOf)],
      letterStates: [{ id: redrivenFrom, state: 'redriven' } as const],
      commands: [done(command, reading.transactions.map(({ id }) => id).join(' '))],
      ...begun,
      transactions: [...withoutRecordsOf(begun.endings, rows), ...begun.transactions],
      messages: [...reading.messages, ...begun.messages],
    }
    return entry(lane, { kind: 'redrive', command, admitted: reading.transactions }, parts)
  }

  /** Null: it is being prepared, and the command comes again. By the workflows there are then. */
  #prepared(command: Command, fresh: Redriven): Redriven | null {
    const { preparing, again } = this.#face
    const record = this.#preparing.get(command.id) ?? fresh.record
    if (preparing === null || preparing.isReady(record, fresh.plans)) {
      this.#preparing.delete(command.id)
      return { ...fresh, record }
    }
    this.#preparing.set(command.id, record)
    preparing.beginOne(record, fresh.plans, () => again(command))
    return null
  }
}

export function done(command: Command, answer: string): CommandAnswer {
  return { id: command.id, state: 'done', answer }
}

export function refused(lane: Lane, command: Command, answer: string): Entry {
  return entry(lane, { kind: 'upkeep' }, { commands: [{ id: command.id, state: 'refused', answer }] })
}
