/**
 * Every record is accounted for once: whenever a lane's offset moves on, each offset it moves past has exactly one fate for
 * each workflow, in that same commit, and the fate is true of what Kafka held there.
 */
import type { PassedRow } from '../../../src/coordinator/ports.ts'
import type { Broker } from '../kafka/broker.ts'
import type { PartitionLog, Slot } from '../kafka/log.ts'
import type { Written } from '../ledger/commit.ts'
import type { StoredLane, Tables } from '../ledger/tables.ts'
import { textOf } from '../registry.ts'
import { holds } from './verdict.ts'

const once = 'every record is accounted for once'
const gaps = 'what is gone is recorded as what it is'

const kept = 'event that is kept'

interface Fate {
  readonly workflowId: number | null
  readonly what: string
}

export class Accounts {
  readonly #tables: Tables
  readonly #broker: Broker
  /** lane -> the offset up to which all was seen to be accounted for. */
  readonly #cursors = new Map<number, number>()

  constructor(tables: Tables, broker: Broker) {
    this.#tables = tables
    this.#broker = broker
  }

  written(written: Written): void {
    const fates = new Map<number, Map<number, Fate[]>>()
    for (const { laneId } of written.lanes) fates.set(laneId, new Map())
    const note = (laneId: number, offset: number, fate: Fate) => {
      const own = fates.get(laneId) as Map<number, Fate[]>
      const all = own.get(offset)
      if (all) all.push(fate)
      else own.set(offset, [fate])
    }
    this.#noteRows(written, note)
    for (const { laneId, nextOffset } of written.lanes) {
      this.#judge(this.#tables.lane(laneId), nextOffset, fates.get(laneId) as Map<number, Fate[]>)
    }
  }

  #noteRows(written: Written, note: (laneId: number, offset: number, fate: Fate) => void): void {
    for (const row of written.transactions) {
      if (row.redrivenFrom !== null || row.parent !== null) continue
      note(row.laneId, row.offset, { workflowId: this.#tables.versionOf(row).workflowId, what: 'transaction' })
      this.#sameContent(row.laneId, row.offset, (value) => row.envelope.endsWith(`"data":${value}}`))
    }
    for (const row of written.signals) note(row.laneId, row.offset, { workflowId: row.workflowId, what: kept })
    for (const row of written.copies) {
      note(row.laneId, row.offset, { workflowId: this.#tables.versionOf(row).workflowId, what: 'duplicate' })
    }
    for (const row of written.deadLetters) {
      if (row.transactionId === null) {
        note(row.laneId, row.offset, { workflowId: row.workflowId, what: `dead letter ${row.code}` })
      }
      const record = this.#slot(this.#tables.lane(row.laneId), row.offset)?.record
      // Who redrives a letter may change it.
      const isRedriven = row.transactionId !== null && this.#tables.transactions.get(row.transactionId)?.redrivenFrom
      holds(
        isRedriven || (record && same(record.value, row.value)),
        once,
        () => `dead letter ${row.id} has other bytes than its record`,
      )
    }
    for (const row of written.passed) {
      for (let offset = row.fromOffset; offset <= row.toOffset; offset++) {
        note(row.laneId, offset, { workflowId: row.workflowId, what: row.reason })
        this.#truly(this.#tables.lane(row.laneId), offset, row.reason)
      }
    }
  }

  #judge(lane: StoredLane, nextOffset: number, fates: ReadonlyMap<number, readonly Fate[]>): void {
    const from = this.#cursors.get(lane.laneId) ?? lane.firstOffset
    holds(nextOffset >= from, once, () => `${nameOf(lane)} goes back from ${from} to ${nextOffset}`)
    this.#cursors.set(lane.laneId, nextOffset)
    for (const offset of fates.keys()) {
      holds(
        offset >= from && offset < nextOffset,
        once,
        () => `${nameOf(lane)}/${offset} was recorded by a commit for ${from} to ${nextOffset - 1}`,
      )
    }
    for (let offset = from; offset < nextOffset; offset++) this.#judgeOffset(lane, offset, fates.get(offset) ?? [])
  }

  #judgeOffset(lane: StoredLane, offset: number, fates: readonly Fate[]): void {
    for (const [workflowId, from] of lane.subscriptions) {
      const own = fates.filter((fate) => fate.workflowId === workflowId || fate.workflowId === null)
      // What starts a workflow is kept, too, where that waits for its own topic: with a fate of its own.
      const isStarted = own.length === 2 && this.#isWaited(workflowId, lane.topic)
      const isRight = own.length === 1 || isStarted || (own.length === 0 && offset < from)
      holds(isRight, once, () => {
        const what = own.map((fate) => fate.what).join(' and ') || 'nothing'
        return `${nameOf(lane)}/${offset} became ${what} for workflow ${workflowId}, which takes it from ${from} on`
      })
    }
    holds(fates.length > 0, once, () => `${nameOf(lane)}/${offset} became nothing at all`)
  }

  #isWaited(workflowId: number, topic: string): boolean {
    const plans = [...this.#tables.versions.values()].filter((each) => each.workflowId === workflowId)
    return plans.some(({ plan }) => plan.signals.some((each) => each.topic === topic))
  }

  #sameContent(laneId: number, offset: number, isSame: (value: string) => boolean): void {
    const lane = this.#tables.lane(laneId)
    const record = this.#slot(lane, offset)?.record
    holds(
      record?.value && isSame(textOf(record.value)),
      once,
      () => `${nameOf(lane)}/${offset} became a transaction of another record`,
    )
  }

  #truly(lane: StoredLane, offset: number, reason: PassedRow['reason']): void {
    const log = this.#log(lane)
    const slot = log?.slot(offset)
    const gone = log !== undefined && offset < log.earliest
    const truth = () =>
      `${nameOf(lane)}/${offset} is said to be ${reason}, but is ${gone ? 'gone' : (slot?.hole ?? 'a record')}`
    if (reason === 'retention') holds(gone, gaps, truth)
    else if (reason === 'absent') holds(gone || !slot || slot.hole !== null, gaps, truth)
    else if (reason === 'compacted' || reason === 'aborted' || reason === 'control')
      holds(slot?.hole === reason, gaps, truth)
    else holds(slot?.record, gaps, truth)
  }

  #slot(lane: StoredLane, offset: number): Slot | undefined {
    return this.#log(lane)?.slot(offset)
  }

  #log(lane: StoredLane): PartitionLog | undefined {
    return this.#broker.everyTopic.get(lane.incarnation)?.logs[lane.partition]
  }
}

function same(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b)
}

export function nameOf({ topic, partition, incarnation }: StoredLane): string {
  return `${topic}/${partition}@${incarnation}`
}
