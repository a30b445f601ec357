/** A lane goes to another coordinator: what runs in it may end within a budget, then it is released in the ledger. */
import { type Clock, sleep } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import type { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { Ledger } from './ports.ts'

export interface HandoverParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly limits: CoordinatorLimits
  readonly signal: AbortSignal
  wake(): void
  underWayOf(lane: Lane): number
  isPublishing(lane: Lane): boolean
  onDraining(lane: Lane): void
}

/** How often it looks whether all is done, in milliseconds. */
const lookEveryMs = 10

export class Handover {
  readonly #parts: HandoverParts

  constructor(parts: HandoverParts) {
    this.#parts = parts
  }

  /** Ends when the lane is released, or was taken; an outage of the ledger leaves that to the lease. */
  async run(lane: Lane): Promise<void> {
    const { clock, limits, ledger, signal } = this.#parts
    const startedUs = clock.nowUs()
    lane.drain()
    crashPoint('handover.begun')
    this.#parts.onDraining(lane)
    this.#parts.wake()
    const isOver = () => clock.nowUs() - startedUs > limits.handoverMs * 1000
    while (!lane.closed && !this.#isDone(lane) && !isOver() && !signal.aborted) await sleep(clock, lookEveryMs, signal)
    if (lane.closed) return
    const drained = this.#isDone(lane)
    crashPoint('handover.drained')
    try {
      await ledger.releaseLanes([lane])
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
    }
    const durationMs = (clock.nowUs() - startedUs) / 1000
    publish('handover', { ...lane.partition, epoch: lane.epoch, durationMs, drained })
  }

  #isDone(lane: Lane): boolean {
    const { underWayOf, isPublishing } = this.#parts
    return underWayOf(lane) === 0 && !lane.hasEvents && !lane.inCommit && !isPublishing(lane)
  }
}
