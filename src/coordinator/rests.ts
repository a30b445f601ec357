/**
 * Wakes those that rest when their time has come. They are rows, not memory: of each lane only a mark is here, up to where
 * its rests were read by due time, and when the next one behind that is due.
 */
import { type Clock, sleep } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import type { RestRow } from '../transaction/effect.ts'
import type { StepRef } from '../transaction/transaction.ts'
import { whileFull } from './crowd.ts'
import type { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { DueRest, Ledger } from './ports.ts'

interface Read {
  mark: DueRest
  nextUs: number | null
  isReading: boolean
}

export interface RestsParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly limits: CoordinatorLimits
  readonly signal: AbortSignal
  /** Transactions that run, over all lanes. */
  running(): number
  wake(): void
  onBroken(error: Error): void
}

const first: DueRest = { dueUs: 0, transactionId: '00000000-0000-0000-0000-000000000000', step: -1, item: '' }

export class Rests {
  readonly #parts: RestsParts
  readonly #lanes = new Map<Lane, Read>()
  #cancel: () => void = () => undefined
  #armedUs = Number.POSITIVE_INFINITY

  constructor(parts: RestsParts) {
    this.#parts = parts
  }

  opened(lane: Lane): void {
    const read = { mark: first, nextUs: 0, isReading: false }
    this.#lanes.set(lane, read)
    void this.#read(lane, read)
  }

  closed(lane: Lane): void {
    this.#lanes.delete(lane)
  }

  stop(): void {
    this.#cancel()
    this.#lanes.clear()
  }

  /** They are durable. */
  recorded(lane: Lane, rests: readonly RestRow[]): void {
    const dues = rests.flatMap(({ dueUs }) => dueUs ?? [])
    this.due(lane, dues)
  }

  /**
   * Something of the lane is to be woken at these times: it rests from now on, or was woken too early, for a clock can go back.
   * What is due before the mark would not be read any more: the mark goes back, and some are woken once more, which is harmless.
   */
  due(lane: Lane, dues: readonly number[]): void {
    const read = this.#lanes.get(lane)
    if (!read) return
    for (const dueUs of dues) {
      if (dueUs <= read.mark.dueUs) read.mark = { ...first, dueUs }
      if (read.nextUs === null || dueUs < read.nextUs) read.nextUs = dueUs
    }
    this.#arm()
  }

  #wake(lane: Lane, id: string, { step, item }: StepRef): void {
    if (lane.get(id)) lane.tell(id, { type: 'TimerDue', atUs: this.#parts.clock.nowUs(), step, item })
    else lane.rouse(id)
  }

  #arm(): void {
    let nextUs = Number.POSITIVE_INFINITY
    for (const [lane, read] of this.#lanes) {
      if (read.isReading || read.nextUs === null || !this.#isOurs(lane, read)) continue
      nextUs = Math.min(nextUs, read.nextUs)
    }
    if (nextUs === this.#armedUs) return
    this.#cancel()
    this.#armedUs = nextUs
    if (nextUs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(0, Math.ceil((nextUs - this.#parts.clock.nowUs()) / 1000))
    this.#cancel = this.#parts.clock.after(Math.min(delayMs, timerMsMax), () => this.#fire())
  }

  #fire(): void {
    this.#armedUs = Number.POSITIVE_INFINITY
    const nowUs = this.#parts.clock.nowUs()
    for (const [lane, read] of this.#lanes) {
      if (!read.isReading && read.nextUs !== null && read.nextUs <= nowUs) void this.#read(lane, read)
    }
    this.#arm()
  }

  /** All that is due by now, some at a time; an outage is waited out. */
  async #read(lane: Lane, read: Read): Promise<void> {
    const { limits, clock, signal } = this.#parts
    read.isReading = true
    let pauseMs = limits.outagePauseMs.first
    while (this.#isOurs(lane, read)) {
      try {
        await this.#readDue(lane, read)
        break
      } catch (error) {
        if (!(error instanceof EngineError)) return this.#parts.onBroken(error as Error)
        publish('notice', {
          level: 'error',
          message: `cannot wake what rests yet: ${messageOf(error)}`,
          code: error.code,
        })
        await sleep(clock, pauseMs, signal)
        pauseMs = Math.min(pauseMs * 2, limits.outagePauseMs.most)
      }
    }
    read.isReading = false
    this.#arm()
  }

  #isOurs(lane: Lane, read: Read): boolean {
    return !lane.closed && !lane.draining && !this.#parts.signal.aborted && this.#lanes.get(lane) === read
  }

  async #readDue(lane: Lane, read: Read): Promise<void> {
    const { ledger, clock, limits, wake } = this.#parts
    for (let isMore = true; isMore && this.#isOurs(lane, read); ) {
      await whileFull(this.#parts)
      const due = await ledger.due(lane.laneId, read.mark, clock.nowUs(), limits.loadMax)
      if (!this.#isOurs(lane, read)) return
      if (due.length > 0) crashPoint('rest.due')
      for (const rest of due) this.#wake(lane, rest.transactionId, rest)
      read.mark = due.at(-1) ?? read.mark
      if (due.length > 0) wake()
      isMore = due.length === limits.loadMax
    }
    // What is recorded meanwhile makes it earlier.
    read.nextUs = null
    const nextUs = await ledger.nextDue(lane.laneId, read.mark)
    if (nextUs !== null && (read.nextUs === null || nextUs < read.nextUs)) read.nextUs = nextUs
  }
}

/** Node's timers hold no more; a longer one is set again when it fires. */
const timerMsMax = 2 ** 31 - 1
