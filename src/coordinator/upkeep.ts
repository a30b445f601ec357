/** What is done when nothing happens: the last commit's return is written, idle lanes are seen, Kafka is told how far
 * they are. */
import type { Clock } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import type { Flow } from './flow.ts'
import type { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { Intake, LaneSign, Ledger, PartitionRef, Renewed } from './ports.ts'
import type { Writer } from './write.ts'

export class Upkeep {
  readonly #ledger: Ledger
  readonly #intake: Intake
  readonly #limits: CoordinatorLimits
  readonly #writer: Writer
  readonly #flow: Flow
  readonly #clock: Clock
  readonly #lanes: () => Lane[]
  readonly #onRenewed: (renewed: Renewed, signs: ReadonlyMap<Lane, LaneSign>) => void
  #reporting = false
  readonly #reported = new WeakMap<PartitionRef, number>()
  /** As of when, by Postgres' clock, it is known what is paused, and what that is. */
  #asOfUs: number | null = null
  #pauses = '[]'
  #cancelQuiet: (() => void) | undefined
  #cancelBeat: (() => void) | undefined
  #cancelTidy: (() => void) | undefined
  #stopped = false

  constructor(
    parts: { ledger: Ledger; intake: Intake; limits: CoordinatorLimits; clock: Clock },
    room: {
      writer: Writer
      flow: Flow
      lanes: () => Lane[]
      onRenewed: (renewed: Renewed, signs: ReadonlyMap<Lane, LaneSign>) => void
    },
  ) {
    this.#ledger = parts.ledger
    this.#intake = parts.intake
    this.#limits = parts.limits
    this.#clock = parts.clock
    this.#writer = room.writer
    this.#flow = room.flow
    this.#lanes = room.lanes
    this.#onRenewed = room.onRenewed
  }

  start(): void {
    this.#beatLater()
    this.#tidyLater()
  }

  #tidyLater(): void {
    this.#cancelTidy = this.#clock.after(this.#limits.tidyEveryMs, () => void this.#tidy())
  }

  #beatLater(): void {
    this.#cancelBeat = this.#clock.after(this.#limits.renewEveryMs, () => void this.#onBeat())
  }

  /** A commit has gone through; unless another one follows soon, its return is written by itself. */
  committed(): void {
    this.#cancelQuiet?.()
    this.#cancelQuiet = this.#stopped
      ? undefined
      : this.#clock.after(this.#limits.completeAfterMs, () => void this.#renew())
  }

  stop(): void {
    this.#stopped = true
    this.#cancelQuiet?.()
    this.#cancelBeat?.()
    this.#cancelTidy?.()
  }

  /** On the way out: the last commit's return, and the lanes' places for lag tools; neither is worth a long wait. */
  async last(): Promise<void> {
    this.stop()
    await Promise.all([this.#renew(), this.#report()])
  }

  async #onBeat(): Promise<void> {
    void this.#report()
    await this.#renew()
    if (!this.#stopped) this.#beatLater()
  }

  /** There is always a next time. */
  async #tidy(): Promise<void> {
    if (this.#lanes().length > 0) await this.#ledger.tidy().catch(ignoreOutage)
    if (!this.#stopped) this.#tidyLater()
  }

  /** An outage is left to the next commit to find, which then writes the last one's return. */
  async #renew(): Promise<void> {
    this.#cancelQuiet?.()
    const lanes = this.#lanes()
    const last = this.#writer.takeLast()
    if (last === null && lanes.length === 0) return
    const signs = new Map(lanes.map((lane) => [lane, this.#signOf(lane)]))
    try {
      crashPoint('renew.before')
      const renewed = await this.#ledger.renew(last, [...signs.values()], this.#asOfUs)
      crashPoint('renew.after')
      if (this.#stopped) return
      this.#onRenewed(renewed, signs)
      this.#hear(renewed)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      this.#writer.giveBack(last)
    }
  }

  /** Whoever paused something waits to hear that it holds: that is said with the next sign of life, which comes at once. */
  #hear({ pauses, asOfUs }: Renewed): void {
    const isNews = JSON.stringify(pauses) !== this.#pauses
    this.#pauses = JSON.stringify(pauses)
    if (asOfUs > 0) this.#asOfUs = asOfUs
    if (isNews) this.#cancelQuiet = this.#clock.after(0, () => void this.#renew())
  }

  #signOf(lane: Lane): LaneSign {
    const { laneId, epoch, queued, running } = lane
    return { laneId, epoch, paused: this.#flow.reasonOf(lane), queued, running }
  }

  /** Kafka may be away: the beat does not wait for it. */
  async #report(): Promise<void> {
    if (this.#reporting) return
    this.#reporting = true
    await this.#tellKafka()
    this.#reporting = false
  }

  async #tellKafka(): Promise<void> {
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

export function ignoreOutage(error: unknown): void {
  if (!(error instanceof EngineError)) throw error
}
