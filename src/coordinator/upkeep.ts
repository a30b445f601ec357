/** What is done when nothing happens: the last commit's return is written, idle lanes are seen, Kafka is told how far
 * they are. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import type { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { Intake, Ledger, PartitionRef } from './ports.ts'
import type { Writer } from './write.ts'

export class Upkeep {
  readonly #ledger: Ledger
  readonly #intake: Intake
  readonly #limits: CoordinatorLimits
  readonly #writer: Writer
  readonly #lanes: () => Lane[]
  readonly #reported = new WeakMap<PartitionRef, number>()
  #quiet: NodeJS.Timeout | undefined
  #beat: NodeJS.Timeout | undefined
  #committedSinceBeat = false

  constructor(
    parts: { ledger: Ledger; intake: Intake; limits: CoordinatorLimits },
    writer: Writer,
    lanes: () => Lane[],
  ) {
    this.#ledger = parts.ledger
    this.#intake = parts.intake
    this.#limits = parts.limits
    this.#writer = writer
    this.#lanes = lanes
  }

  start(): void {
    this.#beat = setInterval(() => void this.#onBeat(), this.#limits.seenEveryMs)
  }

  /** A commit has gone through; unless another one follows soon, its return is written by itself. */
  committed(): void {
    this.#committedSinceBeat = true
    if (this.#quiet) this.#quiet.refresh()
    else this.#quiet = setTimeout(() => void this.#complete(), this.#limits.completeAfterMs)
  }

  stop(): void {
    clearTimeout(this.#quiet)
    clearInterval(this.#beat)
  }

  /** On the way out: the last commit's return, and the lanes' places for lag tools; neither is worth a long wait. */
  async last(): Promise<void> {
    this.stop()
    const told = Promise.all([this.#complete(), this.#report()])
    await Promise.race([told, sleep(this.#limits.farewellMs, undefined, { ref: false })])
  }

  async #onBeat(): Promise<void> {
    if (!this.#committedSinceBeat) await this.#complete()
    this.#committedSinceBeat = false
    await this.#report()
  }

  /** An outage is left to the next commit to find, which then writes the last one's return. */
  async #complete(): Promise<void> {
    this.#quiet = undefined
    const lanes = this.#lanes()
    const last = this.#writer.takeLast()
    if (last === null && lanes.length === 0) return
    try {
      await this.#ledger.complete(
        last,
        lanes.map((lane) => lane.laneId),
      )
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#writer.giveBack(last)
    }
  }

  async #report(): Promise<void> {
    const moved = this.#lanes().filter((lane) => this.#reported.get(lane.partition) !== lane.committedOffset)
    if (moved.length === 0) return
    const progress = new Map(moved.map((lane) => [lane.partition, lane.committedOffset]))
    try {
      await this.#intake.reportProgress(progress)
      for (const [partition, offset] of progress) this.#reported.set(partition, offset)
    } catch (error) {
      publish('notice', { level: 'debug', message: 'Kafka was not told the progress', cause: String(error) })
    }
  }
}
