/** Which lanes are ours: opened as the group assigns partitions, closed as it takes them, opened again when fenced. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { EngineError, messageOf } from '../base/error.ts'
import { publish } from '../telemetry/channels.ts'
import type { ReadingRoom } from './arrival.ts'
import { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import { open } from './open.ts'
import type { Intake, Ledger, PartitionRef } from './ports.ts'
import type { Recall } from './recall.ts'

export interface LanesParts {
  readonly engine: string
  readonly ledger: Ledger
  readonly intake: Intake
  readonly clock: Clock
  readonly limits: CoordinatorLimits
  readonly recall: Recall
  /** Gives up waiting out an outage. */
  readonly signal: AbortSignal
  room(): ReadingRoom
  /** False while the coordinator begins nothing new. */
  mayOpen(): boolean
  /** A lane has something to fold. */
  wake(): void
  /** A lane is not ours any more. */
  onClosed(lane: Lane): void
  /** Broken code: nothing that waiting would mend. */
  onBroken(error: Error): void
}

export class Lanes {
  readonly #parts: LanesParts
  readonly #lanes = new Map<string, Lane>()
  readonly #assigned = new Map<string, PartitionRef>()
  readonly #opening = new Set<string>()
  /** One query at a time for each: commits need connections too. */
  readonly #loading = new Set<Lane>()

  constructor(parts: LanesParts) {
    this.#parts = parts
  }

  get assignedCount(): number {
    return this.#assigned.size
  }

  open(): Lane[] {
    return [...this.#lanes.values()].filter((lane) => !lane.closed)
  }

  of(partition: PartitionRef): Lane | undefined {
    const lane = this.#lanes.get(nameOf(partition))
    return lane?.closed ? undefined : lane
  }

  /** These partitions are ours, and no others. Lanes we keep read on where they are, which `onKept` hears. */
  assign(partitions: readonly PartitionRef[], onKept: (lane: Lane) => void): void {
    const before = new Map(this.#assigned)
    this.#assigned.clear()
    for (const each of partitions) this.#assigned.set(nameOf(each), before.get(nameOf(each)) ?? each)
    for (const [name, lane] of this.#lanes) if (!this.#assigned.has(name)) this.#close(lane, 'revoked')
    for (const name of this.#assigned.keys()) {
      const lane = this.#lanes.get(name)
      if (lane) onKept(lane)
      else if (this.#parts.mayOpen()) void this.#open(name)
    }
  }

  /** After a commit: turns it gave are taken, lanes it found fenced are closed. */
  afterCommit(): void {
    for (const lane of this.#lanes.values()) {
      if (lane.closed) this.#reopenLater(lane)
      else {
        lane.giveTurns()
        void this.#load(lane)
      }
    }
  }

  closeAll(reason: string): void {
    for (const lane of this.open()) this.#close(lane, reason)
  }

  /** Tries until it is open or not ours any more; an outage on either side is waited out. */
  async #open(name: string, pauseMs = 0): Promise<void> {
    if (this.#opening.has(name)) return
    this.#opening.add(name)
    const { first, most } = this.#parts.limits.reopenPauseMs
    try {
      let nextMs = pauseMs
      // The last look and the deletion below are one turn, so that whoever assigns it after that look opens it.
      while (this.#parts.mayOpen() && this.#assigned.has(name) && !this.#lanes.has(name)) {
        await this.#pause(nextMs)
        const partition = this.#assigned.get(name)
        const went = partition === undefined || (await this.#tryOpen(name, partition))
        nextMs = went ? 0 : Math.min(Math.max(nextMs * 2, first / 2), most)
      }
    } catch (error) {
      this.#parts.onBroken(error as Error)
    } finally {
      this.#opening.delete(name)
    }
  }

  /** False when it failed. What was taken away while it was opened, and be it given back, is not believed. */
  async #tryOpen(name: string, partition: PartitionRef): Promise<boolean> {
    try {
      const opened = await open(partition, { ...this.#parts, catalogue: this.#parts.room().catalogue })
      this.#parts.recall.learn(opened.sources)
      if (this.#assigned.get(name) !== partition || !this.#parts.mayOpen()) return true
      const lane = new Lane(partition, opened, this.#parts.engine, () => this.#parts.room())
      lane.resume(opened.open)
      this.#lanes.set(name, lane)
      const { epoch, nextOffset } = opened
      publish('lane.opened', { ...partition, epoch, nextOffset: String(nextOffset), open: opened.open.length })
      this.#parts.intake.read(partition, nextOffset)
      void this.#load(lane)
      return true
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      publish('notice', { level: 'error', message: `cannot open ${name} yet: ${messageOf(error)}`, code: error.code })
      return false
    }
  }

  /** Reads back, some at a time, those whose turn has come and of which only the id is in memory. */
  async #load(lane: Lane): Promise<void> {
    if (this.#loading.has(lane)) return
    this.#loading.add(lane)
    // The last look and the deletion are one turn, so that whoever gives a turn after that look loads it.
    for (let ids = this.#nextToLoad(lane); ids.length > 0; ids = this.#nextToLoad(lane))
      await this.#loadThese(lane, ids)
  }

  #nextToLoad(lane: Lane): string[] {
    const ids = lane.closed ? [] : lane.takeReady(this.#parts.limits.loadMax)
    if (ids.length === 0) this.#loading.delete(lane)
    return ids
  }

  /** Until they are here, or nobody wants them any more; an outage is waited out. */
  async #loadThese(lane: Lane, ids: readonly string[]): Promise<void> {
    const { limits, clock, recall, signal } = this.#parts
    for (let pauseMs = limits.outagePauseMs.first; !lane.closed && !signal.aborted; ) {
      try {
        lane.arrive(await recall.load(lane.partition, ids), clock.nowUs())
        return this.#parts.wake()
      } catch (error) {
        if (!(error instanceof EngineError)) return this.#parts.onBroken(error as Error)
        const message = `cannot read transactions back yet: ${error.message}`
        publish('notice', { level: 'error', message, code: error.code })
        await this.#pause(pauseMs)
        pauseMs = Math.min(pauseMs * 2, limits.outagePauseMs.most)
      }
    }
  }

  #close(lane: Lane, reason: string): void {
    lane.close()
    this.#lanes.delete(nameOf(lane.partition))
    this.#parts.onClosed(lane)
    publish('lane.closed', { ...lane.partition, epoch: lane.epoch, reason })
  }

  /** Fenced though the group says it is ours: somebody else believes so too. Backoff keeps the two from a duel. */
  #reopenLater(lane: Lane): void {
    this.#close(lane, 'fenced')
    const pauseMs = this.#parts.limits.reopenPauseMs.first * (1 + Math.random())
    if (this.#parts.mayOpen()) void this.#open(nameOf(lane.partition), pauseMs)
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#parts.signal }).catch(() => undefined)
  }
}

function nameOf(partition: PartitionRef): string {
  return `${partition.topic}/${partition.partition}`
}
