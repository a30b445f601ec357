/** Messages: numbered upwards in each lane, each once, and a copy of a dead letter for each topic that wants one, with its letter. */
import type { Published } from '../kafka/outlet.ts'
import type { Written } from '../ledger/commit.ts'
import type { Tables } from '../ledger/tables.ts'
import { holds } from './verdict.ts'

const rows = 'outbox rows'

export class Outbox {
  readonly #tables: Tables
  readonly #last = new Map<number, number>()
  readonly #ids = new Set<string>()
  readonly #published = new Map<number, number>()

  constructor(tables: Tables) {
    this.#tables = tables
  }

  written(written: Written): void {
    for (const { laneId, seq, id, deadLetterId } of written.messages) {
      const last = this.#last.get(laneId) ?? 0
      holds(seq > last, rows, () => `message ${seq} of lane ${laneId} comes after ${last}`)
      this.#last.set(laneId, seq)
      holds(!this.#ids.has(id), rows, () => `message ${id} is there twice`)
      this.#ids.add(id)
      const has = deadLetterId === null || this.#tables.letters.has(deadLetterId)
      holds(has, rows, () => `message ${id} is a copy of dead letter ${deadLetterId}, which is not there`)
    }
    this.#judgeLetters(written)
  }

  /** Once, in their order, and none that the ledger does not have. */
  published({ laneId, message: { seq, id } }: Published): void {
    const last = this.#published.get(laneId) ?? 0
    holds(seq > last, rows, () => `message ${seq} of lane ${laneId} was published after ${last}`)
    this.#published.set(laneId, seq)
    const row = this.#tables.lane(laneId).messages.find((message) => message.seq === seq)
    holds(row?.id === id && row.error === null, rows, () => `message ${id} was published, and is not to be`)
    const skipped = this.#tables
      .lane(laneId)
      .messages.find((each) => each.seq > last && each.seq < seq && each.error === null)
    holds(!skipped, rows, () => `message ${skipped?.seq} of lane ${laneId} was passed over: ${seq} came after ${last}`)
  }

  #judgeLetters(written: Written): void {
    const copied = new Set(written.messages.map((message) => message.deadLetterId))
    for (const letter of [...written.deadLetters, ...written.letters]) {
      const plans = [...this.#tables.versions.values()].filter((each) => each.workflowId === letter.workflowId)
      const wanted = plans.some(({ plan }) => plan.deadLetter.topic !== null && plan.deadLetter.failed)
      const isFailed = letter.transactionId !== null
      holds(
        !isFailed || !wanted || copied.has(letter.id),
        rows,
        () => `dead letter ${letter.id} was not copied to its topic`,
      )
    }
  }
}
