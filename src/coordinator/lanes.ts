/**
 * Which lanes are ours: opened as the group assigns partitions, handed over as it takes them, opened again when fenced.
 * The group only says who should hold a lane; who does is in the ledger.
 */
import { fraction } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import { crashPoint } from '../base/crash-point.ts'
import { EngineError, messageOf } from '../base/error.ts'
import type { Sealer } from '../envelope/seal.ts'
import { publish } from '../telemetry/channels.ts'
import type { ReadingRoom } from './arrival.ts'
import { Handover } from './handover.ts'
import { Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'
import { type Opened, place, strandedOf, take } from './open.ts'
import { Outages } from './outages.ts'
import { Pauses } from './pauses.ts'
import type { Intake, LaneRef, LaneSign, Ledger, PartitionRef, Preparer, Renewed, SignalRef } from './ports.ts'
import type { PreparingParts } from './preparing.ts'
import type { Recall } from './recall.ts'
import { unsealing } from './unsealing.ts'

export interface LanesParts {
  readonly engine: string
  readonly ledger: Ledger
  readonly intake: Intake
  readonly clock: Clock
  readonly limits: CoordinatorLimits
  readonly recall: Recall
  /** Null: nothing takes time to find out about a record. */
  readonly preparer: Preparer | null
  /** Null: there is no seal key. */
  readonly sealer: Sealer | null
  /** Gives up waiting out an outage. */
  readonly signal: AbortSignal
  room(): ReadingRoom
  /** False while the coordinator begins nothing new. */
  mayOpen(): boolean
  /** A lane has something to fold. */
  wake(): void
  /** Attempts of a lane that are under way. */
  underWayOf(lane: Lane): number
  /** Messages of a lane are on their way. */
  isPublishing(lane: Lane): boolean
  /** What no process runs yet is for the next owner. */
  onDraining(lane: Lane): void
  /** A lane is not ours any more. */
  onClosed(lane: Lane): void
  /** What was folded of a transaction was not written: what it asked for ahead of that is not wanted. */
  onUndone(lane: Lane, transactionId: string, isWhole: boolean): void
  /** Something of it was looked at and rests on: when it is to be woken. */
  onResting(lane: Lane, dues: readonly number[]): void
  /** Somebody waits for an event that may be there. */
  onNudged(): void
  /** Events are kept of which those who wait may not know. */
  onUntold(signals: readonly SignalRef[]): void
  /** A lane was opened. */
  onOpened(lane: Lane): void
  /** A lane was opened, with messages that its predecessor did not publish. */
  onUnpublished(lane: Lane): void
  /** Broken code: nothing that waiting would mend. */
  onBroken(error: Error): void
}

export class Lanes {
  readonly #parts: LanesParts
  readonly #handover: Handover
  readonly #preparing: PreparingParts | null
  readonly #pauses = new Pauses()
  readonly #lanes = new Map<string, Lane>()
  readonly #assigned = new Map<string, PartitionRef>()
  readonly #opening = new Set<string>()
  /** What may have taken a lane that is not among ours yet. */
  readonly #taking = new Set<Promise<void>>()
  /** How often each topic was made again: what is being opened then is of the one before. */
  readonly #recreations = new Map<string, number>()
  /** Topics whose earlier incarnations are being looked at, and when that was last begun for all. */
  readonly #looking = new Set<string>()
  #lookedUs = 0
  /** One query at a time for each: commits need connections too. */
  readonly #loading = new Set<Lane>()

  constructor(parts: LanesParts) {
    this.#parts = parts
    this.#handover = new Handover(parts)
    this.#preparing =
      parts.preparer === null
        ? null
        : { ...parts, preparer: unsealing(parts.preparer, parts.sealer), outages: new Outages(parts.clock) }
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
    for (const lane of this.open()) if (!this.#assigned.has(nameOf(lane.partition))) this.#handOver(lane, 'revoked')
    for (const name of this.#assigned.keys()) {
      const lane = this.#lanes.get(name)
      if (lane && !lane.draining) onKept(lane)
      else if (!lane && this.#parts.mayOpen()) this.#open(name)
    }
  }

  /** After a commit: turns it gave are taken, lanes it found fenced are closed. `isNext`: the next one holds something of it. */
  afterCommit(isNext: (lane: Lane) => boolean): void {
    for (const lane of this.#lanes.values()) {
      lane.inCommit = isNext(lane)
      if (lane.closed) this.#reopenLater(lane)
      else {
        if (!lane.inCommit) lane.sealTurns() // what was folded since by halving is durable, too
        lane.giveTurns()
        void this.#load(lane)
      }
    }
  }

  /** What the ledger says of the lanes we hold: some were taken, some are asked for, some have commands. */
  renewed({ held, asked, commands, nudged, untold, pauses }: Renewed, signs: ReadonlyMap<Lane, LaneSign>): void {
    for (const [lane, sign] of signs) {
      if (lane.closed || lane.epoch !== sign.epoch) continue
      if (!held.has(lane.laneId)) {
        publish('fenced', { ...lane.partition, epoch: lane.epoch })
        this.#reopenLater(lane)
      } else if (asked.has(lane.laneId)) this.#handOver(lane, 'asked')
      else for (const command of commands) if (command.laneId === lane.laneId) lane.command(command)
    }
    if (commands.length > 0) this.#parts.wake()
    if (nudged.size > 0) this.#parts.onNudged()
    if (untold.length > 0) this.#parts.onUntold(untold)
    this.#pause(pauses)
    for (const lane of this.open()) void this.#load(lane)
    this.#lookForStranded()
  }

  #pause(pauses: Renewed['pauses']): void {
    if (this.#pauses.set(pauses)) for (const lane of this.open()) lane.unpaused()
  }

  /** The topic is another one of the same name: its lanes are opened anew. Those of earlier ones go on. */
  recreated(topic: string): void {
    this.#recreations.set(topic, this.#recreationsOf(topic) + 1)
    for (const [name, lane] of this.#lanes) {
      const isCurrent = name === nameOf(lane.partition) && lane.partition.topic === topic
      if (isCurrent && !lane.closed) this.#handOver(lane, 'recreated')
    }
  }

  #recreationsOf(topic: string): number {
    return this.#recreations.get(topic) ?? 0
  }

  /** On the way out: whoever comes next need not wait for a lease to be over, be it of a lane that was just being taken. */
  async releaseAll(): Promise<void> {
    const lanes = this.open()
    for (const lane of lanes) this.#close(lane, 'stopped')
    if (lanes.length > 0) await this.#parts.ledger.releaseLanes(lanes)
    await Promise.all(this.#taking)
  }

  #open(name: string): void {
    if (this.#opening.has(name)) return
    this.#opening.add(name)
    this.#begin(this.#openAtLast(name))
  }

  #begin(taking: Promise<void>): void {
    this.#taking.add(taking)
    void taking.finally(() => this.#taking.delete(taking))
  }

  /** Tries until it is open or not ours any more; an outage on either side is waited out. */
  async #openAtLast(name: string): Promise<void> {
    const { first, most } = this.#parts.limits.reopenPauseMs
    try {
      let nextMs = 0
      // The last look and the deletion below are one turn, so that whoever assigns it after that look opens it.
      while (this.#parts.mayOpen() && this.#assigned.has(name) && !this.#lanes.has(name)) {
        await this.#sleep(nextMs)
        const partition = this.#assigned.get(name)
        const went = partition === undefined ? 'gone' : await this.#tryOpen(name, partition)
        nextMs = went === 'failed' ? Math.min(Math.max(nextMs * 2, first / 2), most) : 0
      }
    } catch (error) {
      this.#parts.onBroken(error as Error)
    } finally {
      this.#opening.delete(name)
    }
  }

  /** What was taken away while it was opened, and be it given back, is not believed. */
  async #tryOpen(name: string, partition: PartitionRef): Promise<'opened' | 'failed' | 'gone'> {
    const { topic } = partition
    const recreations = this.#recreationsOf(topic)
    const isWanted = () => this.#isWanted(name, partition) && this.#recreationsOf(topic) === recreations
    try {
      const opened = await this.#ask(await place(partition, this.#openingRoom()), isWanted)
      if (opened === null) return 'gone'
      if (!isWanted()) {
        await this.#parts.ledger.releaseLanes([opened.lane])
        return 'gone'
      }
      const lane = this.#takeIn(name, opened)
      crashPoint('lane.opened')
      this.#parts.intake.read(lane.partition, opened.lane.nextOffset)
      this.#begin(this.#openStranded(topic))
      return 'opened'
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      publish('notice', { level: 'error', message: `cannot open ${name} yet: ${messageOf(error)}`, code: error.code })
      return 'failed'
    }
  }

  /** Until its holder gives it away; null when it is not wanted any more. */
  async #ask(ref: LaneRef, isWanted: () => boolean): Promise<Opened | null> {
    while (isWanted()) {
      const opened = await take(ref, this.#openingRoom())
      if (opened !== null) return opened
      await this.#sleep(this.#parts.limits.askEveryMs)
    }
    return null
  }

  #isWanted(name: string, partition: PartitionRef): boolean {
    return this.#parts.mayOpen() && this.#assigned.get(name) === partition
  }

  #openingRoom() {
    return { ...this.#parts, catalogue: this.#parts.room().catalogue }
  }

  #takeIn(name: string, { ref, lane: opened }: Opened): Lane {
    this.#parts.recall.learn(opened.sources)
    this.#pause(opened.pauses)
    const hooks = {
      onUndone: this.#parts.onUndone,
      onResting: this.#parts.onResting,
      onReady: (one: Lane) => void this.#load(one),
      isPaused: (workflow: string, key: string | null) => this.#pauses.holds(workflow, key),
      preparing: this.#preparing,
    }
    const lane = new Lane(ref, ref.incarnation, opened, this.#parts.engine, () => this.#parts.room(), hooks)
    lane.resume(opened.open)
    this.#lanes.set(name, lane)
    const { epoch, nextOffset } = opened
    publish('lane.opened', { ...lane.partition, epoch, nextOffset: String(nextOffset), open: opened.open.length })
    if (opened.outbox.unpublished) this.#parts.onUnpublished(lane)
    this.#parts.onOpened(lane)
    void this.#load(lane)
    return lane
  }

  /** Who held such a lane may be gone since, and an operator may ask for something in one that was done with. */
  #lookForStranded(): void {
    const { clock, limits } = this.#parts
    if (Math.abs(clock.nowUs() - this.#lookedUs) < limits.strandedEveryMs * 1000) return
    this.#lookedUs = clock.nowUs()
    for (const topic of new Set(this.open().map((lane) => lane.partition.topic))) this.#begin(this.#openStranded(topic))
  }

  /** Lanes of the topic's earlier incarnations: finished beside this one, never read. */
  async #openStranded(topic: string): Promise<void> {
    if (this.#looking.has(topic)) return
    this.#looking.add(topic)
    try {
      for (const ref of await strandedOf(topic, this.#heldOf(topic), this.#openingRoom())) await this.#takeStranded(ref)
    } catch (error) {
      if (!(error instanceof EngineError)) this.#parts.onBroken(error as Error)
    } finally {
      this.#looking.delete(topic)
    }
  }

  #heldOf(topic: string): Set<number> {
    const held = this.open().filter((lane) => this.#lanes.get(nameOf(lane.partition)) === lane)
    return new Set(held.flatMap(({ partition }) => (partition.topic === topic ? partition.partition : [])))
  }

  /** One that another coordinator still holds was asked for, and is there at the next look. */
  async #takeStranded(ref: LaneRef): Promise<void> {
    const { ledger } = this.#parts
    if (this.#holds(ref)) return
    const lane = await ledger.takeLane(ref)
    if (lane === null) return
    if (this.#parts.mayOpen()) this.#takeIn(`${nameOf(ref)}@${ref.incarnation}`, { ref, lane })
    else await ledger.releaseLanes([lane])
  }

  /** Under whatever name, and be it on its way out: the ledger would give it to us once more, and then there were two. */
  #holds(ref: LaneRef): boolean {
    const isIt = ({ partition, incarnation }: Lane) =>
      nameOf(partition) === nameOf(ref) && incarnation === ref.incarnation
    return [...this.#lanes.values()].some(isIt)
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
    const ids = lane.closed || lane.draining ? [] : lane.takeReady(this.#parts.limits.loadMax)
    if (ids.length === 0) this.#loading.delete(lane)
    return ids
  }

  /** Until they are here, or nobody wants them any more; an outage is waited out. */
  async #loadThese(lane: Lane, ids: readonly string[]): Promise<void> {
    const { limits, clock, recall, signal } = this.#parts
    for (let pauseMs = limits.outagePauseMs.first; !lane.closed && !lane.draining && !signal.aborted; ) {
      try {
        const found = await recall.load(lane.partition, ids)
        lane.arrive(found, clock.nowUs())
        if (found.length < ids.length) lane.absent(ids.filter((id) => !found.some((each) => each.id === id)))
        return this.#parts.wake()
      } catch (error) {
        if (!(error instanceof EngineError)) return this.#parts.onBroken(error as Error)
        const message = `cannot read transactions back yet: ${error.message}`
        publish('notice', { level: 'error', message, code: error.code })
        await this.#sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, limits.outagePauseMs.most)
      }
    }
  }

  /** It drains, is released and closed; should it still be ours by the group's word then, it is asked back. */
  #handOver(lane: Lane, reason: 'revoked' | 'asked' | 'recreated'): void {
    if (lane.draining) return
    void this.#handover
      .run(lane)
      .then(() => {
        if (lane.closed) return
        this.#close(lane, reason)
        if (reason === 'asked') void this.#openConfirmed(lane)
        else this.#openIfOurs(lane)
      })
      .catch((error) => this.#parts.onBroken(error))
  }

  #openIfOurs({ partition }: Lane): void {
    if (this.#parts.mayOpen()) this.#open(nameOf(partition))
  }

  #close(lane: Lane, reason: string): void {
    lane.close()
    for (const [name, each] of this.#lanes) if (each === lane) this.#lanes.delete(name)
    this.#parts.onClosed(lane)
    publish('lane.closed', { ...lane.partition, epoch: lane.epoch, reason })
  }

  #reopenLater(lane: Lane): void {
    this.#close(lane, 'fenced')
    void this.#openConfirmed(lane)
  }

  /**
   * Somebody else believes it is theirs, though the group says it is ours: it may have said so long ago. Only who is
   * heard of by the group now opens it again, and not at once, so that the two do not duel.
   */
  async #openConfirmed(lane: Lane): Promise<void> {
    const { intake, limits } = this.#parts
    const name = nameOf(lane.partition)
    if (!this.#assigned.has(name)) return
    const pauseMs = limits.reopenPauseMs.first * (1 + fraction(`${name}:${lane.epoch}`))
    await this.#sleep(pauseMs)
    if (this.#parts.mayOpen() && (await intake.confirm())) this.#openIfOurs(lane)
  }

  async #sleep(ms: number): Promise<void> {
    if (ms > 0) await sleep(this.#parts.clock, ms, this.#parts.signal)
  }
}

function nameOf(partition: PartitionRef): string {
  return `${partition.topic}/${partition.partition}`
}
