/** Backpressure: a lane that holds too much unread, or too many behind one key, has its partition paused. */
import { publish } from '../telemetry/channels.ts'
import type { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import type { Intake } from './ports.ts'

/** A lane whose lines are full reads on when they are so far from it: telling every step to and fro helps nobody. */
const resumeShare = 0.9

export class Flow {
  readonly #intake: Intake
  readonly #limits: CoordinatorLimits
  readonly #paused = new Map<Lane, string>()

  constructor(intake: Intake, limits: CoordinatorLimits) {
    this.#intake = intake
    this.#limits = limits
  }

  /** Why its partition is not read for now; null while it is. */
  reasonOf(lane: Lane): string | null {
    if (lane.held !== null) return lane.held
    const reason = this.#paused.get(lane)
    if (reason === undefined) return null
    return reason === 'queued' ? queuedText(lane) : `${lane.waiting.records} records read ahead wait for their turn`
  }

  afterReceive(lane: Lane): void {
    const { records, bytes } = lane.waiting
    if (records < this.#limits.waitingRecordsMax && bytes < this.#limits.waitingBytesMax) return
    if (this.#paused.has(lane)) return
    this.#paused.set(lane, 'unread')
    this.#intake.pause(lane.partition)
  }

  /** The intake reads the lane's partition from a new place. */
  afterRead(lane: Lane): void {
    if (this.#paused.has(lane)) this.#intake.pause(lane.partition)
  }

  /** Full lines are told; the ordinary to and fro of reading is not. */
  afterFold(lane: Lane, queuedMax: number): void {
    const { records, bytes } = lane.waiting
    const reason = this.#paused.get(lane)
    if (lane.resting >= queuedMax && reason !== 'queued') this.#tellQueued(lane)
    const half = records * 2 <= this.#limits.waitingRecordsMax && bytes * 2 <= this.#limits.waitingBytesMax
    if (reason === undefined || !half || lane.resting > queuedMax * resumeShare) return
    this.#paused.delete(lane)
    this.#intake.resume(lane.partition)
    if (reason === 'queued') publish('lane.resumed', lane.partition)
  }

  forget(lane: Lane): void {
    this.#paused.delete(lane)
  }

  #tellQueued(lane: Lane): void {
    this.#paused.set(lane, 'queued')
    this.#intake.pause(lane.partition)
    publish('lane.paused', { ...lane.partition, reason: queuedText(lane) })
  }
}

function queuedText(lane: Lane): string {
  const longest = lane.longestLine()
  const delayed = lane.resting - lane.queued
  const waiting = delayed > 0 ? `${delayed} transactions wait for a retry; ` : ''
  return `${waiting}${lane.queued} stand behind their key, most of them (${longest?.queued ?? 0}) behind ${longest?.line ?? 'none'}`
}
